"""``assay-dvc gc``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.collecting import add_flags, elsewhere_of, keep_of, others_of, question, told
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.engine.experiments.gc import Preview
    from assay.remotes.collect.unneeded import Unneeded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("-c", "--cloud", action="store_true", help="collect on the remote as well")
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="with -c: so many requests at once")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what would go, asks, and collects; `assay undo` brings back what was taken out of the cache."""
    from assay.engine.errors import UsageError
    from assay.engine.events import Note
    from assay.engine.experiments.gc import gc
    from assay.remotes.collect.unneeded import delete_unneeded, find_unneeded

    if args.cloud and args.not_in_remote:
        raise UsageError("--not-in-remote and --cloud do not go together.")
    project, seen, keep = context.project(), [], keep_of(args, context)
    elsewhere = None if args.cloud else elsewhere_of(args, context)
    ask = None if args.force or args.dry else _once(question(context))
    with others_of(args, context) as others:
        there = find_unneeded(project, args.remote, keep, others=others, jobs=args.jobs) if args.cloud else None

        def tell(preview: Preview) -> None:
            seen.append(preview)
            context.report.clear()
            for line in [*told(preview), *_told_there(there)]:
                context.report(Note(line))

        done = gc(project, keep, others=others, dry=args.dry, elsewhere=elsewhere, tell=tell, ask=ask)
        if not (done or args.dry):
            return _stopped(context)
        if there is not None and there.objects and ask is not None and not ask():
            return _stopped(context)
        if there is not None and there.objects and not args.dry:
            there = delete_unneeded(project, args.remote, keep, there, others=others, jobs=args.jobs)
    context.report.clear()
    count = seen[0].objects if seen else 0
    context.say(f"Removed {count} objects from repo cache." if count else "No unused 'repo' cache to remove.")
    if there is not None:
        for algo in ("md5", "md5-dos2unix"):
            count = sum(digest.algo == algo for digest in there.objects)
            context.say(f"Removed {count} objects from remote." if count else "No unused cache to remove from remote.")
    return 0


def _once(ask: Callable[[], bool]) -> Callable[[], bool]:
    """Asks the first time, and then remembers the answer."""
    answers: list[bool] = []

    def asked() -> bool:
        if not answers:
            answers.append(ask())
        return answers[0]

    return asked


def _stopped(context: Context) -> int:
    context.report.clear()
    return 1


def _told_there(there: Unneeded | None) -> list[str]:
    """What would go from the remote."""
    from assay.cli.render.progress import size
    from assay.engine.words import counted

    if there is None or not there.objects:
        return []
    going = f"{counted(len(there.objects), 'object')}, {size(sum(there.objects.values()))}"
    everything = f"{counted(there.all_objects, 'object')}, {size(there.all_size)}"
    return [f"{going}, would go from {there.url}, for good; it has {everything}."]
