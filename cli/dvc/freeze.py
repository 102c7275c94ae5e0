"""``assay-dvc freeze``, and what ``unfreeze`` has in common with it."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="TARGET", help="stages and .dvc files")


def run(args: argparse.Namespace, context: Context) -> int:
    """Freezes."""
    return set_frozen(args, context, frozen=True)


def set_frozen(args: argparse.Namespace, context: Context, *, frozen: bool) -> int:
    """Freezes or unfreezes all targets, or none."""
    from assay.cli.render.stages import seen
    from assay.cli.targets import target_words
    from assay.engine.stages.freeze import freeze

    folder, targets = target_words(context, args.targets)
    done = freeze(context.project(), targets, folder=folder, frozen=frozen)
    context.report.clear()
    for node in done.changed:
        if not node.endswith(".dvc"):
            file, _, name = node.rpartition(":")
            context.say(f"Modifying stage '{name}' in '{seen(file or 'dvc.yaml', folder)}'")
    return 0
