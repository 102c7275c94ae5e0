"""``assay-dvc gc``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.collecting import add_flags, elsewhere_of, keep_of, others_of, question, told
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.gc import Preview


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells what would go, asks, and collects; `assay undo` brings it back."""
    from assay.engine.events import Note
    from assay.engine.experiments.gc import gc

    project, seen = context.project(), []

    def tell(preview: Preview) -> None:
        seen.append(preview)
        context.report.clear()
        for line in told(preview):
            context.report(Note(line))

    elsewhere = elsewhere_of(args, context)
    with others_of(args, context) as others:
        ask = None if args.force else question(context)
        done = gc(project, keep_of(args, context), others=others, dry=args.dry, elsewhere=elsewhere, tell=tell, ask=ask)
    context.report.clear()
    if not (done or args.dry):
        return 1
    count = seen[0].objects if seen else 0
    context.say(f"Removed {count} objects from repo cache." if count else "No unused 'repo' cache to remove.")
    return 0
