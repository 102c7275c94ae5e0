"""``assay-dvc root``."""

from __future__ import annotations

import argparse
import os

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments: none."""


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints the path of the project's root, relative to the current folder."""
    from assay.engine.layout import find_root

    context.say(os.path.relpath(find_root(context.here)[0], context.here))
    return 0
