"""Batches: loose or packed, readable while open, all or nothing."""

from __future__ import annotations

import errno
import os
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, MissingObject
from assay.engine.git.batch import FEW
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.loose import loose_path
from assay.engine.git.objects import BLOB, object_id
from assay.engine.model import Oid
from tests.packfiles import install_blobs


@pytest.fixture
def db(tmp_path: Path) -> ObjectDatabase:
    (tmp_path / "objects").mkdir()
    return ObjectDatabase(str(tmp_path / "objects"))


def files(db: ObjectDatabase) -> list[str]:
    return sorted(str(path.relative_to(db.path)) for path in Path(db.path).rglob("*") if path.is_file())


def add_all(db: ObjectDatabase, data: Iterable[bytes], oids: list[Oid], *, then: Exception | None = None) -> None:
    with db.batch() as batch:
        for content in data:
            oids.append(batch.add(BLOB, content))
            assert db.read_blob(oids[-1]) == content
        if then:
            raise then


def blobs(count: int) -> list[bytes]:
    return [b"option: 1\n" * 20 + b"lr: %d\n" % number for number in range(count)]


@pytest.mark.parametrize(("count", "packs"), [(0, 0), (1, 0), (FEW, 0), (FEW + 1, 1), (500, 1)])
def test_few_objects_become_loose_and_many_one_pack(db: ObjectDatabase, count: int, packs: int) -> None:
    with db.batch() as batch:
        oids = [batch.add(BLOB, data, "params.yaml") for data in blobs(count)]
    assert len([name for name in files(db) if name.endswith(".pack")]) == packs
    assert len([name for name in files(db) if not name.startswith("pack/")]) == (0 if packs else count)
    for source in (db, ObjectDatabase(db.path)):
        assert [source.read_blob(oid) for oid in oids] == blobs(count)


def test_objects_are_readable_here_at_once_and_elsewhere_at_the_end(db: ObjectDatabase) -> None:
    other = ObjectDatabase(db.path)
    with db.batch() as batch:
        for data in blobs(100):
            oid = batch.add(BLOB, data)
            assert db.read_blob(oid) == data
            assert batch.read(oid) == (BLOB, data)
            assert oid in db
            assert oid not in other
    assert all(object_id(BLOB, data) in other for data in blobs(100))


@pytest.mark.parametrize("count", [3, 100])
def test_an_exception_drops_everything(db: ObjectDatabase, count: int) -> None:
    oids: list[Oid] = []
    with pytest.raises(KeyError):
        add_all(db, blobs(count), oids, then=KeyError())
    assert len(oids) == count
    assert files(db) == []
    for oid in oids:
        assert oid not in db
        with pytest.raises(MissingObject):
            db.read(oid)


@pytest.mark.parametrize("count", [3, 100])
@pytest.mark.parametrize("step", ["create", "write", "rename"])
def test_a_full_disk_is_a_sentence_and_makes_nothing_visible(db: ObjectDatabase, step: str, count: int) -> None:
    def fail(at: disk.Step, path: str) -> None:
        if at == step:
            raise OSError(errno.ENOSPC, "No space left on device", path)

    with disk.injected(fail), pytest.raises(AssayError, match="No space left"):
        add_all(db, blobs(count), [])
    assert files(db) == []


def test_an_object_is_written_once(db: ObjectDatabase) -> None:
    [packed] = install_blobs(Path(db.path), b"packed")
    loose = db.write(BLOB, b"loose")
    before = files(db)
    with db.batch() as batch:
        assert [batch.add(BLOB, data) for data in (b"packed", b"loose", b"packed")] == [packed, loose, packed]
        assert [batch.add(BLOB, b"new") for _ in range(50)] == [object_id(BLOB, b"new")] * 50
    assert len(files(db)) == len(before) + 1


def test_a_damaged_object_is_written_again(db: ObjectDatabase) -> None:
    path = Path(loose_path(db.path, db.write(BLOB, b"a")))
    path.unlink()
    path.touch()
    with db.batch() as batch:
        oid = batch.add(BLOB, b"a")
    assert db.read_blob(oid) == b"a"


def test_two_batches_may_be_open(db: ObjectDatabase) -> None:
    with db.batch() as outer:
        first = [outer.add(BLOB, data) for data in blobs(30)]
        with pytest.raises(KeyError):
            add_all(db, [b"inner", *blobs(1)], [], then=KeyError())
        assert db.read_blob(first[0]) == blobs(1)[0]
    assert ObjectDatabase(db.path).read_blob(first[0]) == blobs(1)[0]
    assert object_id(BLOB, b"inner") not in db


def test_memory_stays_bounded(db: ObjectDatabase) -> None:
    block = os.urandom(1 << 20)
    tracemalloc.start()
    try:
        with db.batch() as batch:
            for number in range(40):
                batch.add(BLOB, b"%d" % number + block)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_large_objects_are_read_back_while_the_pack_is_open(db: ObjectDatabase) -> None:
    with db.batch() as batch:
        oids = [batch.add(BLOB, bytes([number]) * 300_000) for number in range(40)]
        for number in (0, 39, 5):
            assert batch.read(oids[number])[1] == bytes([number]) * 300_000
