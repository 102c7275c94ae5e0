"""Packs read: chains, caches, hostile entries, files that cannot be mapped."""

from __future__ import annotations

import tracemalloc
import zlib
from pathlib import Path

import pytest

from assay.engine.errors import CorruptObject
from assay.engine.git.filebytes import PagedFile
from assay.engine.git.objects import BLOB, COMMIT, TREE, object_id
from assay.engine.git.packindex import IndexEntry, index_bytes
from assay.engine.git.packs import Pack, PackData, PackMemory
from assay.engine.model import Oid
from tests.packfiles import (
    distance,
    header,
    insertion,
    install,
    install_blobs,
    offsets_of,
    ofs_delta,
    pack_of,
    ref_delta,
    whole,
)

NOTHING: dict[bytes, int] = {}


class Table:
    """Finds what it was told."""

    def __init__(self, offsets: dict[bytes, int]) -> None:
        self.offsets = offsets

    def find(self, oid: bytes) -> int:
        return self.offsets.get(oid, 0)


def data_of(*entries: bytes, offsets: dict[bytes, int] = NOTHING, memory: PackMemory | None = None) -> PackData:
    return PackData(pack_of(entries), Table(offsets), memory or PackMemory())


def test_each_kind_is_read() -> None:
    entries = [whole(COMMIT, b"c"), whole(TREE, b""), whole(BLOB, b"b" * 100_000)]
    data = data_of(*entries)
    assert [data.read_at(offset) for offset in offsets_of(entries)] == [
        (COMMIT, b"c"), (TREE, b""), (BLOB, b"b" * 100_000),
    ]  # fmt: skip


def test_a_chain_of_both_kinds_of_delta_is_followed() -> None:
    first, second = whole(BLOB, b"one"), ofs_delta(len(whole(BLOB, b"one")), insertion(b"one", b"two!"))
    third = ref_delta(object_id(BLOB, b"two!"), insertion(b"two!", b"three"))
    offsets = offsets_of([first, second, third])
    data = data_of(first, second, third, offsets={object_id(BLOB, b"two!"): offsets[1]})
    assert data.read_at(offsets[2]) == (BLOB, b"three")


@pytest.mark.parametrize("max_cached", [0, 300, 1 << 20])
def test_a_long_chain_is_read_with_any_cache(max_cached: int) -> None:
    entries = [whole(BLOB, b"0")]
    for number in range(1, 300):
        entries.append(ofs_delta(len(entries[-1]), insertion(b"%d" % (number - 1), b"%d" % number)))
    data = data_of(*entries, memory=PackMemory(max_cached=max_cached))
    offsets = offsets_of(entries)
    for number in (299, 0, 150, 298):
        assert data.read_at(offsets[number]) == (BLOB, b"%d" % number)


def test_a_cycle_of_deltas_is_corrupt() -> None:
    one, two = bytes(20), b"\1" * 20
    entries = [ref_delta(two, insertion(b"a", b"b")), ref_delta(one, insertion(b"b", b"a"))]
    offsets = offsets_of(entries)
    with pytest.raises(CorruptObject, match="no end"):
        data_of(*entries, offsets={one: offsets[0], two: offsets[1]}).read_at(offsets[0])


@pytest.mark.parametrize(
    "entry",
    [
        header(0, 1) + zlib.compress(b"a"),
        header(5, 1) + zlib.compress(b"a"),
        header(BLOB, 2) + zlib.compress(b"a"),
        header(BLOB, 0) + zlib.compress(b"a"),
        header(BLOB, 200_000) + zlib.compress(b"a" * 199_999),
        header(BLOB, 200_000) + zlib.compress(b"a" * 200_001),
        header(BLOB, 5) + b"not zlib at all",
        header(BLOB, 1 << 40) + zlib.compress(b"a"),
        b"\xff" * 40,
        b"\xbf" + b"\xff" * 40,
        header(6, 3) + distance(0) + zlib.compress(b"\0\0\0"),
        header(6, 3) + distance(1) + zlib.compress(b"\0\0\0"),
        header(6, 3) + distance(12) + zlib.compress(b"\0\0\0"),
        header(6, 3) + distance(1 << 60) + zlib.compress(b"\0\0\0"),
        header(6, 3) + b"\xff" * 60,
        ref_delta(b"\7" * 20, insertion(b"a", b"b")),
    ],
)
def test_an_entry_that_is_wrong_is_corrupt(entry: bytes) -> None:
    with pytest.raises(CorruptObject):
        data_of(entry).read_at(12)


@pytest.mark.parametrize("offset", [33, 1 << 20, 1 << 62])
def test_an_offset_beyond_the_end_is_corrupt(offset: int) -> None:
    with pytest.raises(CorruptObject):
        data_of(whole(BLOB, b"a")).read_at(offset)


@pytest.mark.parametrize("declared", [100, 16 << 10, 17 << 10])
def test_a_false_size_does_not_fill_the_memory(declared: int) -> None:
    bomb = header(BLOB, declared) + zlib.compress(bytes(60 << 20), 9)
    data = data_of(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptObject):
            data.read_at(12)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_a_stream_of_many_empty_blocks_is_read() -> None:
    stream = zlib.compressobj()
    body = b"".join(stream.compress(b"%d" % i) + stream.flush(zlib.Z_FULL_FLUSH) for i in range(100)) + stream.flush()
    data = b"".join(b"%d" % i for i in range(100))
    assert len(body) > len(data) + 64
    assert data_of(header(BLOB, len(data)) + body).read_at(12) == (BLOB, data)


def test_objects_over_the_limit_are_not_read() -> None:
    data = data_of(whole(BLOB, b"a" * 1001), memory=PackMemory(max_object=1000))
    with pytest.raises(CorruptObject, match="more than is read into memory"):
        data.read_at(12)


@pytest.mark.parametrize("mapped", [True, False])
def test_a_pack_is_read_mapped_and_paged(tmp_path: Path, mapped: bool) -> None:
    blobs = [str(i).encode() * 1000 + bytes(str(hash(i) % 7), "ascii") * 5000 for i in range(2000)]
    oids = install_blobs(tmp_path, *blobs)
    [index] = (tmp_path / "pack").glob("*.idx")
    pack = Pack(str(index)[:-4], PackMemory(mapped=mapped))
    assert (type(pack.data().view) is PagedFile) is not mapped
    assert [pack.read_at(pack.find(oid))[1] for oid in oids] == blobs


def test_no_more_files_than_allowed_are_held_open(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    memory = PackMemory(mapped=True, max_open=3)
    packs = []
    for number in range(10):
        folder = tmp_path / str(number)
        install_blobs(folder, *(b"%d %d" % (number, i) for i in range(3000)))
        [index] = (folder / "pack").glob("*.idx")
        packs.append(Pack(str(index)[:-4], memory))
    before = open_files()
    for _ in range(2):
        for number, pack in enumerate(packs):
            assert pack.read_at(pack.find(object_id(BLOB, b"%d 7" % number))) == (BLOB, b"%d 7" % number)
    assert open_files() - before <= 4


def test_a_pack_that_is_not_its_indexes_is_corrupt(tmp_path: Path) -> None:
    [oid] = install_blobs(tmp_path, b"one")
    [index] = (tmp_path / "pack").glob("*.idx")
    pack_path = index.with_suffix(".pack")
    good = pack_path.read_bytes()
    for wrong in (b"", good[:-1], good[:10], b"KCAP" + good[4:], pack_of([whole(BLOB, b"two")]), good + b"\0"):
        pack_path.unlink()
        pack_path.write_bytes(wrong)
        pack = Pack(str(index)[:-4], PackMemory())
        with pytest.raises(CorruptObject):
            pack.read_at(pack.find(oid))


def test_entries_beyond_2_gib_are_read(tmp_path: Path) -> None:
    near, far = b"near", b"far away"
    entries = [whole(BLOB, near), whole(BLOB, far)]
    place = (1 << 31) + 5
    stem = tmp_path / "pack-x"
    with stem.with_suffix(".pack").open("wb") as file:  # a sparse file
        file.write(pack_of(entries)[:12] + entries[0])
        file.seek(place)
        file.write(entries[1] + bytes(20))
    oids = [object_id(BLOB, near), object_id(BLOB, far)]
    index = [IndexEntry(Oid(oids[0]), 12, 0), IndexEntry(Oid(oids[1]), place, 0)]
    stem.with_suffix(".idx").write_bytes(index_bytes(index, bytes(20)))
    for mapped in (True, False):
        pack = Pack(str(stem), PackMemory(mapped=mapped))
        assert [pack.read_at(pack.find(oid)) for oid in oids] == [(BLOB, near), (BLOB, far)]


def test_freshening_tells_when_the_pack_is_gone(tmp_path: Path) -> None:
    install(tmp_path, [whole(BLOB, b"a")], [object_id(BLOB, b"a")])
    [index] = (tmp_path / "pack").glob("*.idx")
    pack = Pack(str(index)[:-4], PackMemory())
    index.with_suffix(".pack").unlink()
    assert not pack.freshen()
