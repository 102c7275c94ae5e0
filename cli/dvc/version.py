"""``assay-dvc version``."""

from __future__ import annotations

import argparse
import platform

from assay.cli.dvc.main import version
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments: none."""


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints the version, and what a person who helps would ask for."""
    from assay.engine.errors import NotAProject
    from assay.engine.layout import find_root

    first = f"DVC version: {version()}"
    context.say(f"{first}\n{'-' * len(first)}")
    context.say(f"Platform: Python {platform.python_version()} on {platform.platform()}")
    try:
        root, marker = find_root(context.here)
    except NotAProject:
        return 0
    context.say(f"Project: {root} ({marker})")
    return 0
