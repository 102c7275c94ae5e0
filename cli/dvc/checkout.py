"""``assay-dvc checkout``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context
from assay.engine.words import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="data, .dvc files or stages (everything)")
    parser.add_argument("--summary", action="store_true", help="only counts")
    parser.add_argument("-d", "--with-deps", action="store_true", help="also what the targets need")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means everything tracked below it")
    parser.add_argument("-f", "--force", action="store_true", help="replace also what is in no cache yet")
    parser.add_argument("--relink", action="store_true", help="make files links of the kind that cache.type asks for")
    parser.add_argument("--allow-missing", action="store_true", help="go on without what the cache lacks")


def run(args: argparse.Namespace, context: Context) -> int:
    """Checks data out."""
    from assay.cli.dvc.words import tell_states
    from assay.cli.targets import target_words
    from assay.engine.data.checkout import How, checkout

    folder, targets = target_words(context, args.targets)
    done = checkout(context.project(), targets, How(folder, args.force, args.relink, args.recursive, args.with_deps))
    context.report.clear()
    if args.summary:
        added, modified, deleted = done.counts
        words = ((modified, "modified"), (added, "added"), (deleted, "deleted"))
        parts = [f"{counted(count, 'file')} {word}" for count, word in words if count]
        context.say(" and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "No changes.")
    else:
        tell_states(done.states, context)
    if done.error is not None and not args.allow_missing:
        raise done.error
    if args.relink:
        context.say("Relinked successfully")
    return 0
