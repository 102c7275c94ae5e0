"""Loose objects, whole and damaged."""

from __future__ import annotations

import errno
import os
import stat
import tracemalloc
import zlib
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import CorruptObject
from assay.engine.git.loose import loose_path, loose_size, read_loose, write_loose
from assay.engine.git.objects import BLOB, TAG, object_id
from assay.engine.model import Oid

DATA = b"lr: 0.1\n" * 50
OID = object_id(BLOB, DATA)
LIMIT = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_loose(str(tmp_path), OID, BLOB, DATA)
    return Path(loose_path(str(tmp_path), OID))


def put(path: Path, raw: bytes) -> None:
    path.unlink()
    path.write_bytes(raw)


def test_what_was_written_is_read(tmp_path: Path, path: Path) -> None:
    assert path.relative_to(tmp_path).as_posix() == f"{OID.hex()[:2]}/{OID.hex()[2:]}"
    assert read_loose(str(tmp_path), OID, LIMIT) == (BLOB, DATA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == [path.name]


@pytest.mark.parametrize("data", [b"", os.urandom(100_000), bytes(900_000)])
def test_any_length_is_read(tmp_path: Path, data: bytes) -> None:
    oid = object_id(TAG, data)
    write_loose(str(tmp_path), oid, TAG, data)
    assert read_loose(str(tmp_path), oid, LIMIT) == (TAG, data)


def test_an_object_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_loose(str(tmp_path), OID, LIMIT) is None
    assert loose_size(str(tmp_path), OID) == 0


def test_a_flipped_byte_anywhere_is_never_wrong_content(tmp_path: Path, path: Path) -> None:
    raw = path.read_bytes()
    refused = 0
    for at in range(len(raw)):
        for flip in (0x01, 0x80, 0xFF):
            put(path, raw[:at] + bytes((raw[at] ^ flip,)) + raw[at + 1 :])
            try:
                assert read_loose(str(tmp_path), OID, LIMIT) == (BLOB, DATA)  # some bits of zlib's mean nothing
            except CorruptObject:
                refused += 1
    assert refused > 2.8 * len(raw)


def test_a_file_cut_short_anywhere_is_corrupt(tmp_path: Path, path: Path) -> None:
    raw = path.read_bytes()
    for end in range(len(raw)):
        put(path, raw[:end])
        with pytest.raises(CorruptObject):
            read_loose(str(tmp_path), OID, LIMIT)


@pytest.mark.parametrize(
    "whole",
    [b"", b"blob", b"blob 400", b"blob x\0" + DATA, b"blub 400\0" + DATA, b"blob 399\0" + DATA, b"blob 401\0" + DATA,
     b"tree 400\0" + DATA, b"blob 400\0" + DATA[::-1], b"blob -1\0", b"blob \xb2\0" + DATA],
)  # fmt: skip
def test_what_does_not_begin_or_hash_as_it_should_is_corrupt(tmp_path: Path, path: Path, whole: bytes) -> None:
    put(path, zlib.compress(whole))
    with pytest.raises(CorruptObject, match="damaged"):
        read_loose(str(tmp_path), OID, LIMIT)


@pytest.mark.parametrize("head", [b"blob 400\0", b"blob %d\0" % (LIMIT + 1), b"blob %d\0" % (40 << 20)])
def test_a_file_that_grows_does_not_fill_the_memory(tmp_path: Path, path: Path, head: bytes) -> None:
    put(path, zlib.compress(head + bytes(40 << 20), 9))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptObject):
            read_loose(str(tmp_path), OID, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_writing_replaces_what_is_damaged(tmp_path: Path, path: Path) -> None:
    put(path, b"")
    write_loose(str(tmp_path), OID, BLOB, DATA)
    assert read_loose(str(tmp_path), OID, LIMIT) == (BLOB, DATA)


def test_left_over_temporary_and_lock_files_are_in_nobodys_way(tmp_path: Path) -> None:
    target = Path(loose_path(str(tmp_path), OID))
    target.parent.mkdir()
    (target.parent / (target.name + ".lock")).write_bytes(b"")
    (tmp_path / "tmp_obj_123").write_bytes(b"")
    write_loose(str(tmp_path), OID, BLOB, DATA)
    assert read_loose(str(tmp_path), OID, LIMIT) == (BLOB, DATA)


@pytest.mark.parametrize("step", ["create", "write", "rename"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, step: str) -> None:
    (tmp_path / OID.hex()[:2]).mkdir()

    def fail(at: disk.Step, path: str) -> None:
        if at == step:
            raise OSError(errno.ENOSPC, "No space left on device", path)

    with disk.injected(fail), pytest.raises(OSError, match="No space"):
        write_loose(str(tmp_path), OID, BLOB, DATA)
    assert not [entry for entry in tmp_path.rglob("*") if entry.is_file()]


def test_folders_made_in_a_shared_repository_can_be_written_by_its_group(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    before = os.umask(0o022)
    try:
        write_loose(str(tmp_path), Oid(OID), BLOB, DATA)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / OID.hex()[:2]).stat().st_mode) & 0o775 == 0o775
