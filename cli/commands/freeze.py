"""``assay freeze``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay freeze prepare             never run it, whatever changes
  assay freeze sub/dvc.yaml:train data.csv.dvc
  assay unfreeze prepare
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="stages and .dvc files")


def run(args: argparse.Namespace, context: Context) -> int:
    """Freezes."""
    return set_frozen(args, context, frozen=True)


def set_frozen(args: argparse.Namespace, context: Context, *, frozen: bool) -> int:
    """Freezes or unfreezes, and says of each target what it is now."""
    from assay.cli.targets import target_words
    from assay.engine.stages.freeze import freeze

    project = context.project()
    folder, targets = target_words(context, args.targets)
    done = freeze(project, targets, folder=folder, frozen=frozen)
    context.report.clear()
    word = "frozen" if frozen else "not frozen any more"
    for node in done.changed:
        context.say(f"{node} is {word}.")
    if not done.changed:
        context.say("Nothing to change: all of them are frozen." if frozen else "Nothing to change: none is frozen.")
    return 0
