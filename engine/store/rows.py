"""What a folder holds, as rows, before they have a form; and what writing and reading a form needs of a cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from assay.engine import disk
from assay.engine.errors import UnsafePath
from assay.engine.model import Digest, Entry, HashName

FILE, EXECUTABLE, DIRECTORY = 0, 1, 2

DEEPEST = 400
"""Directories nested more than this are refused."""

Row = list[Any]
"""Name, kind, binary digest, size in bytes, number of files."""

Folder = tuple[str, list[Row]]
"""A folder's path below the directory ("" for that itself), and its files."""

Put = Callable[[bytes], Digest]
"""Stores one manifest object, or only names it."""

Found = Iterator[tuple[str, "Entry | None", Digest]]
"""Files as (path, entry, its digest); manifest objects, after what they name, as (path, None, its digest)."""

_SUSPICIOUS = re.compile(r"[\0\\~]|(?:^|/)(?:/|$|\.{1,2}(?:/|$)|\.git)", re.IGNORECASE)


class Reader(Protocol):
    """What reading manifests needs of a cache."""

    def read(self, digest: Digest, /) -> bytes:
        """An object's verified content."""

    def size(self, digest: Digest, /) -> int | None:
        """An object's size in bytes; None when it is not there."""


class Writer(Protocol):
    """What writing manifests needs of a cache's writer."""

    algo: HashName

    def add_bytes(self, data: bytes, *, is_dir: bool = False) -> Digest:
        """Adds an object and returns its digest."""


def check_names(names: list[str]) -> None:
    """Raises UnsafePath unless each name is one component of a path that may be written."""
    joined = "/".join(names)
    if names and joined.isascii() and joined.count("/") == len(names) - 1 and not _SUSPICIOUS.search(joined):
        return  # the fast way: nothing in it that could be wrong
    for name in names:
        if "/" in name:
            raise UnsafePath(f"The name {name!r} in a manifest cannot be written.")
        disk.check_relative(name)
