"""``assay gc``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.collecting import add_flags, elsewhere_of, keep_of, others_of, question, told
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.gc import Preview

EXAMPLES = """\
  assay gc -w -a -T --all-experiments    keep what branches, tags, experiments and the workspace need
  assay gc -w --dry                      what would go if only the workspace's data were kept, and whose it is
  assay gc --rev main -n 5               keep the last five commits of main
  assay gc -A --all-experiments -f       keep everything that has a name, without a question
  assay gc -w --not-in-remote            keep of the workspace's data only what the remote does not have
  assay undo                             gives back what the last one took
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("--empty-trash", action="store_true", help="free the space at once; nothing can come back")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what would go, asks, and collects."""
    from assay.engine.experiments.gc import gc

    project = context.project()
    keep = keep_of(args, context)
    seen: list[Preview] = []

    def tell(preview: Preview) -> None:
        seen.append(preview)
        context.report.clear()
        for line in told(preview):
            context.say(line)
        context.out.flush()

    elsewhere = elsewhere_of(args, context)
    with others_of(args, context) as others:
        ask = None if args.force else question(context)
        done = gc(
            project,
            keep,
            others=others,
            dry=args.dry,
            elsewhere=elsewhere,
            empty_trash=args.empty_trash,
            tell=tell,
            ask=ask,
        )
    context.report.clear()
    if args.dry or not seen:
        return 0
    if not done:
        context.say("Nothing was changed.")
        return 1
    if seen[0].objects and args.empty_trash:
        context.say("Deleted for good.")
    elif seen[0].objects:
        it, them = ("It is", "it") if seen[0].objects == 1 else ("They are", "them")
        context.say(f"{it} in the trash; `assay undo` brings {them} back.")
    return 0
