"""``assay-dvc move``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("src", metavar="SRC", help="added data, or its .dvc file")
    parser.add_argument("dst", metavar="DST", help="the new path; a folder means into it")


def run(args: argparse.Namespace, context: Context) -> int:
    """Gives added data another path."""
    from assay.cli.dvc.words import tell_git
    from assay.cli.targets import target_words
    from assay.engine.data.move import move
    from assay.engine.events import Warned

    folder, (source, target) = target_words(context, [args.src, args.dst])
    moved = move(context.project(), source, target, folder=folder)
    context.report.clear()
    for address in moved.readers:
        context.report(Warned(f"Stage {address} still reads {moved.source}; change that in its dvc.yaml."))
    tell_git(moved.written, context)
    return 0
