"""``assay checkout``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay checkout                 all tracked data, as it is recorded
  assay checkout data/a.csv      one file of a tracked folder
  assay checkout train -d        what a stage wrote, and what it needs
  assay checkout --relink        after a change of cache.type
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="data, .dvc files or stages (everything)")
    parser.add_argument("-f", "--force", action="store_true", help="replace also what is in no cache yet")
    parser.add_argument("--relink", action="store_true", help="make files links of the kind that cache.type asks for")
    parser.add_argument("--allow-missing", action="store_true", help="go on without what the cache lacks")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means everything tracked below it")
    parser.add_argument("-d", "--with-deps", action="store_true", help="also what the targets need")
    parser.add_argument("--summary", action="store_true", help="only counts")


def run(args: argparse.Namespace, context: Context) -> int:
    """Checks data out."""
    from assay.cli.targets import target_words
    from assay.engine.data.checkout import How, checkout
    from assay.engine.events import Note, Warned

    folder, targets = target_words(context, args.targets)
    how = How(folder, args.force, args.relink, args.recursive, args.with_deps)
    done = checkout(context.project(), targets, how)
    context.report.clear()
    if args.summary:
        words = ("added", "modified", "deleted")
        counts = [f"{count} {word}" for count, word in zip(done.counts, words, strict=True) if count]
        context.say(f"Files: {', '.join(counts)}." if counts else "Everything was there.")
    else:
        for path, state in done.states.items():
            context.say(f"{state}\t{path}")
    if done.relinked:
        context.say(f"{done.relinked} files linked anew.")
    if done.undo:
        context.report(Note("What was there before comes back with `assay undo`."))
    if done.error is not None and not args.allow_missing:
        raise done.error
    for sentence in done.missing.values():
        context.report(Warned(sentence))
    return 0
