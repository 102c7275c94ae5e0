"""``assay-dvc exp clean``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments: none."""


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes away what DVC's queue workers left for each other, and what dead ones of ours left."""
    from assay.engine.experiments.clean import clean
    from assay.engine.workers.lost import look_after

    project = context.project()
    context.say("Cleaning up dvc-task messages...")
    clean(project)
    look_after(project)
    context.say("Done!")
    return 0
