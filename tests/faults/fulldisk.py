"""A disk that is full, or fails, at one chosen step."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator

from assay.engine import disk

NEEDS_SPACE = ("create", "write", "mkdir", "rename", "link", "sync")


class FullDisk:
    """Fails at the nth step that needs space, counted from 0.

    Args:
        at: Which step.
        lasting: Whether it stays full from then on.

    Attributes:
        failed: Which step that was; None when there were not so many.
    """

    def __init__(self, at: int, *, lasting: bool = False) -> None:
        self._left = at
        self._lasting = lasting
        self.failed: disk.Step | None = None

    def __call__(self, step: disk.Step, path: str) -> None:
        """The hook for `disk.injected`."""
        if step in NEEDS_SPACE:
            self._left -= 1
            if self._left == -1 or (self._lasting and self._left < 0):
                self.failed = self.failed or step
                raise OSError(errno.ENOSPC, "No space left on device", path)


class BrokenDisk:
    """Fails once, at the nth step of any kind, counted from 0, except where a lock is given back.

    A lock that stays is one of a process that lives, in these tests, and so it would stop the next command.
    """

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self, step: disk.Step, path: str) -> None:
        """The hook for `disk.injected`."""
        self._left -= 1
        if self._left == -1 and not (step == "unlink" and path.endswith(".lock")):
            raise OSError(errno.EIO, "Input/output error", path)


def every_full_disk() -> Iterator[FullDisk]:
    """A full disk for each step of an operation in turn, until one is reached that the operation never gets to."""
    for at in itertools.count():
        full = FullDisk(at)
        yield full
        if full.failed is None:
            return
