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
from collections.abc import Callable, Mapping
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


class CheckedPack(NamedTuple):
    """A pack of which every byte has been checked: what its index must hold, and the 20 bytes that end it."""

    entries: list[IndexEntry]
    checksum: bytes


def check_pack(
    path: str, memory: PackMemory, lookup: Callable[[Oid], tuple[int, bytes] | None]
) -> CheckedPack | Objects:
    """Checks a whole pack file.

    Args:
        path: The file.
        memory: Limits and cache; not those of a database, since what is cached here has not been let in.
        lookup: Finds the bases of a thin pack among the objects that are here already.

    Returns:
        What the pack holds, or, for a thin one, the objects that `complete` must add to it.

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
    missing = scan.resolve()
    if not missing:
        return CheckedPack(scan.entries(), checksum)
    found = {}
    for oid in missing:
        known = lookup(oid)
        if known is not None:
            found[oid] = known
    if not found:
        raise CorruptObject(f"A Git pack builds on the object {missing[0].hex()}, which is neither in it nor here.")
    return found


def complete(path: str, bases: Objects, into: disk.NewFile) -> None:
    """Writes the pack at ``path`` into a new file, with the objects it lacks at its end."""
    with open(path, "rb") as reader:
        count = int.from_bytes(reader.read(HEADER_SIZE)[8:], "big")
        into.write(pack_header(count + len(bases)))
        reader.seek(0, 2)
        left = reader.tell() - HEADER_SIZE - TRAILER_SIZE
        reader.seek(HEADER_SIZE)
        while left > 0 and (piece := reader.read(min(left, _CHUNK))):
            left -= into.write(piece)
    for kind, data in bases.values():
        into.write(entry_header(kind, len(data)) + zlib.compress(data, 1))
    into.write(hash_file(into.path, into.size))


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

    def resolve(self) -> list[Oid]:
        """Makes and hashes what every delta stands for; returns the bases that are not in the pack.

        Raises:
            CorruptObject: Deltas are left although no base is missing.
        """
        ready = [(offset, 0) for offset in reversed(self._oids)]
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
