"""``assay-dvc remove``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help=".dvc files and stages")
    parser.add_argument("--outs", action="store_true", help="remove the data and what the stages write, too")


def run(args: argparse.Namespace, context: Context) -> int:
    """Stops tracking data, and takes stages out of their dvc.yaml; `assay undo` brings either back."""
    from assay.cli.targets import target_words
    from assay.engine.data import remove as data
    from assay.engine.stages import remove as stages

    folder, targets = target_words(context, args.targets)
    files = [target for target in targets if target.endswith(".dvc")]
    others = [target for target in targets if not target.endswith(".dvc")]
    project = context.project()
    if others:
        stages.remove(project, others, folder=folder, outs=args.outs)
    if files:
        data.remove(project, files, folder=folder, outs=args.outs)
    context.report.clear()
    return 0
