"""``assay-dvc remote remove``; which files it and ``remote rename`` change."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels, place
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("name", type=str.lower, help="a remote")


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes a remote out of the configuration."""
    from assay.remotes.edits import remove

    remove(context.project(), args.name, files(args.level, context))
    return 0


def files(level: str | None, context: Context) -> list[str]:
    """The file of a level, or both of the project when none is named: what belongs to a remote may stand in either."""
    return [place(one, context) for one in ((level,) if level else ("project", "local"))]
