"""Packs written: a stream of entries, with deltas against one base per group.

Objects of a group (one path in many experiments) mostly differ in a few lines, so the first of a group is stored
whole and the others as deltas against it: chains of length one, found in microseconds, about as small as Git's own.
"""

from __future__ import annotations

import zlib
from hashlib import sha1
from typing import Protocol

from assay.engine.git.delta import BlockIndex, index_blocks, make_delta
from assay.engine.git.objects import COMMIT
from assay.engine.git.packentries import OFS_DELTA
from assay.engine.git.packindex import IndexEntry
from assay.engine.model import Oid

_FLUSH = 256 << 10
_LEAST_DELTA, _MOST_DELTA = 48, 128 << 10  # bytes of an object for which a delta is tried
_KEEP_BASES = 32 << 20
_GIVE_UP = 4  # tries in a row that made no delta, after which a group without a hint is left alone


class PackFile(Protocol):
    """Where a pack goes: a `disk.NewFile`, or what only looks at how much there is."""

    @property
    def path(self) -> str:
        """Where it can be read."""

    def write(self, data: bytes) -> int:
        """Appends bytes and returns how many."""

    def overwrite(self, offset: int, data: bytes) -> None:
        """Replaces bytes already written."""


class Scale:
    """Weighs what is written to it, and keeps nothing.

    Attributes:
        size: The bytes so far.
    """

    path = ""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        """Counts bytes."""
        self.size += len(data)
        return len(data)

    def overwrite(self, offset: int, data: bytes) -> None:
        """Changes no length."""


class PackWriter:
    """Writes a pack into a new file, which stays open and unpublished.

    Args:
        file: Where the pack goes; nothing has been written to it.
        count: How many objects there will be. None: not known yet; `finish` then reads the file once more, because
            the count is in the first bytes that the checksum covers.
        level: How hard zlib tries.
    """

    def __init__(self, file: PackFile, count: int | None = None, level: int = 1) -> None:
        self.entries: list[IndexEntry] = []
        self._file = file
        self._expected = count
        self._level = level
        self._stars = _Stars()
        self._buffer = bytearray(pack_header(count or 0))
        self._flushed = 0
        self._sha = sha1()
        self._failure: OSError | None = None

    @property
    def size(self) -> int:
        """Bytes so far, those not yet flushed included."""
        return self._flushed + len(self._buffer)

    def add(self, oid: Oid, kind: int, data: bytes, hint: str = "") -> int:
        """Appends an object, as a delta where its group has a base for it; returns the offset of its entry."""
        found = self._stars.delta(kind, data, hint)
        if found is not None:
            base, delta = found
            return self.add_delta(oid, base, len(delta), zlib.compress(delta, self._level))
        offset = self.add_compressed(oid, kind, len(data), zlib.compress(data, self._level))
        self._stars.offer(kind, data, hint, offset)
        return offset

    def add_compressed(self, oid: Oid, kind: int, size: int, compressed: bytes) -> int:
        """Appends an object of ``size`` bytes that is compressed already; returns the offset of its entry."""
        return self._append(oid, entry_header(kind, size), compressed)

    def add_delta(self, oid: Oid, base: int, size: int, compressed: bytes) -> int:
        """Appends a compressed delta of ``size`` bytes against the entry at offset ``base``."""
        return self._append(oid, entry_header(OFS_DELTA, size) + _distance(self.size - base), compressed)

    def _append(self, oid: Oid, header: bytes, compressed: bytes) -> int:
        offset = self.size
        self.entries.append(IndexEntry(oid, offset, zlib.crc32(compressed, zlib.crc32(header))))
        self._buffer += header
        self._buffer += compressed
        if len(self._buffer) >= _FLUSH:
            self.flush()
        return offset

    def flush(self) -> None:
        """Writes out what is buffered. Once that failed, the pack is of no use and it fails for ever."""
        if self._failure is not None:
            raise self._failure
        if self._expected is not None:
            self._sha.update(self._buffer)
        try:
            self._file.write(bytes(self._buffer))
        except OSError as error:
            self._failure = error
            raise
        self._flushed += len(self._buffer)
        self._buffer.clear()

    def finish(self) -> bytes:
        """Writes the trailer and returns the pack's checksum of 20 bytes."""
        self.flush()
        checksum = self._sha.digest()
        if self._expected != len(self.entries):
            self._file.overwrite(0, pack_header(len(self.entries)))
            checksum = hash_file(self._file.path, self._flushed)
        self._file.write(checksum)
        return checksum


class _Star:
    """A base, and the blocks in it once somebody asks."""

    def __init__(self, offset: int, data: bytes) -> None:
        self.offset = offset
        self.data = data
        self.blocks: BlockIndex | None = None
        self.failures = 0


class _Stars:
    """Chooses bases. A group is all objects of one kind and hint; without a hint, of one kind and about one size."""

    def __init__(self) -> None:
        self._stars: dict[tuple[int, str | int], _Star] = {}
        self._size = 0

    def delta(self, kind: int, data: bytes, hint: str) -> tuple[int, bytes] | None:
        """The offset of a base and the delta against it, or None."""
        star = self._stars.get((kind, hint or len(data).bit_length()))
        if star is None or kind == COMMIT or not _LEAST_DELTA <= len(data) <= _MOST_DELTA:
            return None
        if star.failures >= _GIVE_UP and not hint:
            return None
        if star.blocks is None:
            star.blocks = index_blocks(star.data)
        delta = make_delta(star.data, star.blocks, data)
        star.failures = 0 if delta is not None else star.failures + 1
        return None if delta is None else (star.offset, delta)

    def offer(self, kind: int, data: bytes, hint: str, offset: int) -> None:
        """Makes an object that was stored whole the base of its group."""
        if kind == COMMIT or not _LEAST_DELTA <= len(data) <= _MOST_DELTA:
            return
        key = (kind, hint or len(data).bit_length())
        before = self._stars.get(key)
        if before is not None and before.failures >= _GIVE_UP and not hint:
            return
        if self._size + len(data) > _KEEP_BASES:
            self._stars.clear()
            self._size = 0
        star = self._stars[key] = _Star(offset, data)
        star.failures = before.failures if before is not None else 0
        self._size += len(data)


def pack_header(count: int) -> bytes:
    """The first 12 bytes of a pack of ``count`` objects."""
    return b"PACK\0\0\0\2" + count.to_bytes(4, "big")


def entry_header(kind: int, size: int) -> bytes:
    """What begins a pack entry: its kind, and the size in bytes of what follows once it is inflated."""
    out = bytearray()
    byte = kind << 4 | size & 0x0F
    size >>= 4
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)


def _distance(back: int) -> bytes:
    """How far before an entry its base lies, as OFS deltas say it."""
    out = [back & 0x7F]
    back >>= 7
    while back:
        back -= 1
        out.append(back & 0x7F | 0x80)
        back >>= 7
    return bytes(reversed(out))


def hash_file(path: str, size: int) -> bytes:
    """The SHA-1 of a file's first ``size`` bytes, read in bounded memory."""
    digest = sha1()
    with open(path, "rb") as reader:
        while size > 0 and (piece := reader.read(min(size, 1 << 20))):
            digest.update(piece)
            size -= len(piece)
    return digest.digest()
