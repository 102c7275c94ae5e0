"""``assay unprotect``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay unprotect data         files that are links into the cache become files of your own
  assay unprotect data/a.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="tracked data, or a path in it")


def run(args: argparse.Namespace, context: Context) -> int:
    """Replaces links by copies."""
    from assay.cli.targets import target_words
    from assay.engine.data.unprotect import unprotect

    folder, targets = target_words(context, args.targets)
    count = unprotect(context.project(), targets, folder=folder)
    context.report.clear()
    context.say(f"Links replaced by copies: {count}.")
    return 0
