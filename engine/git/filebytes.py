"""Files read as bytes: in memory, mapped, or page by page.

A mapped file stays readable after it is deleted; where files may shrink or cannot be mapped (network file systems),
pages are read as they are asked for, which is slower and just as right.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, overload

READ_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WHOLE_FILE = 64 << 10  # files up to this many bytes are read in one go
_FIRST_READ, _NEXT_READ = 16 << 10, 1 << 20


class Bytes(Protocol):
    """What a file's content is read through: bytes in memory, an mmap, or reads as they are asked for."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, at: int, /) -> int: ...

    @overload
    def __getitem__(self, at: slice, /) -> bytes: ...


class PagedFile:
    """A file that is read as it is asked for, where it cannot be mapped or is still growing.

    Args:
        fd: Its descriptor, which this object closes.
        size: Its length in bytes; whoever makes the file grow may change it.
    """

    _PAGE = 4096

    def __init__(self, fd: int, size: int) -> None:
        self.size = size
        self._fd = fd
        self._page = (0, b"")

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, at: int, /) -> int: ...

    @overload
    def __getitem__(self, at: slice, /) -> bytes: ...

    def __getitem__(self, at: int | slice, /) -> int | bytes:
        if isinstance(at, slice):
            start, stop, _ = at.indices(self.size)
            return self._read(start, max(stop - start, 0))
        start, page = self._page
        if not start <= at < start + len(page):
            start, page = self._page = at, self._read(at, min(self._PAGE, self.size - at))
        return page[at - start]

    def _read(self, at: int, length: int) -> bytes:
        pieces = []
        while length > 0 and (piece := os.pread(self._fd, length, at)):
            pieces.append(piece)
            at += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def __del__(self) -> None:
        os.close(self._fd)


def open_bytes(path: str, may_map: Callable[[str], bool]) -> Bytes:
    """A file's content: small files whole, large ones mapped, or paged where mapping is not wanted or fails."""
    fd = os.open(path, READ_FLAGS)
    keep = False
    try:
        size = os.fstat(fd).st_size
        if size <= _WHOLE_FILE:
            return read_to_end(fd)
        if may_map(path):
            with suppress(OSError, ValueError):
                return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
        keep = True
        return PagedFile(fd, size)
    finally:
        if not keep:
            os.close(fd)


def read_to_end(fd: int) -> bytes:
    """Everything from a descriptor's position on; a read that falls short goes on where it stopped."""
    data = os.read(fd, _FIRST_READ)
    if not data:
        return data
    pieces = [data]
    while piece := os.read(fd, _NEXT_READ if len(pieces) > 1 else _FIRST_READ):
        pieces.append(piece)
    return b"".join(pieces) if len(pieces) > 1 else data
