"""Packs written: what is stored as a delta, and that it can be read again."""

from __future__ import annotations

import errno
from hashlib import sha1
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.git.objects import BLOB, COMMIT, TREE, object_id
from assay.engine.git.packentries import read_head
from assay.engine.git.packindex import PackIndex, index_bytes
from assay.engine.git.packs import PackData, PackMemory
from assay.engine.git.packwriter import PackWriter

PARAMS = [b"".join(b"option_%02d: %d\n" % (n, n) for n in range(40)) + b"lr: %d\n" % i for i in range(50)]
LOCK = b"".join(b"  md5: %s\n" % sha1(b"%d" % n).hexdigest().encode() for n in range(30))
LOCKS = [LOCK + b"%d" % i for i in range(50)]


def write(folder: Path, objects: list[tuple[int, bytes, str]], count: int | None = None) -> tuple[PackIndex, PackData]:
    with disk.NewFile(str(folder)) as file:
        writer = PackWriter(file, count)
        for kind, data, hint in objects:
            writer.add(object_id(kind, data), kind, data, hint)
        checksum = writer.finish()
        file.close()
        content = Path(file.path).read_bytes()
    assert content[-20:] == checksum == sha1(content[:-20]).digest()
    assert int.from_bytes(content[8:12], "big") == len(objects)
    index = PackIndex(index_bytes(writer.entries, checksum), "x.idx")
    return index, PackData(content, index, PackMemory())


def deltas(index: PackIndex, data: PackData) -> int:
    return sum(read_head(data.view, entry.offset).kind == 6 for entry in index.entries())


@pytest.mark.parametrize("known", [True, False])
def test_what_was_written_is_read_whether_the_count_was_known_or_not(tmp_path: Path, known: bool) -> None:
    objects = [(BLOB, data, "") for data in PARAMS + LOCKS] + [(COMMIT, PARAMS[0], ""), (TREE, b"", "")]
    index, data = write(tmp_path, objects, len(objects) if known else None)
    for kind, content, _ in objects:
        assert data.read_at(index.find(object_id(kind, content))) == (kind, content)


def test_objects_of_one_path_share_a_base(tmp_path: Path) -> None:
    mixed = [item for pair in zip(PARAMS, LOCKS, strict=True) for item in ((BLOB, pair[0], "p"), (BLOB, pair[1], "l"))]
    index, data = write(tmp_path, mixed)
    assert deltas(index, data) == 98


def test_without_paths_objects_of_about_one_size_share_a_base(tmp_path: Path) -> None:
    assert deltas(*write(tmp_path, [(BLOB, data, "") for data in PARAMS])) == 49


def test_a_group_without_a_path_that_does_not_match_is_left_alone(tmp_path: Path) -> None:
    noise = [b"".join(sha1(b"%d %d" % (i, n)).digest() for n in range(30)) for i in range(5)]
    assert {len(data).bit_length() for data in noise + PARAMS} == {10}
    assert deltas(*write(tmp_path, [(BLOB, data, "") for data in noise + PARAMS])) == 0
    assert deltas(*write(tmp_path, [(BLOB, data, "path") for data in noise + PARAMS])) == 49


def test_commits_and_tiny_and_huge_objects_are_stored_whole(tmp_path: Path) -> None:
    huge = bytes(200_000)
    objects = [(COMMIT, PARAMS[0], "x"), (COMMIT, PARAMS[1], "x"), (BLOB, b"a", "x"), (BLOB, b"b", "x")]
    objects += [(BLOB, huge, "x"), (BLOB, huge + b"1", "x")]
    assert deltas(*write(tmp_path, objects)) == 0


def test_memory_for_bases_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.engine.git.packwriter._KEEP_BASES", 2000)
    objects = [(BLOB, data, f"path {n % 10}") for n, data in enumerate(PARAMS)]
    index, data = write(tmp_path, objects)
    for kind, content, _ in objects:
        assert data.read_at(index.find(object_id(kind, content))) == (kind, content)


def test_bases_far_away_are_found(tmp_path: Path) -> None:
    noise = [b"".join(sha1(b"%d %d" % (i, n)).digest() for n in range(5000)) for i in range(30)]
    objects = [(BLOB, PARAMS[0], "p"), *((BLOB, data, "") for data in noise), (BLOB, PARAMS[1], "p")]
    index, data = write(tmp_path, objects)
    assert deltas(index, data) == 1
    assert data.read_at(index.find(object_id(BLOB, PARAMS[1]))) == (BLOB, PARAMS[1])


def test_a_pack_that_could_not_be_written_once_cannot_be_finished(tmp_path: Path) -> None:
    def fail(step: disk.Step, path: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    with disk.NewFile(str(tmp_path)) as file:
        writer = PackWriter(file)
        writer.add(object_id(BLOB, b"a"), BLOB, b"a")
        with disk.injected(fail), pytest.raises(OSError, match="No space"):
            writer.flush()
        with pytest.raises(OSError, match="No space"):
            writer.finish()
