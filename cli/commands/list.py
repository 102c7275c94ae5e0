"""``assay list``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.commands.show import add_scope
from assay.cli.nocycles import nothing_collected
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.model import Oid

EXAMPLES = """\
  assay list                   experiments of the current commit
  assay list -A                all of them, by commit
  assay list --name-only       names alone, for scripts
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_scope(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--name-only", action="store_true", help="only the names")
    forms.add_argument("--sha-only", action="store_true", help="only the commits")


def run(args: argparse.Namespace, context: Context) -> int:
    """Lists experiments by baseline."""
    from assay.engine.experiments.listing import Scope, listing

    scope = Scope(tuple(args.rev), args.num, args.all_commits)
    lines: list[str] = []
    with nothing_collected():
        baselines = listing(context.project(), scope)
        tags = {} if args.name_only or args.sha_only else _tags(context)
    for baseline in baselines:
        if args.name_only:
            lines += [name for name, _ in baseline.experiments]
        elif args.sha_only:
            lines += [commit.hex() for _, commit in baseline.experiments]
        elif baseline.experiments:
            lines.append(f"{baseline.label}:")
            lines += [f"  {commit.hex()[:7]} {name}{tags.get(commit, '')}" for name, commit in baseline.experiments]
    if lines:
        context.out.write("\n".join(lines) + "\n")
    return 0


def _tags(context: Context) -> dict[Oid, str]:
    """What follows the name of an experiment that has tags."""
    from assay.engine.notes.ledger import all_shown

    said = all_shown(context.project()).items()
    return {commit: f"  ({', '.join(now.tags)})" for commit, now in said if now.tags}
