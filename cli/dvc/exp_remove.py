"""``assay-dvc exp remove``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="names of experiments")
    parser.add_argument("-A", "--all-commits", action="store_true", help="every experiment of the repository")
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="those of this commit; repeatable")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="N", help="so many commits back (1; negative: all)")
    parser.add_argument("--keep", action="store_true", help="remove every experiment of the repository except these")
    parser.add_argument("--queue", action="store_true", help="those that wait in DVC's queue (not there yet)")
    parser.add_argument("-g", "--git-remote", metavar="REMOTE", help="remove them from this Git remote instead")


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes experiments away; `assay undo` brings them back."""
    from assay.engine.errors import AssayError
    from assay.engine.experiments.chosen import Which
    from assay.engine.experiments.remove import doomed, remove

    if bool(args.experiments) == bool(args.all_commits or args.rev or args.queue):
        raise AssayError(
            "Either provide an `experiment` argument, or use the `--rev` or `--all-commits` or `--queue` flag."
        )
    if args.queue:
        raise AssayError("assay has no `exp remove --queue` yet, so nothing was removed.", "DVC has it.")
    project = context.project()
    if args.git_remote:
        return _elsewhere(args, context)
    refs = doomed(project, Which(args.experiments, args.rev, args.num, args.all_commits), keep=args.keep)
    remove(project, refs, " ".join(["exp remove", *args.experiments]))
    _tell(refs, context)
    return 0


def _elsewhere(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.dvc.exp_push import tell_failed
    from assay.engine.experiments.dvcscope import Commits
    from assay.remotes.git.experiments import remove

    wanted = Commits(tuple(args.rev), args.num, commits=args.all_commits)
    gone, failed = remove(
        context.project(), args.git_remote, args.experiments, wanted, keep=args.keep, typed_in=context.here
    )
    _tell(gone, context)
    return tell_failed(context, failed)


def _tell(refs: Iterable[str], context: Context) -> None:
    context.report.clear()
    names = [repr(name.rpartition("/")[2]) for name in refs]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    context.say(f"Removed experiments: {listed}" if names else "No experiments to remove.")
