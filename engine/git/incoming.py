"""Packs from elsewhere, checked byte by byte before they are let in (law 3).

First every entry is inflated in the order of the file, and what is not a delta is hashed. Then the deltas are
resolved from their bases outwards, so that a base is in the cache when its deltas need it. Memory is bounded by the
largest object allowed, plus some 200 bytes for each object.

Nothing is believed: neither counts and sizes, nor that entries fill the file exactly, nor the checksum alone.

A thin pack, whose deltas build on objects that only the receiver has, is completed by copies of these, as a pack on
disk must be.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import CorruptObject
from assay.engine.git.filebytes import Bytes, open_bytes
from assay.engine.git.objects import object_id
from assay.engine.git.packentries import (
    HEADER_SIZE,
    OFS_DELTA,
    REF_DELTA,
    TRAILER_SIZE,
    inflate_pieces,
    read_head,
)
from assay.engine.git.packindex import IndexEntry
from assay.engine.git.packs import MAX_CHAIN, PackData, PackMemory
from assay.engine.git.packwriter import entry_header, hash_file, pack_header
from assay.engine.model import Oid

_CHUNK = 1 << 20

Objects = Mapping[Oid, tuple[int, bytes]]
Lookup = Callable[[Oid], tuple[int, bytes] | None]


class CheckedPack(NamedTuple):
    """A pack of which every byte has been checked: what its index must hold, and the 20 bytes that end it."""

    entries: list[IndexEntry]
    checksum: bytes


class ThinPack:
    """A pack whose deltas build on objects that are not in it; all else has been checked.

    Args:
        path: The file.
        scan: What is known of it.
        missing: The ids of what it builds on, and perhaps of objects in it that build on these.
        lookup: Finds them.

    Raises:
        CorruptObject: None of them is here.
    """

    def __init__(self, path: str, scan: _Scan, missing: Iterable[Oid], lookup: Lookup) -> None:
        self._path = path
        self._scan = scan
        self._lookup = lookup
        self._bases = {oid: known for oid in missing if (known := lookup(oid)) is not None}
        if not self._bases:
            oid = next(iter(missing)).hex()
            raise CorruptObject(f"A Git pack builds on the object {oid}, which is neither in it nor here.")

    def complete(self, into: disk.NewFile) -> CheckedPack | ThinPack:
        """Writes the pack into a new file, which is closed, with the objects it lacks at its end; checks the rest.

        Raises:
            CorruptObject: Something in it is not as it says, or builds on an object that is nowhere.
        """
        _copy_body(self._path, into, len(self._bases))
        added = []
        for oid, (kind, data) in self._bases.items():
            entry = entry_header(kind, len(data)) + zlib.compress(data, 1)
            added.append((oid, into.size, zlib.crc32(entry)))
            into.write(entry)
        checksum = hash_file(into.path, into.size)
        into.write(checksum)
        into.close()
        missing = self._scan.go_on(into.path, added)
        if missing:
            return ThinPack(into.path, self._scan, missing, self._lookup)
        return CheckedPack(self._scan.entries(), checksum)


def check_pack(path: str, memory: PackMemory, lookup: Lookup) -> CheckedPack | ThinPack:
    """Checks a whole pack file.

    Args:
        path: The file.
        memory: Limits and cache; not those of a database, since what is cached here has not been let in.
        lookup: Finds the bases of a thin pack among the objects that are here already.

    Returns:
        What the pack holds, or a thin one that is to be completed.

    Raises:
        CorruptObject: Something in it is not as it says, or builds on an object that is nowhere.
    """
    view = open_bytes(path, memory.may_map)
    count, checksum = _check_frame(path, view)
    scan = _Scan(view, memory)
    try:
        scan.read_entries(count)
    except IndexError:
        raise CorruptObject("A Git pack ends inside an object.") from None
    missing = scan.resolve(scan.offsets())
    return ThinPack(path, scan, missing, lookup) if missing else CheckedPack(scan.entries(), checksum)


def _copy_body(path: str, into: disk.NewFile, more: int) -> None:
    """Copies a pack without its checksum, its count raised by what will follow."""
    with open(path, "rb") as reader:
        count = int.from_bytes(reader.read(HEADER_SIZE)[8:], "big")
        into.write(pack_header(count + more))
        left = reader.seek(0, 2) - HEADER_SIZE - TRAILER_SIZE
        reader.seek(HEADER_SIZE)
        while left > 0 and (piece := reader.read(min(left, _CHUNK))):
            left -= into.write(piece)


def _check_frame(path: str, view: Bytes) -> tuple[int, bytes]:
    """The number of objects and the checksum of a file that begins and ends as a pack does."""
    head = view[:HEADER_SIZE]
    if len(view) < HEADER_SIZE + TRAILER_SIZE or head[:4] != b"PACK":
        raise CorruptObject("What arrived is not a Git pack.")
    if head[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
        raise CorruptObject(f"A Git pack is of version {int.from_bytes(head[4:8], 'big')}; 2 and 3 can be read.")
    end = len(view) - TRAILER_SIZE
    checksum = view[end : end + TRAILER_SIZE]
    if hash_file(path, end) != checksum:
        raise CorruptObject("A Git pack was damaged on its way: its checksum is not that of its bytes.")
    return int.from_bytes(head[8:], "big"), checksum


class _Scan:
    """The state of one check."""

    def __init__(self, view: Bytes, memory: PackMemory) -> None:
        self._view = view
        self._memory = memory
        self._data = PackData(view, self, memory)
        self._crcs: dict[int, int] = {}
        self._oids: dict[int, Oid] = {}
        self._offsets: dict[bytes, int] = {}
        self._by_offset: dict[int, list[int]] = {}
        self._by_oid: dict[Oid, list[int]] = {}

    def find(self, oid: bytes) -> int:
        """Where the object lies, once that is known; 0 before."""
        return self._offsets.get(oid, 0)

    def offsets(self) -> list[int]:
        """Where the objects lie that are known so far."""
        return list(self._oids)

    def go_on(self, path: str, added: Iterable[tuple[Oid, int, int]]) -> list[Oid]:
        """Goes on with a copy that has more objects at its end: ids, offsets, CRCs; returns as `resolve`."""
        self._view = open_bytes(path, self._memory.may_map)
        self._data = PackData(self._view, self, self._memory)
        offsets = []
        for oid, offset, crc in added:
            self._crcs[offset] = crc
            self._note(offset, oid)
            offsets.append(offset)
        return self.resolve(offsets)

    def entries(self) -> list[IndexEntry]:
        """Every object that was resolved."""
        return [IndexEntry(oid, offset, self._crcs[offset]) for offset, oid in self._oids.items()]

    def read_entries(self, count: int) -> None:
        """Inflates every entry, hashes those that are whole, notes which deltas build on what."""
        at, end = HEADER_SIZE, len(self._view) - TRAILER_SIZE
        for _ in range(count):
            head = read_head(self._view, at)
            if head.size > self._memory.max_object:
                raise CorruptObject(f"A Git pack has an object of {head.size} bytes, more than is read into memory.")
            pieces, after = inflate_pieces(self._view, head.start, head.size)
            if after > end:
                raise CorruptObject("A Git pack ends inside an object.")
            self._crcs[at] = self._crc(at, after)
            if head.kind == OFS_DELTA:
                self._by_offset.setdefault(head.base, []).append(at)
            elif head.kind == REF_DELTA:
                self._by_oid.setdefault(Oid(head.base_oid), []).append(at)
            else:
                self._note(at, object_id(head.kind, b"".join(pieces)))
            at = after
        if at != end:
            raise CorruptObject(f"A Git pack has {end - at} bytes after its last object.")

    def resolve(self, offsets: Iterable[int]) -> list[Oid]:
        """Makes and hashes what every delta stands for that builds on these; returns the bases that are missing then.

        Raises:
            CorruptObject: Deltas are left although no base is missing.
        """
        ready = [(offset, 0) for offset in reversed(list(offsets))]
        while ready:
            base, depth = ready.pop()
            if depth > MAX_CHAIN:
                raise CorruptObject("A Git pack has a chain of more deltas than any Git makes.")
            for offset in self._by_offset.pop(base, []) + self._by_oid.pop(self._oids[base], []):
                kind, data = self._data.read_at(offset)
                self._note(offset, object_id(kind, data))
                ready.append((offset, depth + 1))
        if self._by_offset and not self._by_oid:
            raise CorruptObject("A Git pack has a delta whose base is no object.")
        return list(self._by_oid)

    def _note(self, offset: int, oid: Oid) -> None:
        self._oids[offset] = oid
        self._offsets[oid] = offset

    def _crc(self, start: int, end: int) -> int:
        crc = 0
        for at in range(start, end, _CHUNK):
            crc = zlib.crc32(self._view[at : min(at + _CHUNK, end)], crc)
        return crc
