"""Pack indexes: where in a pack each object lies (gitformat-pack, versions 1 and 2).

An index is believed in nothing but structure: its table sizes must fit the file, and what an offset leads to is
hashed by whoever reads it, so that a damaged index gives a missing object, never a wrong one.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from hashlib import sha1
from typing import NamedTuple

from assay.engine.errors import CorruptObject
from assay.engine.git.filebytes import Bytes
from assay.engine.model import Oid

_MAGIC = b"\xfftOc\0\0\0\2"
_FAN = struct.Struct(">256L")
_LARGE = 0x80000000


class IndexEntry(NamedTuple):
    """One object of a pack: its id, where its entry begins, and the CRC-32 of the entry (None: not recorded)."""

    oid: Oid
    offset: int
    crc: int | None


class PackIndex:
    """An opened index.

    Args:
        view: The index file's content.
        path: Its path, for messages.

    Raises:
        CorruptObject: It is no index, or is cut short.
    """

    def __init__(self, view: Bytes, path: str) -> None:
        self.path = path
        self._view = view
        self._v2 = view[:8] == _MAGIC
        start = 8 if self._v2 else 0
        table = view[start : start + 1024]
        if len(table) != 1024 or (view[:4] == _MAGIC[:4] and not self._v2):
            raise CorruptObject(f"{path} is not an index of a Git pack.", "`git index-pack` makes it again.")
        self._fan: tuple[int, ...] = (0, *_FAN.unpack(table))
        self.count = count = self._fan[256]
        self._names = start + 1024 + (0 if self._v2 else 4)
        self._stride, self._offset_stride = (20, 4) if self._v2 else (24, 24)
        self._crcs = self._names + 20 * count
        self._offsets = self._crcs + 4 * count if self._v2 else self._names - 4
        self._large = self._offsets + 4 * count
        least = start + 1024 + (28 if self._v2 else 24) * count + 40
        if least > len(view) or any(a > b for a, b in zip(self._fan, self._fan[1:], strict=False)):
            raise CorruptObject(f"{path} is damaged: its tables do not fit it.", "`git index-pack` makes it again.")

    @property
    def checksum(self) -> bytes:
        """The 20 bytes that end the pack this index is for."""
        end = len(self._view) - 20
        return self._view[end - 20 : end]

    def position(self, oid: bytes) -> int:
        """The object's place in the order of ids, or -1."""
        first = oid[0]
        fan = self._fan
        low, high = fan[first], fan[first + 1]
        view, names, stride = self._view, self._names, self._stride
        while low < high:
            middle = (low + high) >> 1
            at = names + middle * stride
            name = view[at : at + 20]
            if name < oid:
                low = middle + 1
            elif name == oid:
                return middle
            else:
                high = middle
        return -1

    def find(self, oid: bytes) -> int:
        """Where the object's entry begins in the pack, in bytes; 0 when the pack does not have it."""
        first = oid[0]
        fan = self._fan
        low, high = fan[first], fan[first + 1]
        view, names, stride = self._view, self._names, self._stride
        while low < high:  # as `position`, and mostly as `offset`, which would cost a call each
            middle = (low + high) >> 1
            at = names + middle * stride
            name = view[at : at + 20]
            if name < oid:
                low = middle + 1
            elif name == oid:
                at = self._offsets + middle * self._offset_stride
                offset = int.from_bytes(view[at : at + 4], "big")
                return offset if offset < _LARGE else self.offset(middle)
            else:
                high = middle
        return 0

    def offset(self, position: int) -> int:
        """Where the entry of the object at this place in the order of ids begins."""
        at = self._offsets + position * self._offset_stride
        offset = int.from_bytes(self._view[at : at + 4], "big")
        if offset & _LARGE and self._v2:
            at = self._large + (offset ^ _LARGE) * 8
            if at + 8 > len(self._view) - 40:
                raise CorruptObject(f"{self.path} is damaged: an offset lies outside its table.")
            offset = int.from_bytes(self._view[at : at + 8], "big")
        return offset

    def crc(self, position: int) -> int | None:
        """The CRC-32 of that entry's bytes, which version 1 does not record."""
        if not self._v2:
            return None
        at = self._crcs + position * 4
        return int.from_bytes(self._view[at : at + 4], "big")

    def oid(self, position: int) -> Oid:
        """The id at this place in the order of ids."""
        at = self._names + position * self._stride
        return Oid(self._view[at : at + 20])

    def entries(self) -> Iterator[IndexEntry]:
        """Every object in the order of ids."""
        for position in range(self.count):
            yield IndexEntry(self.oid(position), self.offset(position), self.crc(position))

    def sorted_offsets(self) -> Sequence[int]:
        """Where entries begin, in the order of the pack."""
        if not self._v2:
            return sorted(self.offset(position) for position in range(self.count))
        table = array("I", self._view[self._offsets : self._large])
        if sys.byteorder == "little":
            table.byteswap()
        if not self.count or max(table) < _LARGE:
            return sorted(table)
        return sorted(self.offset(position) for position in range(self.count))

    def starting_with(self, low: bytes, high: bytes) -> Iterator[Oid]:
        """The ids from ``low`` to ``high``, both 20 bytes and included."""
        position = self._fan[low[0]]
        end = self._fan[high[0] + 1]
        while position < end:
            middle = (position + end) >> 1
            if self.oid(middle) < low:
                position = middle + 1
            else:
                end = middle
        while position < self.count:
            oid = self.oid(position)
            if oid > high:
                return
            yield oid
            position += 1


def index_bytes(entries: Sequence[IndexEntry], checksum: bytes) -> bytes:
    """An index of version 2.

    Args:
        entries: The pack's objects, each with its CRC, in any order.
        checksum: The 20 bytes that end the pack.
    """
    ordered = sorted(entries)
    fan = [0] * 256
    for entry in ordered:
        fan[entry.oid[0]] += 1
    total = 0
    for first, count in enumerate(fan):
        total += count
        fan[first] = total
    offsets: list[int] = []
    large: list[int] = []
    for entry in ordered:
        if entry.offset < _LARGE:
            offsets.append(entry.offset)
        else:
            offsets.append(_LARGE | len(large))
            large.append(entry.offset)
    body = b"".join((
        _MAGIC,
        _FAN.pack(*fan),
        *(entry.oid for entry in ordered),
        struct.pack(f">{len(ordered)}L", *(entry.crc for entry in ordered)),
        struct.pack(f">{len(offsets)}L", *offsets),
        struct.pack(f">{len(large)}Q", *large),
        checksum,
    ))  # fmt: skip
    return body + sha1(body).digest()
