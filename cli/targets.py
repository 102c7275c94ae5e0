"""What the targets of a command mean: a folder, and words relative to it, so that paths and names of stages work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

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


def perhaps_outside(context: Context, word: str) -> str:
    """A path as typed, relative to the project's root; of one that lies elsewhere in the repository it leads there."""
    from assay.engine.errors import UsageError

    with suppress(UsageError):
        return context.relative(word)
    full = os.path.realpath(os.path.join(context.here, word))
    return os.path.relpath(full, context.project().root).replace(os.sep, "/")
