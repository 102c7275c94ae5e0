"""Git's index, read for what it knows about files.

The index says, for each tracked path, which blob it was and what `lstat` said then: a file whose stat data are the
same needs no reading. `Index` finds where each entry lies and unpacks one only when it is asked for, which is what
makes fifty thousand of them cheap. Versions 2, 3 and 4 are read (Git's index-format documentation).

Limits: split and sparse indexes are refused; a damaged one is never repaired.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from hashlib import sha1
from typing import NamedTuple

from assay.engine.errors import GitError
from assay.engine.git import cachetree
from assay.engine.model import Oid

ASSUME_VALID, EXTENDED = 0x8000, 0x4000
SKIP_WORKTREE, INTENT_TO_ADD = 0x4000_0000, 0x2000_0000
STAGE = 0x3000
NAME_LENGTH = 0x0FFF
_32_BITS = 0xFFFF_FFFF

ENTRY = struct.Struct(">10L20sH")
FLAGS = struct.Struct(">H")
STAT_FIELDS = struct.Struct(">4L8xL8xL20xH")
"""What tells whether a file changed: ctime and mtime (s, ns each), mode, size, and the flags."""
_ITEM = struct.Struct(">24xL12x20s")

_HINTS = {
    b"link": ("split", "Run `git update-index --no-split-index` first."),
    b"sdir": ("sparse", "Run `git sparse-checkout reapply --no-sparse-index` first."),
}


class IndexEntry(NamedTuple):
    """One path as the index has it; times, sizes and numbers are cut to 32 bits, as Git keeps them.

    ``flags`` holds the entry's 16 flag bits (the name's length among them) and above them its extended ones.
    """

    ctime: int
    ctime_ns: int
    mtime: int
    mtime_ns: int
    dev: int
    ino: int
    mode: int
    uid: int
    gid: int
    size: int
    oid: Oid
    flags: int

    @property
    def stage(self) -> int:
        """0, or for a path in conflict 1 (common ancestor), 2 (ours), 3 (theirs)."""
        return (self.flags & STAGE) >> 12

    @property
    def assume_valid(self) -> bool:
        """Whether the user promised that the file does not change (``--assume-unchanged``)."""
        return bool(self.flags & ASSUME_VALID)

    @property
    def skip_worktree(self) -> bool:
        """Whether the file need not be in the work tree."""
        return bool(self.flags & SKIP_WORKTREE)

    @property
    def intent_to_add(self) -> bool:
        """Whether only the path is known and no content yet (``git add -N``)."""
        return bool(self.flags & INTENT_TO_ADD)


def entry_of(status: os.stat_result, mode: int, oid: Oid) -> IndexEntry:
    """The entry for a file whose content is known to be that blob at the moment of its lstat."""
    ctime, ctime_ns = divmod(status.st_ctime_ns, 10**9)
    mtime, mtime_ns = divmod(status.st_mtime_ns, 10**9)
    numbers = (ctime, ctime_ns, mtime, mtime_ns, status.st_dev, status.st_ino, mode, status.st_uid, status.st_gid)
    return IndexEntry._make([*(number & _32_BITS for number in numbers), status.st_size & _32_BITS, oid, 0])


def unknown_entry(mode: int, oid: Oid) -> IndexEntry:
    """An entry without stat data: whoever reads it looks at the file."""
    return IndexEntry(0, 0, 0, 0, 0, 0, mode, 0, 0, 0, oid, 0)


class Index:
    """An index as it was read.

    Attributes:
        exists: Whether there is one; one that is not there is empty.
        mtime_ns: When the file was written.
        data: The whole file.
        offsets: Where in ``data`` the entry of each path without a conflict begins.
        is_ascii: Whether all paths are, so that ``offsets`` is in order also when they are compared as text.
        conflicts: For each path in conflict, where its entries begin, by stage.
        intended: Paths of which only the intention to add them is noted.
        version: The format's version; 0 when there is no index.
        extensions: The content of each extension, by its name.
    """

    def __init__(self, data: bytes = b"", mtime_ns: int = 0) -> None:
        self.exists = bool(data)
        self.data = data
        self.mtime_ns = mtime_ns
        self.offsets: dict[str, int] = {}
        self.is_ascii = True
        self.conflicts: dict[str, dict[int, int]] = {}
        self.intended: set[str] = set()
        self.version = 0
        self.extensions: dict[bytes, bytes] = {}

    def entry(self, path: str) -> IndexEntry | None:
        """The entry of a path; None when it is not in the index, or in conflict."""
        offset = self.offsets.get(path)
        return None if offset is None else self.unpack(offset)

    def entries(self) -> Iterator[tuple[str, IndexEntry]]:
        """Every path without a conflict, in the index's order."""
        for path, offset in self.offsets.items():
            yield path, self.unpack(offset)

    def unpack(self, offset: int) -> IndexEntry:
        """The entry that begins at an offset of ``data``."""
        fields = ENTRY.unpack_from(self.data, offset)
        if fields[-1] & EXTENDED:
            more = FLAGS.unpack_from(self.data, offset + ENTRY.size)[0]
            return IndexEntry._make((*fields[:-1], fields[-1] | more << 16))
        return IndexEntry._make(fields)

    def item(self, path: str) -> tuple[int, Oid] | None:
        """The mode and blob of a path; None when it has none: not there, in conflict, or only intended."""
        offset = self.offsets.get(path)
        if offset is None or path in self.intended:
            return None
        mode, oid = _ITEM.unpack_from(self.data, offset)
        return mode, oid

    def holds(self, path: str, mode: int, oid: bytes) -> bool:
        """Whether a path has this mode and blob."""
        offset = self.offsets.get(path)
        return (
            offset is not None
            and self.data[offset + 40 : offset + 60] == oid
            and int.from_bytes(self.data[offset + 24 : offset + 28], "big") == mode
            and path not in self.intended
        )

    def cached_trees(self) -> dict[str, tuple[Oid, int]]:
        """The folders whose tree was known when this was written: its id and its number of files; "" is the root."""
        return cachetree.parse(self.extensions.get(b"TREE", b""))


def read_index(path: str) -> Index:
    """Reads an index; one that is not there is empty.

    Raises:
        GitError: It is split or sparse, of a version nobody knows, or damaged.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            known = _last.get(_signature(path, status))
            if known is not None:
                return known
            data = file.read()
    except FileNotFoundError:
        return Index()
    except OSError as error:
        raise GitError(f"The Git index {path} cannot be read: {error.strerror}.") from error
    index = Index(data, status.st_mtime_ns)
    try:
        _parse(index, path)
    except (struct.error, IndexError, ValueError) as error:
        raise _damaged(path) from error
    _last.clear()
    _last[_signature(path, status)] = index
    return index


_last: dict[tuple[str, int, int, int, int, int], Index] = {}
"""The index that was read last, as one command asks for it several times; every writer makes a new file."""


def _signature(path: str, status: os.stat_result) -> tuple[str, int, int, int, int, int]:
    return path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _damaged(path: str) -> GitError:
    return GitError(f"The Git index {path} is damaged.", "Move it away, then run `git reset` or `assay baseline`.")


def _parse(index: Index, path: str) -> None:
    data = index.data
    if len(data) < 32 or data[:4] != b"DIRC":
        raise _damaged(path)
    version, count = struct.unpack_from(">LL", data, 4)
    if version not in (2, 3, 4):
        raise GitError(f"The Git index {path} has version {version}; 2, 3 and 4 are known.")
    index.version = version
    checksum = data[-20:]
    if any(checksum) and sha1(memoryview(data)[:-20]).digest() != checksum:
        raise _damaged(path)
    at = _parse_compressed(index, count) if version == 4 else _parse_plain(index, count)
    end = len(data) - 20
    while at < end:
        name = data[at : at + 4]
        size = struct.unpack_from(">L", data, at + 4)[0]
        if at + 8 + size > end:
            raise _damaged(path)
        if name[:1].islower():
            kind, hint = _HINTS.get(name, (f"{name.decode('latin-1')!r}", ""))
            raise GitError(f"This repository's index is of the {kind} kind, which assay does not read.", hint)
        index.extensions[name] = data[at + 8 : at + 8 + size]
        at += 8 + size
    if at != end:
        raise _damaged(path)


def _parse_plain(index: Index, count: int) -> int:
    """Versions 2 and 3: whole names, entries padded to eight bytes. Returns where the extensions begin."""
    data, offsets = index.data, index.offsets
    text = data.decode("latin-1")
    at = 12
    for _ in range(count):
        if not data[at + 60]:  # no flag is set, and the name is shorter than 256 bytes
            end = at + 62 + data[at + 61]
            offsets[text[at + 62 : end]] = at
        else:
            (flags,) = FLAGS.unpack_from(data, at + 60)
            start = at + (64 if flags & EXTENDED else 62)
            end = data.index(b"\0", start)
            _place(index, text[start:end], at, flags)
        at = end + 8 - (end - at & 7)
    if not "".join((*offsets, *index.conflicts)).isascii():
        _decode(index)
    return at


def _decode(index: Index) -> None:
    """Turns paths that were taken as Latin-1 into what their bytes say."""
    index.is_ascii = False
    index.offsets = {_decoded(path): at for path, at in index.offsets.items()}
    index.conflicts = {_decoded(path): stages for path, stages in index.conflicts.items()}
    index.intended = {_decoded(path) for path in index.intended}


def _parse_compressed(index: Index, count: int) -> int:
    """Version 4: each name says how much of the one before it to cut off, and what follows; no padding."""
    data = index.data
    at, name = 12, b""
    for _ in range(count):
        (flags,) = FLAGS.unpack_from(data, at + 60)
        start = at + (64 if flags & EXTENDED else 62)
        byte = data[start]
        cut = byte & 127
        while byte & 128:
            start += 1
            byte = data[start]
            cut = (cut + 1 << 7) | byte & 127
        end = data.index(b"\0", start + 1)
        name = name[: len(name) - cut] + data[start + 1 : end]
        _place(index, name.decode("utf-8", "surrogateescape"), at, flags)
        at = end + 1
    return at


def _place(index: Index, path: str, at: int, flags: int) -> None:
    index.is_ascii = index.is_ascii and path.isascii()
    if flags & EXTENDED and index.unpack(at).intent_to_add:
        index.intended.add(path)
    stage = (flags & STAGE) >> 12
    if stage:
        index.conflicts.setdefault(path, {})[stage] = at
    else:
        index.offsets[path] = at


def _decoded(latin: str) -> str:
    return latin.encode("latin-1").decode("utf-8", "surrogateescape")
