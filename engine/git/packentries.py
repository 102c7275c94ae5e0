"""The entries of a pack: how each begins, and how its content is inflated without trusting the size it states."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from assay.engine.errors import CorruptObject
from assay.engine.git.filebytes import Bytes

OFS_DELTA, REF_DELTA = 6, 7
HEADER_SIZE, TRAILER_SIZE = 12, 20
_WHOLE_OBJECT = 16 << 10  # objects are inflated in one go; a false size can then cost a thousand times this
_CHUNK = 64 << 10


class EntryHead(NamedTuple):
    """The beginning of a pack entry.

    ``size`` is that of the content, or of the delta, in bytes; the compressed bytes begin at ``start``; ``base`` is
    the offset of an OFS delta's base (else 0), ``base_oid`` the id of a REF delta's (else empty).
    """

    kind: int
    size: int
    start: int
    base: int
    base_oid: bytes


def read_head(view: Bytes, offset: int) -> EntryHead:
    """Reads the beginning of the entry at ``offset``. Raises CorruptObject, or IndexError past the end."""
    at = offset
    byte = view[at]
    at += 1
    kind, size, shift = byte >> 4 & 7, byte & 15, 4
    while byte & 0x80:
        byte = view[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if shift > 67:
            raise CorruptObject(f"A Git pack is damaged at byte {offset}: an impossible size.")
    if kind == REF_DELTA:
        return EntryHead(kind, size, at + 20, 0, view[at : at + 20])
    if kind != OFS_DELTA:
        if kind not in (1, 2, 3, 4):
            raise CorruptObject(f"A Git pack is damaged at byte {offset}: an object of unknown kind {kind}.")
        return EntryHead(kind, size, at, 0, b"")
    byte = view[at]
    at += 1
    back = byte & 0x7F
    while byte & 0x80 and back < offset:
        byte = view[at]
        at += 1
        back = (back + 1) << 7 | byte & 0x7F
    base = offset - back
    if base < HEADER_SIZE or not back:
        raise CorruptObject(f"A Git pack is damaged at byte {offset}: a delta's base lies outside it.")
    return EntryHead(kind, size, at, base, b"")


def inflate(view: Bytes, at: int, size: int) -> bytes:
    """The content of ``size`` bytes whose compressed form begins at ``at``. Raises CorruptObject."""
    if size <= _WHOLE_OBJECT:
        try:
            # the window holds any stream of that size that zlib makes, and bounds what a false one can become
            data = zlib.decompress(view[at : at + size + (size >> 7) + 64], 15, size + 1)
        except zlib.error:
            data = b"".join(inflate_pieces(view, at, size)[0])
        if len(data) == size:
            return data
        raise CorruptObject(f"A Git pack is damaged at byte {at}: an object is not as long as it says.")
    return b"".join(inflate_pieces(view, at, size)[0])


def inflate_pieces(view: Bytes, at: int, size: int) -> tuple[list[bytes], int]:
    """As `inflate`, for content of any length: its pieces, and where the compressed form ends."""
    stream = zlib.decompressobj()
    pieces: list[bytes] = []
    left, start = size, at
    try:
        while not stream.eof:
            source = stream.unconsumed_tail
            if not source:
                source = view[at : at + min(left + (left >> 7) + 64, _CHUNK)]
                at += len(source)
                if not source:
                    raise CorruptObject(f"A Git pack is damaged at byte {start}: it ends inside an object.")
            piece = stream.decompress(source, left + 1)
            left -= len(piece)
            if left < 0:
                raise CorruptObject(f"A Git pack is damaged at byte {start}: an object is longer than it says.")
            pieces.append(piece)
    except zlib.error as error:
        raise CorruptObject(f"A Git pack is damaged at byte {start}: {error}.") from error
    if left:
        raise CorruptObject(f"A Git pack is damaged at byte {start}: an object is shorter than it says.")
    return pieces, at - len(stream.unused_data)
