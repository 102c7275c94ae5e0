"""A disk that is full at one chosen step."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator

from assay.engine import disk

NEEDS_SPACE = ("create", "write", "mkdir", "rename", "link", "sync")


class FullDisk:
    """Fails at the nth step that needs space, counted from 0.

    Attributes:
        failed: Which step that was; None when there were not so many.
    """

    def __init__(self, at: int) -> None:
        self._left = at
        self.failed: disk.Step | None = None

    def __call__(self, step: disk.Step, path: str) -> None:
        """The hook for `disk.injected`."""
        if step in NEEDS_SPACE:
            self._left -= 1
            if self._left == -1:
                self.failed = step
                raise OSError(errno.ENOSPC, "No space left on device", path)


def every_full_disk() -> Iterator[FullDisk]:
    """A full disk for each step of an operation in turn, until one is reached that the operation never gets to."""
    for at in itertools.count():
        full = FullDisk(at)
        yield full
        if full.failed is None:
            return
