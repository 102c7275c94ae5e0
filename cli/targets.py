"""What the targets of a command mean: a folder, and words relative to it, so that paths and names of stages work."""

from __future__ import annotations

import os
from collections.abc import Iterable

from assay.cli.wiring import Context


def target_words(context: Context, words: Iterable[str]) -> tuple[str, list[str]]:
    """The folder that a command's targets are relative to, as a project path ("" is the project), and the targets.

    Raises:
        UsageError: An absolute path lies outside the project.
    """
    folder = context.current()
    return folder, [
        os.path.relpath(context.relative(word), folder or ".") if os.path.isabs(word) else word for word in words
    ]
