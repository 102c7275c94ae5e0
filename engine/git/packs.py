"""Packs read: from an offset to an object, through chains of deltas.

The way from an id to bytes is the hottest in assay (five objects for each experiment shown), so `PackData.read_at`
is written flat. What it returns has been inflated and measured, not hashed: `ObjectDatabase.read` does that, and so a
damaged pack or index can give an error but not a wrong object.

Hostile packs are bounded: by the size of one object, by the length of a chain (which also ends cycles of REF
deltas), and by one cache of bases for all packs of a database.

A pack stays readable after its file is deleted (`git repack -ad` next door), because it is mapped or held open.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from assay.engine import disk
from assay.engine.errors import CorruptObject
from assay.engine.git.delta import apply_delta
from assay.engine.git.filebytes import Bytes, PagedFile, open_bytes
from assay.engine.git.packentries import HEADER_SIZE, OFS_DELTA, REF_DELTA, TRAILER_SIZE, inflate
from assay.engine.git.packindex import PackIndex

MAX_OBJECT = 512 << 20
"""Objects of more bytes are not read into memory."""

MAX_CHAIN = 4096  # Git itself makes no chain longer than 4095


class PackMemory:
    """What all packs of one database share: limits, the cache of delta bases, the files held open.

    Args:
        mapped: Whether files may be mapped; None: not on network file systems, where one that shrinks kills the
            reader.
        max_object: The largest object in bytes that is read.
        max_cached: How many bytes of delta bases are kept.
        max_open: How many large files are held open at a time.
    """

    def __init__(
        self,
        *,
        mapped: bool | None = None,
        max_object: int = MAX_OBJECT,
        max_cached: int = 32 << 20,
        max_open: int = 64,
    ) -> None:
        self._mapped = mapped
        self.max_object = max_object
        self.bases: dict[int, tuple[int, bytes]] = {}
        self._cached = 0
        self._max_cached = max_cached
        self._max_open = max_open
        self._open: deque[Pack] = deque()
        self._indexes = 0
        self._serial = 0

    def next_key(self) -> int:
        """A number to which offsets in one pack are added to make keys of ``bases``."""
        self._serial += 1
        return self._serial << 44

    def keep(self, key: int, kind: int, data: bytes) -> None:
        """Remembers a base; when the cache is full it starts anew, which costs little and needs no book-keeping."""
        size = len(data) + 100
        if self._cached + size > self._max_cached:
            self.bases.clear()
            self._cached = 0
            if size > self._max_cached:
                return
        self.bases[key] = (kind, data)
        self._cached += size

    def open_index(self, path: str) -> PackIndex:
        """Opens an index; where it cannot be mapped, or many are, it is read into memory."""
        view = open_bytes(path, lambda path: self._indexes < self._max_open and self.may_map(path))
        if isinstance(view, PagedFile):
            view = view[:]
        elif not isinstance(view, bytes):
            self._indexes += 1
        return PackIndex(view, path)

    def may_map(self, path: str) -> bool:
        """Whether files where this one is may be mapped."""
        if self._mapped is None:
            self._mapped = not disk.is_network(path)
        return self._mapped

    def forget(self) -> None:
        """Lets go of all that is kept."""
        self.bases.clear()
        self._cached = 0
        self._open.clear()
        self._indexes = 0

    def opened(self, pack: Pack) -> None:
        """Notes that a pack holds a file open, and lets the one go that was opened longest ago."""
        self._open.append(pack)
        if len(self._open) > self._max_open:
            self._open.popleft().release()


class FindsOffsets(Protocol):
    """What tells where in a pack an object lies."""

    def find(self, oid: bytes) -> int:
        """Where its entry begins; 0 when the pack does not have it."""


class PackData:
    """The objects of a pack by offset.

    Args:
        view: The pack's content.
        index: Finds the bases of REF deltas.
        memory: What is shared with other packs.
    """

    def __init__(self, view: Bytes, index: FindsOffsets, memory: PackMemory) -> None:
        self.view = view
        self._index = index
        self._memory = memory
        self._key = memory.next_key()

    def read_at(self, offset: int) -> tuple[int, bytes]:
        """The kind and content of the object whose entry begins at ``offset``. Raises CorruptObject."""
        view, memory, key = self.view, self._memory, self._key
        bases, largest = memory.bases, memory.max_object
        chain: list[tuple[int, int, int]] = []  # entry, compressed bytes and size of each delta down to the base
        try:
            while True:
                known = bases.get(key + offset)
                if known is not None:
                    kind, data = known
                    break
                # as read_head, without its tuple
                byte = view[offset]
                at = offset + 1
                kind, size, shift = byte >> 4 & 7, byte & 15, 4
                while byte & 0x80 and shift < 67:
                    byte = view[at]
                    at += 1
                    size |= (byte & 0x7F) << shift
                    shift += 7
                if size > largest:
                    raise self._too_large(offset, size)
                if kind == OFS_DELTA:
                    byte = view[at]
                    at += 1
                    back = byte & 0x7F
                    while byte & 0x80 and back < offset:
                        byte = view[at]
                        at += 1
                        back = (back + 1) << 7 | byte & 0x7F
                    chain.append((offset, at, size))
                    if not 0 < back <= offset - HEADER_SIZE:
                        raise CorruptObject(f"A Git pack is damaged at byte {offset}: a delta's base lies outside it.")
                    offset -= back
                elif kind == REF_DELTA:
                    chain.append((offset, at + 20, size))
                    offset = self._base_of(offset, view[at : at + 20])
                elif 0 < kind < 5:
                    data = inflate(view, at, size)
                    if chain:
                        memory.keep(key + offset, kind, data)
                    break
                else:
                    raise CorruptObject(f"A Git pack is damaged at byte {offset}: an object of unknown kind {kind}.")
                if len(chain) > MAX_CHAIN:
                    raise CorruptObject(f"A Git pack is damaged at byte {offset}: its deltas have no end.")
        except IndexError:
            raise CorruptObject(f"A Git pack is damaged: byte {offset} lies beyond its end.") from None
        while chain:
            offset, at, size = chain.pop()
            data = apply_delta(data, inflate(view, at, size), largest)
            memory.keep(key + offset, kind, data)
        return kind, data

    def _base_of(self, offset: int, oid: bytes) -> int:
        base = self._index.find(oid) if len(oid) == 20 else 0
        if not base:
            raise CorruptObject(f"A Git pack is damaged at byte {offset}: the base {oid.hex()} of a delta is missing.")
        return base

    def _too_large(self, offset: int, size: int) -> CorruptObject:
        return CorruptObject(f"A Git pack has {size} bytes at byte {offset}, more than is read into memory.")


class Pack:
    """One pack of a repository and its index.

    The index is opened at once, the pack when the first object is read.

    Args:
        stem: Absolute path without ``.pack`` or ``.idx``.
        memory: What is shared with other packs.

    Raises:
        OSError: The index cannot be opened.
        CorruptObject: The index is damaged.
    """

    def __init__(self, stem: str, memory: PackMemory) -> None:
        self.stem = stem
        self._freshened = False
        self._memory = memory
        self._data: PackData | None = None
        self.index = memory.open_index(stem + ".idx")
        self.find = self.index.find

    def read_at(self, offset: int) -> tuple[int, bytes]:
        """As `PackData.read_at`; also raises OSError when the pack is not there any more."""
        return (self._data or self.data()).read_at(offset)

    def data(self) -> PackData:
        """The opened pack. Raises OSError, or CorruptObject when it is not the one the index is for."""
        if self._data is None:
            path = self.stem + ".pack"
            view = open_bytes(path, self._memory.may_map)
            head, tail = view[:HEADER_SIZE], view[len(view) - TRAILER_SIZE :]
            if head[:4] != b"PACK" or head[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
                raise CorruptObject(f"{path} is not a Git pack.")
            if int.from_bytes(head[8:], "big") != self.index.count or tail != self.index.checksum:
                raise CorruptObject(f"{path} is damaged: its index is for another pack.")
            self._data = PackData(view, self.index, self._memory)
            if not isinstance(view, bytes):
                self._memory.opened(self)
        return self._data

    def freshen(self) -> bool:
        """Makes the pack look new to a collection, once; False when it is not there any more."""
        if not self._freshened:
            self._freshened = disk.touch(self.stem + ".pack")
        return self._freshened

    def release(self) -> None:
        """Lets go of the pack's file; it is opened again when it is needed."""
        self._data = None
