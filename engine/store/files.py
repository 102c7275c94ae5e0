"""Reading files: one that others may write to, so that what was read is one state of it; one that threads share.

A file that is written to while it is read shows it: its stat data before and after differ, or its length is not
what they say. It is then read once more, and if that happens again, the user is told.

Limits: a change within one tick of the file system's clock that keeps the size goes unnoticed here; the racy
rule of `statcache` sees to it that such a file is read again next time.
"""

from __future__ import annotations

import io
import os
import stat as stat_module
from types import TracebackType

from assay.engine.errors import StoreError

ATTEMPTS = 2
_PIECE = 1 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class Reading:
    """One attempt at reading a file.

    Args:
        path: Absolute; a symlink is followed.

    Attributes:
        stat: The file's stat data when it was opened.
        stream: The file, unbuffered.

    Raises:
        StoreError: It is not there, cannot be read, or is no regular file.
    """

    def __init__(self, path: str) -> None:
        try:
            fd = os.open(path, _FLAGS)
        except OSError as error:
            raise unreadable(path, error) from error
        self.stat = os.fstat(fd)
        if not stat_module.S_ISREG(self.stat.st_mode):
            os.close(fd)
            raise StoreError(f"{path} is not a regular file.")
        self.stream = io.FileIO(fd, "rb")

    def __enter__(self) -> Reading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.close()

    def is_whole(self, size: int) -> bool:
        """Whether ``size`` bytes that were read are the file as it was throughout."""
        return size == self.stat.st_size and same(self.stat, os.fstat(self.stream.fileno()))


class Descriptor:
    """An open file that closes when nobody holds it any more, so that another thread's read is not cut off.

    Args:
        path: Absolute.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.fd = -1
        self.fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)


def read_whole(path: str) -> tuple[bytes, os.stat_result]:
    """A file's content and the stat data that belong to it; for files that fit into memory.

    Raises:
        StoreError: It cannot be read, or changed while it was read, twice.
    """
    for _ in range(ATTEMPTS):
        with Reading(path) as file:
            data = file.stream.read(file.stat.st_size + 1)
            while data and len(data) <= file.stat.st_size and (more := file.stream.read(file.stat.st_size)):
                data += more
            if file.is_whole(len(data)):
                return data, file.stat
    raise changed(path)


def read_to_end(fd: int, size: int) -> bytes:
    """What is left in an open file that should be of this size, in as few calls as there can be."""
    data = os.read(fd, size + 1)
    if len(data) == size:
        return data
    pieces = [data]
    while data:
        data = os.read(fd, _PIECE)
        pieces.append(data)
    return b"".join(pieces)


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two stats are of the same file, not written to in between."""
    return (
        one.st_mtime_ns == other.st_mtime_ns
        and one.st_size == other.st_size
        and one.st_ctime_ns == other.st_ctime_ns
        and one.st_ino == other.st_ino
    )


def changed(path: str) -> StoreError:
    """The error for a file that does not hold still."""
    return StoreError(
        f"{path} changed while it was being read.", "Wait until nothing writes to it, then run the same command again."
    )


def unreadable(path: str, error: OSError) -> StoreError:
    """The error for a file that cannot be opened."""
    why = os.strerror(error.errno) if error.errno else str(error)
    return StoreError(f"{path} cannot be read: {why}.", "Check that it exists and that you may read it.")
