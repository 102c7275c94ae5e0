"""``assay list``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.commands.show import add_scope
from assay.cli.nocycles import nothing_collected
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assay.engine.experiments.listing import Baseline
    from assay.engine.model import Oid

EXAMPLES = """\
  assay list                   experiments of the current commit
  assay list -A                all of them, by commit
  assay list --name-only       names alone, for scripts
  assay list --remote -A       those on the default remote
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_scope(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--name-only", action="store_true", help="only the names")
    forms.add_argument("--sha-only", action="store_true", help="only the commits")
    parser.add_argument(
        "-r", "--remote", nargs="?", const="", metavar="NAME", help="those on this remote (the default one) instead"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Lists experiments by baseline."""
    from assay.engine.experiments.listing import Scope, listing

    if args.remote is not None:
        return _elsewhere(args, context)
    scope = Scope(tuple(args.rev), args.num, args.all_commits)
    with nothing_collected():
        baselines = listing(context.project(), scope)
        tags = {} if args.name_only or args.sha_only else _tags(context)
    _write(baselines, tags, args, context)
    return 0


def _elsewhere(args: argparse.Namespace, context: Context) -> int:
    """Lists those of a remote; non-zero when something there is damaged."""
    from assay.engine.experiments.chosen import Which
    from assay.remotes.there import listed_there

    which = Which((), args.rev, args.num, args.all_commits)
    baselines, failed = listed_there(context.project(), which, args.remote or None)
    context.report.clear()
    _write(baselines, {}, args, context)
    context.out.flush()
    for why in failed.values():
        context.err.write(f"error: {why}\n")
    return 255 if failed else 0


def _write(baselines: Iterable[Baseline], tags: Mapping[Oid, str], args: argparse.Namespace, context: Context) -> None:
    lines: list[str] = []
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


def _tags(context: Context) -> dict[Oid, str]:
    """What follows the name of an experiment that has tags."""
    from assay.engine.notes.ledger import all_shown

    said = all_shown(context.project()).items()
    return {commit: f"  ({', '.join(now.tags)})" for commit, now in said if now.tags}
