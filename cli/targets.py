"""The words of a command that mean files, stages and commits; targets are relative to a folder of the project."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from contextlib import suppress

from assay.cli.wiring import Context


def add_extent(parser: argparse.ArgumentParser) -> None:
    """Declares which files are meant, and in which commits beside the workspace."""
    parser.add_argument("targets", nargs="*", metavar="PATH", help="only these files, or files in these folders")
    parser.add_argument("-a", "--all-branches", action="store_true", help="at every branch's tip too")
    parser.add_argument("-T", "--all-tags", action="store_true", help="at every tag too")
    parser.add_argument(
        "-A", "--all-commits", action="store_true", help="at every commit of branches, remote branches and tags too"
    )


def target_words(context: Context, words: Iterable[str]) -> tuple[str, list[str]]:
    """The folder that a command's targets are relative to, as a project path ("" is the project), and the targets.

    Raises:
        UsageError: An absolute path lies outside the project.
    """
    folder = context.current()
    return folder, [
        os.path.relpath(context.relative(word), folder or ".") if os.path.isabs(word) else word for word in words
    ]


def perhaps_outside(context: Context, word: str) -> str:
    """A path as typed, relative to the project's root; of one that lies elsewhere in the repository it leads there."""
    from assay.engine.errors import UsageError

    with suppress(UsageError):
        return context.relative(word)
    full = os.path.realpath(os.path.join(context.here, word))
    return os.path.relpath(full, context.project().root).replace(os.sep, "/")
