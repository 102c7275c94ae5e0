"""``assay-dvc unprotect``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="tracked data, or a path in it")


def run(args: argparse.Namespace, context: Context) -> int:
    """Replaces links into the cache by files of the user's own."""
    from assay.cli.targets import target_words
    from assay.engine.data.unprotect import unprotect

    folder, targets = target_words(context, args.targets)
    unprotect(context.project(), targets, folder=folder)
    context.report.clear()
    return 0
