"""``assay-dvc remote rename``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels
from assay.cli.dvc.remote_remove import files
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("name", type=str.lower, help="a remote")
    parser.add_argument("new", type=str.lower, help="its new name")


def run(args: argparse.Namespace, context: Context) -> int:
    """Gives a remote another name."""
    from assay.remotes.edits import rename
    from assay.remotes.registry import check_name

    check_name(args.new)
    rename(context.project(), args.name, args.new, files(args.level, context))
    return 0
