"""The words of push, pull and fetch: which experiments or data are meant, how they travel, what is told in the end."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.experiments.chosen import Which
    from assay.engine.ports import Report
    from assay.remotes.how import How
    from assay.remotes.rehearsal import Forecast
    from assay.remotes.selection import Scope

_SHOWN = 10


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that say which experiments of a remote, or for a remote, are meant."""
    parser.add_argument("-A", "--all", action="store_true", help="the experiments of all commits")
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="those of this commit; repeatable")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="N", help="so many commits back (1; negative: all)")
    parser.add_argument("--where", default="", metavar="QUERY", help="only those for which this is true")


def add_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    """Declares what the three verbs have in common; ``verb`` is "push", "pull" or "fetch"."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments (those of HEAD), or tracked data")
    parser.add_argument("-r", "--remote", help="the remote (the default one)")
    add_selection(parser)
    parser.add_argument("--no-cache", dest="cache", action="store_false", help=f"{verb} no data")
    parser.add_argument("--run-cache", action="store_true", help="also what stages did before")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="so many transfers at once")
    parser.add_argument("--depth", type=int, metavar="N", help=f"{verb} no more than N commits of history")
    parser.add_argument("--dry", action="store_true", help=f"tell what a {verb} would move, and change nothing")


def which_of(args: argparse.Namespace, names: Sequence[str]) -> Which:
    """The experiments that are meant."""
    from assay.engine.experiments.chosen import Which

    return Which(names, args.rev, args.num, args.all, args.where)


def how_of(args: argparse.Namespace) -> How:
    """How they travel. Raises UsageError."""
    from assay.engine.errors import UsageError
    from assay.remotes.how import How

    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"-j takes a number from 1 upwards, not {args.jobs}.")
    return How(args.force, args.cache, args.remote, args.jobs, args.run_cache, depth_of(args))


def depth_of(args: argparse.Namespace) -> int | None:
    """How many commits of history are meant; None for all. Raises UsageError."""
    from assay.engine.errors import UsageError

    if args.depth is not None and args.depth < 1:
        raise UsageError(f"--depth takes a number from 1 upwards, not {args.depth}.")
    depth: int | None = args.depth
    return depth


def split_words(args: argparse.Namespace, context: Context) -> tuple[Scope | None, list[str]]:
    """The data that some of the words mean, None for none, and the other words, which mean experiments.

    Without words both are meant, but for a remote that keeps versions, which has no experiments. Where no data is to
    travel, words that name experiments of this repository mean those.

    Raises:
        UsageError: Words mean data, and flags choose experiments.
    """
    if _is_only_for_data(args, context):
        from assay.remotes.selection import EVERYTHING

        return EVERYTHING, []
    if not args.names or (not args.cache and _are_experiments(args.names, context)):
        return None, args.names
    from assay.cli.targets import target_words
    from assay.engine.errors import UsageError
    from assay.engine.events import Note
    from assay.remotes.targets import split

    folder, targets = target_words(context, args.names)
    data, names = split(context.project(), targets, folder)
    if not data:
        return None, names
    from assay.remotes.selection import Scope

    if args.rev or args.all or args.where or args.num != 1 or args.branch is not None or not args.cache:
        raise UsageError(
            f"{data[0]} is tracked data, and what you chose besides is about experiments.",
            "Leave out --rev, -n, -A, --where, --no-cache and --branch, or name experiments.",
        )
    for word in data:
        if context.project().repo.refs.named(word, "refs/exps/"):
            context.report(Note(f"{word} is tracked here, and that is meant; the experiment has a full ref name too."))
    return Scope(tuple(data), folder), names


def _are_experiments(names: Sequence[str], context: Context) -> bool:
    """Whether each of some words is the name of an experiment here, in full or its last part."""
    refs = context.project().repo.refs
    return all(name.startswith("refs/exps/") or refs.named(name, "refs/exps/") for name in names)


def _is_only_for_data(args: argparse.Namespace, context: Context) -> bool:
    """Whether nothing was chosen, and the remote holds the workspace's data alone; what that leaves out is said."""
    chosen = args.names or args.rev or args.all or args.where or args.num != 1 or args.branch or not args.cache
    if chosen:
        return False
    from assay.remotes.layouts import keeps_versions

    if not keeps_versions(context.project(), args.remote):
        return False
    from assay.engine.events import Note
    from assay.remotes.choose import chosen_here

    if chosen_here(context.project(), which_of(args, ())):
        context.report(Note("Experiments do not travel through a remote that keeps versions; -r names another one."))
    return True


def tell(report: Report, did: str, context: Context, *, chosen: bool = False, is_behind: bool = False) -> int:
    """Says what a transfer did, and returns the exit code.

    Args:
        report: What it did.
        did: The verb: "Pushed".
        context: Where to say it.
        chosen: Whether certain experiments were asked for.
        is_behind: Whether it was said that a branch is not where it is there.
    """
    from assay.cli.render.progress import size
    from assay.engine.words import counted

    if report.refs or report.objects or report.artifacts:
        amount = (
            f"{counted(report.objects, 'Git object')} and {counted(report.artifacts, 'artifact')}, {size(report.size)}"
        )
        context.say(f"{did} {_some(report.refs) or 'data'}: {amount}.")
    elif not report.failed and not report.remarks:
        context.say("Everything else is up to date." if is_behind else _nothing(report, chosen=chosen))
    if report.remarks:
        context.say(f"{did} tags and notes of {_some(report.remarks)}.")
    _tell_failed(report, context)
    return 255 if report.failed else 0


def tell_forecast(forecast: Forecast, would: str, context: Context, *, chosen: bool = False) -> int:
    """Says what a transfer would do, and returns the exit code; ``chosen`` as of `tell`."""
    from assay.cli.render.progress import size
    from assay.engine.words import counted

    report, most = forecast.report, "at most " if forecast.is_bound else ""
    if report.refs or report.objects or report.artifacts:
        parts = [counted(len(report.refs), "ref"), counted(report.objects, "Git object")]
        artifacts = f"{most}{counted(report.artifacts, 'artifact')}"
        named = f" ({_some(report.refs)})" if report.refs else ""
        context.say(f"Would {would} {parts[0]}{named}, {parts[1]} and {artifacts}: {most}{size(report.size)}.")
    elif not report.failed:
        context.say(_nothing(report, chosen=chosen))
    _tell_failed(report, context)
    return 255 if report.failed else 0


def _tell_failed(report: Report, context: Context) -> None:
    """Says what is left and why, once for all that is left for the same reason."""
    alike: dict[str, list[str]] = {}
    for name, why in report.failed.items():
        alike.setdefault(why, []).append(name)
    for why, names in alike.items():
        context.err.write(f"error: {_some(names)}: {why}\n")


def _nothing(report: Report, *, chosen: bool) -> str:
    """What to say when nothing moved: whether all is there, or nothing was meant."""
    if chosen and not report.up_to_date:
        return "No experiment is what was asked for."
    return "Everything is up to date."


def _some(refs: Sequence[str]) -> str:
    return ", ".join(short(ref) for ref in refs[:_SHOWN]) + (" ..." if len(refs) > _SHOWN else "")


def short(ref: str) -> str:
    """A ref's name for a person: an experiment's own name, a branch without its prefix."""
    if ref.startswith("refs/exps/"):
        return ref.rpartition("/")[2]
    return ref.removeprefix("refs/heads/").removeprefix("refs/")
