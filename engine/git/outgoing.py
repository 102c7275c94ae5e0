"""Objects gathered into a pack for somebody else.

What lies compressed in a pack here is copied as it is, deltas too where their base travels along, once its bytes
agree with the CRC in the index; everything else is read, hashed and compressed again.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from assay.engine.errors import CorruptObject
from assay.engine.git.filebytes import Bytes
from assay.engine.git.packentries import OFS_DELTA, REF_DELTA, TRAILER_SIZE, read_head
from assay.engine.git.packs import Pack
from assay.engine.git.packwriter import PackFile, PackWriter
from assay.engine.model import Oid


def write_pack(
    oids: Iterable[Oid],
    file: PackFile,
    locate: Callable[[Oid], tuple[Pack, int] | None],
    read: Callable[[Oid], tuple[int, bytes]],
) -> int:
    """Writes a whole pack of these objects and returns how many there are.

    Args:
        oids: The objects; one named twice is written once.
        file: A new, empty file, left open and unpublished.
        locate: The pack that holds an object, and where; None when no pack does.
        read: An object's kind and content, verified.

    Raises:
        MissingObject: One of them is nowhere.
        CorruptObject: One of them is damaged.
    """
    wanted = dict.fromkeys(oids)
    packed: dict[Pack, list[tuple[int, Oid]]] = {}
    others = []
    for oid in wanted:
        place = locate(oid)
        if place is None:
            others.append(oid)
        else:
            packed.setdefault(place[0], []).append((place[1], oid))
    writer = PackWriter(file, len(wanted))
    for pack, entries in packed.items():
        others += _copy_entries(pack, sorted(entries), writer)
    for oid in others:
        kind, data = read(oid)
        writer.add(oid, kind, data)
    writer.finish()
    return len(wanted)


def _copy_entries(pack: Pack, entries: Sequence[tuple[int, Oid]], writer: PackWriter) -> list[Oid]:
    """Copies what can be copied; returns the rest. A base precedes its OFS deltas, hence the order of offsets."""
    try:
        view = pack.data().view
    except (OSError, CorruptObject):
        return [oid for _, oid in entries]
    starts = pack.index.sorted_offsets()
    moved: dict[int, int] = {}
    rest = []
    for offset, oid in entries:
        following = bisect_right(starts, offset)
        end = starts[following] if following < len(starts) else len(view) - TRAILER_SIZE
        place = _copy_entry(pack, view, (offset, end), oid, moved, writer)
        if place is None:
            rest.append(oid)
        else:
            moved[offset] = place
    return rest


def _copy_entry(
    pack: Pack, view: Bytes, span: tuple[int, int], oid: Oid, moved: dict[int, int], writer: PackWriter
) -> int | None:
    """Copies one entry and returns its new offset; None when it must be made anew."""
    offset, end = span
    raw = view[offset:end]
    if zlib.crc32(raw) != pack.index.crc(pack.index.position(oid)):
        return None
    try:
        head = read_head(view, offset)
        base = pack.find(head.base_oid) if head.kind == REF_DELTA else head.base
    except (IndexError, CorruptObject):
        return None
    compressed = raw[head.start - offset :]
    if head.kind not in (OFS_DELTA, REF_DELTA):
        return writer.add_compressed(oid, head.kind, head.size, compressed)
    if base not in moved:
        return None
    return writer.add_delta(oid, moved[base], head.size, compressed)
