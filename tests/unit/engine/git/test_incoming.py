"""Packs from elsewhere: what is let in, and what each kind of lie is answered with."""

from __future__ import annotations

import tracemalloc
import zlib
from hashlib import sha1
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import CorruptObject
from assay.engine.git.incoming import CheckedPack, ThinPack, check_pack
from assay.engine.git.objects import BLOB, COMMIT, TREE, object_id
from assay.engine.git.packs import PackMemory
from assay.engine.model import Oid
from tests.packfiles import header, insertion, offsets_of, ofs_delta, pack_of, ref_delta, whole

ENTRIES = [whole(BLOB, b"one"), ofs_delta(len(whole(BLOB, b"one")), insertion(b"one", b"two!")), whole(TREE, b"")]


def nowhere(oid: Oid) -> None:
    return None


def check(folder: Path, raw: bytes, memory: PackMemory | None = None) -> CheckedPack:
    path = folder / "incoming"
    path.write_bytes(raw)
    checked = check_pack(str(path), memory or PackMemory(), nowhere)
    assert isinstance(checked, CheckedPack)
    return checked


@pytest.mark.parametrize("version", [2, 3])
def test_every_object_of_a_good_pack_is_named(tmp_path: Path, version: int) -> None:
    raw = pack_of(ENTRIES, version=version)
    checked = check(tmp_path, raw)
    oids = [object_id(BLOB, b"one"), object_id(BLOB, b"two!"), object_id(TREE, b"")]
    assert sorted(checked.entries) == sorted(
        (oid, offset, zlib.crc32(entry)) for oid, offset, entry in zip(oids, offsets_of(ENTRIES), ENTRIES, strict=True)
    )
    assert checked.checksum == raw[-20:]


def test_an_empty_pack_is_a_pack(tmp_path: Path) -> None:
    assert check(tmp_path, pack_of([])).entries == []


def test_deltas_may_come_before_their_bases(tmp_path: Path) -> None:
    two = object_id(BLOB, b"two!")
    entries = [
        ref_delta(two, insertion(b"two!", b"three")),
        ref_delta(object_id(BLOB, b"one"), insertion(b"one", b"two!")),
        whole(BLOB, b"one"),
    ]
    names = {entry.oid for entry in check(tmp_path, pack_of(entries)).entries}
    assert names == {object_id(BLOB, b"one"), two, object_id(BLOB, b"three")}


def test_large_objects_are_checked_too(tmp_path: Path) -> None:
    data = sha1(b"x").digest() * 50_000
    assert [entry.oid for entry in check(tmp_path, pack_of([whole(BLOB, data)])).entries] == [object_id(BLOB, data)]


GOOD = pack_of(ENTRIES)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PACK",
        GOOD[:-1],
        GOOD + b"\0",
        b"KCAP" + GOOD[4:],
        pack_of(ENTRIES, version=4),
        pack_of(ENTRIES, count=2),
        pack_of(ENTRIES, count=4),
        pack_of(ENTRIES, count=0xFFFFFFFF),
        pack_of([*ENTRIES, b"garbage"], count=3),
        pack_of([header(BLOB, 4) + zlib.compress(b"one")]),
        pack_of([header(BLOB, 2) + zlib.compress(b"one")]),
        pack_of([header(0, 3) + zlib.compress(b"one")]),
        pack_of([header(5, 3) + zlib.compress(b"one")]),
        pack_of([whole(BLOB, b"one")[:-2]]),
        pack_of([ENTRIES[0], ofs_delta(len(ENTRIES[0]), b"\4\1\1x")]),
        pack_of([ENTRIES[0], ofs_delta(len(ENTRIES[0]), b"\3\2\1x")]),
        pack_of([ENTRIES[0], ofs_delta(len(ENTRIES[0]) - 1, insertion(b"one", b"x"))]),
        pack_of([ENTRIES[0], ofs_delta(400, insertion(b"one", b"x"))]),
        pack_of([ref_delta(b"\1" * 20, insertion(b"a", b"b"))]),
        pack_of([b"\xff" * 40]),
    ],
)
def test_anything_that_is_not_as_it_says_is_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(CorruptObject):
        check(tmp_path, raw)


def test_a_flipped_byte_anywhere_is_refused(tmp_path: Path) -> None:
    for at in range(len(GOOD)):
        with pytest.raises(CorruptObject):
            check(tmp_path, GOOD[:at] + bytes((GOOD[at] ^ 0x10,)) + GOOD[at + 1 :])


def test_an_object_over_the_limit_is_refused_before_it_is_made(tmp_path: Path) -> None:
    data = bytes(60 << 20)
    bomb = pack_of([whole(BLOB, data)])
    grown = pack_of([whole(BLOB, b"a"), ofs_delta(len(whole(BLOB, b"a")), b"\1\xff\xff\xff\x7f" + b"\x90\1")])
    tracemalloc.start()
    try:
        for raw in (bomb, grown):
            with pytest.raises(CorruptObject, match="more than is read into memory"):
                check(tmp_path, raw, PackMemory(max_object=1 << 20))
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("length", "is_fine"), [(4096, True), (4097, False)])
def test_chains_as_long_as_git_makes_them_are_let_in_and_no_longer(tmp_path: Path, length: int, is_fine: bool) -> None:
    entries = [whole(BLOB, b"0")]
    for number in range(1, length + 1):
        entries.append(ofs_delta(len(entries[-1]), insertion(b"%d" % (number - 1), b"%d" % number)))
    if is_fine:
        assert len(check(tmp_path, pack_of(entries)).entries) == length + 1
    else:
        with pytest.raises(CorruptObject, match="chain"):
            check(tmp_path, pack_of(entries))


class TestThinPacks:
    """Deltas whose bases only the receiver has."""

    def test_they_are_completed_by_what_they_lack(self, tmp_path: Path) -> None:
        here = {object_id(BLOB, b"one"): (BLOB, b"one"), object_id(COMMIT, b"c"): (COMMIT, b"c")}
        thin = [
            ref_delta(object_id(BLOB, b"two!"), insertion(b"two!", b"three")),
            ref_delta(object_id(BLOB, b"one"), insertion(b"one", b"two!")),
            whole(TREE, b""),
        ]
        path = tmp_path / "thin"
        path.write_bytes(pack_of(thin))
        pack = check_pack(str(path), PackMemory(), here.get)
        assert isinstance(pack, ThinPack)
        with disk.NewFile(str(tmp_path)) as file:
            checked = pack.complete(file)
            again = check_pack(file.path, PackMemory(), nowhere)
        assert isinstance(checked, CheckedPack)
        assert isinstance(again, CheckedPack)
        names = {object_id(BLOB, data) for data in (b"one", b"two!", b"three")} | {object_id(TREE, b"")}
        assert {entry.oid for entry in checked.entries} == names
        assert sorted(checked.entries) == sorted(again.entries)
        assert checked.checksum == again.checksum

    def test_deltas_on_what_was_added_are_checked_too(self, tmp_path: Path) -> None:
        here = {object_id(BLOB, b"one"): (BLOB, b"one")}
        lie = ref_delta(object_id(BLOB, b"one"), insertion(b"another base", b"two!"))
        path = tmp_path / "thin"
        path.write_bytes(pack_of([lie]))
        pack = check_pack(str(path), PackMemory(), here.get)
        assert isinstance(pack, ThinPack)
        with disk.NewFile(str(tmp_path)) as file, pytest.raises(CorruptObject, match="for another base"):
            pack.complete(file)
