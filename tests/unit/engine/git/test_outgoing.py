"""Packs for somebody else: copied where that is safe, made anew where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import CorruptObject, MissingObject
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.objects import BLOB, object_id
from assay.engine.git.packentries import read_head
from assay.engine.model import Oid
from tests.packfiles import insertion, install, install_blobs, ofs_delta, ref_delta, whole


@pytest.fixture
def db(tmp_path: Path) -> ObjectDatabase:
    (tmp_path / "objects").mkdir()
    return ObjectDatabase(str(tmp_path / "objects"))


def send(db: ObjectDatabase, oids: list[Oid], folder: Path) -> tuple[ObjectDatabase, bytes]:
    """A database that has received the objects, and the pack that travelled."""
    other = ObjectDatabase(str(folder / "other"))
    Path(other.path).mkdir()
    with disk.NewFile(str(folder)) as file:
        assert db.pack_to(oids, file) == len(set(oids))
        file.close()
        raw = Path(file.path).read_bytes()
        other.add_pack(file.path)
    assert sorted(set(oids)) == sorted(name for pack in other._folders.packs for name, _, _ in pack.index.entries())
    for oid in oids:
        assert other.read(oid) == db.read(oid)
    return other, raw


def kinds(raw: bytes, other: ObjectDatabase) -> list[int]:
    [pack] = other._folders.packs
    return [read_head(raw, offset).kind for offset in pack.index.sorted_offsets()]


def test_objects_from_everywhere_travel(tmp_path: Path, db: ObjectDatabase) -> None:
    oids = install_blobs(Path(db.path), b"one", b"two") + install_blobs(Path(db.path), b"three")
    oids += [db.write(BLOB, b"loose %d" % number) for number in range(5)]
    send(db, [*oids, oids[0]], tmp_path)


def test_nothing_travels_as_an_empty_pack(tmp_path: Path, db: ObjectDatabase) -> None:
    with disk.NewFile(str(tmp_path)) as file:
        assert db.pack_to([], file) == 0
        file.close()
        assert len(Path(file.path).read_bytes()) == 32


def test_what_is_compressed_is_copied_as_it_is(tmp_path: Path, db: ObjectDatabase) -> None:
    blobs = [b"a line\n" * number for number in range(1, 9)]
    oids = install_blobs(Path(db.path), *blobs)
    _, raw = send(db, oids[::2], tmp_path)
    assert all(whole(BLOB, data) in raw for data in blobs[::2])


def chain(db: ObjectDatabase) -> list[Oid]:
    """A pack of "one", a delta of it, and a delta of that by id."""
    first = whole(BLOB, b"one")
    second = ofs_delta(len(first), insertion(b"one", b"two!"))
    third = ref_delta(object_id(BLOB, b"two!"), insertion(b"two!", b"three"))
    oids = [object_id(BLOB, data) for data in (b"one", b"two!", b"three")]
    install(Path(db.path), [first, second, third], oids)
    return oids


def test_deltas_travel_with_their_bases(tmp_path: Path, db: ObjectDatabase) -> None:
    oids = chain(db)
    other, raw = send(db, oids[::-1], tmp_path)
    assert kinds(raw, other) == [BLOB, 6, 6]


def test_a_delta_without_its_base_travels_whole(tmp_path: Path, db: ObjectDatabase) -> None:
    oids = chain(db)
    other, raw = send(db, [oids[2], oids[0]], tmp_path)
    assert kinds(raw, other) == [BLOB, BLOB]


def test_a_damaged_entry_is_not_copied(tmp_path: Path, db: ObjectDatabase) -> None:
    oids = install_blobs(Path(db.path), b"one", b"two")
    [pack] = Path(db.path, "pack").glob("*.pack")
    raw = bytearray(pack.read_bytes())
    raw[16] ^= 0xFF
    pack.unlink()
    pack.write_bytes(bytes(raw))
    with pytest.raises(CorruptObject), disk.NewFile(str(tmp_path)) as file:
        db.pack_to(oids, file)
    db.write(BLOB, b"one")
    send(db, oids, tmp_path)


def test_a_missing_object_is_named(tmp_path: Path, db: ObjectDatabase) -> None:
    oid = object_id(BLOB, b"no")
    with pytest.raises(MissingObject, match=oid.hex()), disk.NewFile(str(tmp_path)) as file:
        db.pack_to([oid], file)


def test_a_pack_deleted_meanwhile_is_survived(tmp_path: Path, db: ObjectDatabase) -> None:
    oids = install_blobs(Path(db.path), b"one", b"two")
    assert oids[0] in db
    for path in Path(db.path, "pack").iterdir():
        path.unlink()
    install_blobs(Path(db.path), b"two", b"one")
    send(db, oids, tmp_path)
