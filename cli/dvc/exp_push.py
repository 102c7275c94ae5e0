"""``assay-dvc exp push``; what it shares with ``exp pull``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from assay.cli.dvc.exp_list import add_scope
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.remotes.how import How


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_transfer(parser, "push")


def add_transfer(parser: argparse.ArgumentParser, verb: str) -> None:
    """Declares the arguments of ``exp push`` and ``exp pull``."""
    add_scope(parser)
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names")
    parser.add_argument("--no-cache", dest="cache", action="store_false", help=f"do not {verb} their data")
    parser.add_argument("-r", "--remote", metavar="<name>", help="the remote for their data (the default one)")
    parser.add_argument("-j", "--jobs", type=int, metavar="<number>", help="so many transfers at once")
    parser.add_argument("--run-cache", action=argparse.BooleanOptionalAction, default=False, help="the run cache too")
    parser.add_argument("git_remote", metavar="<git_remote>", help="a remote of Git's, a URL, or a path")
    parser.add_argument("experiments", nargs="*", metavar="<experiment>", help="experiments (those of HEAD)")


def how_of(args: argparse.Namespace) -> How:
    """How experiments travel. Raises UsageError."""
    from assay.engine.errors import UsageError
    from assay.remotes.how import How

    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"-j takes a number from 1 upwards, not {args.jobs}.")
    return How(args.force, args.cache, args.remote, args.jobs, args.run_cache)


def run(args: argparse.Namespace, context: Context) -> int:
    """Publishes experiments; not 0 when any of it could not be done."""
    from assay.cli.dvc.exp_list import wanted
    from assay.remotes.git.experiments import push

    done = push(context.project(), args.git_remote, args.experiments, wanted(args), how_of(args), typed_in=context.here)
    context.report.clear()
    if done.diverged:
        context.err.write(
            f"Local experiment {joined(done.diverged)} has diverged from remote experiment with the same name.\n"
            "To override the remote experiment re-run with '--force'.\n"
        )
    if done.up_to_date:
        verb = "are" if len(done.up_to_date) > 1 else "is"
        context.say(f"Experiment {joined(done.up_to_date)} {verb} up to date on Git remote {args.git_remote!r}.")
    if done.done:
        context.say(f"Pushed experiment {joined(done.done)} to Git remote {args.git_remote!r}.")
    if not done.up_to_date and not done.done:
        context.say("No experiments to push.")
    if done.files:
        context.say(f"{done.files} file{'s' if done.files > 1 else ''} uploaded")
    if not args.cache:
        context.say(
            "To push cached outputs for this experiment to DVC remote storage, "
            "re-run this command without '--no-cache'."
        )
    return tell_failed(context, done.failed) or int(bool(done.diverged))


def joined(refs: Iterable[str]) -> str:
    """The names of experiments in a sentence."""
    names = [ref.rpartition("/")[2] for ref in refs]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def tell_failed(context: Context, failed: Mapping[str, str]) -> int:
    """Says what is left, and returns the exit code for it."""
    context.out.flush()
    for ref, why in failed.items():
        context.err.write(f"ERROR: {ref.rpartition('/')[2]}: {why}\n")
    return 255 if failed else 0
