"""Indexes of packs: both versions, large offsets, and tables that lie."""

from __future__ import annotations

import struct
from hashlib import sha1

import pytest

from assay.engine.errors import CorruptObject
from assay.engine.git.packindex import IndexEntry, PackIndex, index_bytes
from assay.engine.model import Oid

CHECKSUM = sha1(b"pack").digest()
ENTRIES = [IndexEntry(Oid(sha1(b"%d" % i).digest()), 12 + 100 * i, i) for i in range(1000)]


def version_1(entries: list[IndexEntry]) -> bytes:
    ordered = sorted(entries)
    fan = [sum(entry.oid[0] <= first for entry in ordered) for first in range(256)]
    body = struct.pack(">256L", *fan) + b"".join(struct.pack(">L", entry.offset) + entry.oid for entry in ordered)
    return body + CHECKSUM + sha1(body + CHECKSUM).digest()


@pytest.mark.parametrize("make", [lambda entries: index_bytes(entries, CHECKSUM), version_1])
def test_every_object_is_found_and_no_other(make) -> None:  # type: ignore[no-untyped-def]
    index = PackIndex(make(ENTRIES), "x.idx")
    assert all(index.find(entry.oid) == entry.offset for entry in ENTRIES)
    assert [index.position(entry.oid) for entry in sorted(ENTRIES)] == list(range(1000))
    assert not any(index.find(sha1(b"no %d" % i).digest()) for i in range(1000))
    assert index.checksum == CHECKSUM
    assert list(index.sorted_offsets()) == [entry.offset for entry in ENTRIES]


def test_entries_come_in_the_order_of_ids_with_their_crc() -> None:
    assert list(PackIndex(index_bytes(ENTRIES, CHECKSUM), "x.idx").entries()) == sorted(ENTRIES)
    assert next(PackIndex(version_1(ENTRIES), "x.idx").entries()).crc is None


def test_offsets_over_2_gib_and_over_4_gib_are_kept() -> None:
    entries = [entry._replace(offset=offset) for entry, offset in zip(ENTRIES, (12, 2**31, 2**32 + 7), strict=False)]
    index = PackIndex(index_bytes(entries, CHECKSUM), "x.idx")
    assert [index.find(entry.oid) for entry in entries] == [12, 2**31, 2**32 + 7]
    assert list(index.sorted_offsets()) == [12, 2**31, 2**32 + 7]


def test_an_empty_index_holds_nothing() -> None:
    index = PackIndex(index_bytes([], CHECKSUM), "x.idx")
    assert (index.count, index.find(bytes(20)), list(index.sorted_offsets())) == (0, 0, [])


@pytest.mark.parametrize("digits", [4, 5, 39, 40])
def test_ids_are_found_by_how_they_begin(digits: int) -> None:
    index = PackIndex(index_bytes(ENTRIES, CHECKSUM), "x.idx")
    for entry in ENTRIES[:50]:
        prefix = entry.oid.hex()[:digits]
        low, high = bytes.fromhex(prefix.ljust(40, "0")), bytes.fromhex(prefix.ljust(40, "f"))
        expected = sorted(other.oid for other in ENTRIES if other.oid.hex().startswith(prefix))
        assert list(index.starting_with(low, high)) == expected


def test_an_index_cut_short_anywhere_is_corrupt() -> None:
    raw = index_bytes(ENTRIES[:3], CHECKSUM)
    for end in range(len(raw)):
        with pytest.raises(CorruptObject):
            PackIndex(raw[:end], "x.idx")


def test_a_fan_out_that_goes_down_is_corrupt() -> None:
    raw = bytearray(index_bytes(ENTRIES, CHECKSUM))
    raw[8:12] = b"\0\0\x02\0"
    with pytest.raises(CorruptObject, match="damaged"):
        PackIndex(bytes(raw), "x.idx")


def test_a_version_nobody_knows_is_refused() -> None:
    with pytest.raises(CorruptObject, match="not an index"):
        PackIndex(b"\xfftOc\0\0\0\3" + bytes(2000), "x.idx")


def test_a_large_offset_outside_its_table_is_corrupt() -> None:
    raw = bytearray(index_bytes(ENTRIES[:1], CHECKSUM))
    at = len(raw) - 44
    raw[at : at + 4] = b"\x80\0\0\0"
    with pytest.raises(CorruptObject, match="outside"):
        PackIndex(bytes(raw), "x.idx").find(ENTRIES[0].oid)
