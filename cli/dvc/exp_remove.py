"""``assay-dvc exp remove``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.queue.jobs import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="names of experiments")
    parser.add_argument("-A", "--all-commits", action="store_true", help="every experiment of the repository")
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="those of this commit; repeatable")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="N", help="so many commits back (1; negative: all)")
    parser.add_argument("--keep", action="store_true", help="remove every experiment of the repository except these")
    parser.add_argument("--queue", action="store_true", help="those that wait in the queue")
    parser.add_argument("-g", "--git-remote", metavar="REMOTE", help="remove them from this Git remote instead")


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes experiments away, which `assay undo` brings back, and tasks of the queue, which are gone."""
    from assay.engine.errors import AssayError, UsageError

    if bool(args.experiments) == bool(args.all_commits or args.rev or args.queue):
        raise AssayError(
            "Either provide an `experiment` argument, or use the `--rev` or `--all-commits` or `--queue` flag."
        )
    if args.queue and (args.keep or args.git_remote):
        raise UsageError(f"Cannot use both `{'--keep' if args.keep else '--git-remote'}` and `--queue`.")
    if args.git_remote:
        return _elsewhere(args, context)
    gone = _from_queue(context) if args.queue else []
    if args.experiments and not args.keep:
        gone += _named(args, context)
    elif args.experiments or args.all_commits or args.rev:
        gone += _by_baseline(args, context)
    _tell(gone, context)
    return 0


def _by_baseline(args: argparse.Namespace, context: Context) -> list[str]:
    """Takes away what the arguments mean, whatever the queue has."""
    from assay.engine.experiments.chosen import Which
    from assay.engine.experiments.remove import doomed, remove

    project = context.project()
    refs = doomed(project, Which(args.experiments, args.rev, args.num, args.all_commits), keep=args.keep)
    remove(project, refs, " ".join(["exp remove", *args.experiments]))
    return list(refs)


def _named(args: argparse.Namespace, context: Context) -> list[str]:
    """Takes away experiments and tasks of these names, all or none."""
    from assay.cli.dvc.queued import meant, refuse_unknown
    from assay.engine.experiments.chosen import Which, all_named
    from assay.engine.experiments.remove import doomed, remove
    from assay.engine.workers import control

    project = context.project()
    entries, jobless = meant(context, args.experiments, ("queued", "failed", "success"))
    names = [word for word in dict.fromkeys(args.experiments) if all_named(project, word)]
    refuse_unknown(context, [word for word in jobless if word not in names], "experiment name", "exp remove")
    refs = doomed(project, Which(names)) if names else {}
    remove(project, refs, " ".join(["exp remove", *names]))
    if entries:
        control.remove(project, [entry.job.number for entry in entries])
    return list(dict.fromkeys([*(ref.rpartition("/")[2] for ref in refs), *(entry.job.name for entry in entries)]))


def _from_queue(context: Context) -> list[str]:
    """Takes away whatever is queued."""
    from assay.cli.dvc.queued import tell_of_dvcs
    from assay.engine.workers.control import remove

    tell_of_dvcs(context, ("queued",), "exp remove --queue")
    states: tuple[State, ...] = ("queued",)
    return [job.name for job in remove(context.project(), states=states)]


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
