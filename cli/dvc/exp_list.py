"""``assay-dvc exp list``; the arguments by which DVC's verbs choose commits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.dvcscope import Commits


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that say whose experiments are meant."""
    parser.add_argument("-A", "--all-commits", action="store_true", help="those of all commits")
    parser.add_argument("--rev", action="append", metavar="<commit>", help="those of this commit (HEAD); repeatable")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="<num>", help="so many commits back (1; -1: all)")


def wanted(args: argparse.Namespace) -> Commits:
    """Whose experiments are meant."""
    from assay.engine.experiments.dvcscope import Commits

    return Commits(tuple(args.rev or ()), args.num, commits=args.all_commits)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_scope(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--name-only", "--names-only", action="store_true", help="only the names")
    forms.add_argument("--sha-only", "--shas-only", action="store_true", help="only the ids of the commits")
    parser.add_argument("git_remote", nargs="?", metavar="<git_remote>", help="a Git remote whose experiments to list")


def run(args: argparse.Namespace, context: Context) -> int:
    """Lists experiments by baseline."""
    from assay.engine.errors import UsageError
    from assay.engine.experiments.dvcscope import described, exp_list

    project = context.project()
    if args.git_remote:
        from assay.remotes.git.experiments import listed

        if args.sha_only:
            raise UsageError("--sha-only not supported with git_remote.")
        found = listed(project, args.git_remote, wanted(args), typed_in=context.here)
    else:
        found = exp_list(project, wanted(args))
    lines: list[str] = []
    names = {} if args.name_only or args.sha_only else described(project, found)
    for baseline, experiments in found.items():
        if args.name_only:
            lines += [name for name, _ in experiments]
        elif args.sha_only:
            lines += [commit.hex() for _, commit in experiments]
        else:
            lines.append(f"{names.get(baseline) or baseline.hex()[:7]}:")
            shown = "\t{name}" if args.git_remote else "\t{id} [{name}]"
            lines += [shown.format(name=name, id=commit.hex()[:7]) for name, commit in experiments]
    context.out.write("".join(line + "\n" for line in lines))
    return 0
