"""The index on files made by hand: what is refused, and what is dropped or kept."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import pytest

from assay.engine.errors import GitError
from assay.engine.git.index import Index, IndexEntry, entry_of, read_index, unknown_entry
from assay.engine.git.indexdraft import Draft, write_index
from assay.engine.model import Oid

OID = Oid(bytes(range(20)))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "index")


def write(path: str, entries: dict[str, IndexEntry]) -> None:
    write_index(os.path.dirname(path), path, entries)


def sealed(data: bytes) -> bytes:
    return data + hashlib.sha1(data).digest()


def test_an_index_that_is_not_there_is_empty(path: str) -> None:
    index = read_index(path)
    assert not index.exists
    assert list(index.entries()) == []


def test_what_is_written_is_read_again(path: str) -> None:
    entries = {name: unknown_entry(0o100644, OID)._replace(size=7, mtime=5) for name in ("b", "a/é", "a.b", "\udcff")}
    write(path, entries)
    found = dict(read_index(path).entries())
    assert list(found) == ["a.b", "a/é", "b", "\udcff"]
    assert {name: entry._replace(flags=0) for name, entry in found.items()} == entries


def test_an_extended_flag_makes_it_version_3_and_its_absence_version_2(path: str) -> None:
    write(path, {"a": unknown_entry(0o100644, OID)})
    assert Path(path).read_bytes()[4:8] == b"\0\0\0\2"
    write(path, {"a": unknown_entry(0o100644, OID)._replace(flags=0x4000_0000)})
    assert Path(path).read_bytes()[4:8] == b"\0\0\0\3"
    entry = read_index(path).entry("a")
    assert entry is not None
    assert entry.skip_worktree


def test_numbers_too_large_for_an_entry_are_cut_as_git_cuts_them() -> None:
    status = os.stat_result(
        (0o100644, 2**40 + 1, 2**40 + 2, 1, 0, 0, 2**33 + 3, 0, 2**32 + 4, 0),
        {"st_mtime_ns": (2**32 + 4) * 10**9 + 5, "st_ctime_ns": 7 * 10**9},
    )
    entry = entry_of(status, 0o100644, OID)
    assert (entry.ino, entry.dev, entry.size, entry.mtime, entry.mtime_ns, entry.ctime) == (1, 2, 3, 4, 5, 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"DIRC",
        sealed(b"NOPE" + struct.pack(">LL", 2, 0)),
        sealed(b"DIRC" + struct.pack(">LL", 2, 1)),
        sealed(b"DIRC" + struct.pack(">LL", 4, 1)),
        sealed(b"DIRC" + struct.pack(">LL", 2, 0) + b"TREE" + struct.pack(">L", 99)),
        sealed(b"DIRC" + struct.pack(">LL", 2, 0) + b"x"),
        sealed(b"DIRC" + struct.pack(">LL", 2, 0))[:-1] + b"?",
    ],
)
def test_a_damaged_index_is_said_to_be_damaged(path: str, data: bytes) -> None:
    Path(path).write_bytes(data)
    with pytest.raises(GitError, match="damaged"):
        read_index(path)


def test_every_byte_that_flips_is_noticed(path: str) -> None:
    write(path, {"a": unknown_entry(0o100644, OID), "b/c": unknown_entry(0o100755, OID)})
    good = Path(path).read_bytes()
    for at in range(len(good)):
        Path(path).write_bytes(good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :])
        with pytest.raises(GitError):
            read_index(path)


def test_a_version_nobody_knows_is_refused(path: str) -> None:
    Path(path).write_bytes(sealed(b"DIRC" + struct.pack(">LL", 5, 0)))
    with pytest.raises(GitError, match="version 5"):
        read_index(path)


def test_an_extension_that_must_be_understood_and_is_not_is_refused(path: str) -> None:
    Path(path).write_bytes(sealed(b"DIRC" + struct.pack(">LL", 2, 0) + b"what" + struct.pack(">L", 0)))
    with pytest.raises(GitError, match="'what' kind"):
        read_index(path)


def test_an_index_written_without_a_checksum_is_read(path: str) -> None:
    Path(path).write_bytes(b"DIRC" + struct.pack(">LL", 2, 0) + bytes(20))
    assert read_index(path).exists


def test_folders_whose_tree_is_known_are_read_with_their_file_counts() -> None:
    a, root = Oid(b"a" * 20), Oid(b"r" * 20)
    index = Index(b"x")
    index.extensions[b"TREE"] = (
        b"\x003 2\n" + root + b"a\x002 1\n" + a + b"b\x001 0\n" + OID + b"c\x00-1 1\n" + b"d\x001 0\n" + OID
    )
    assert index.cached_trees() == {"": (root, 3), "a": (a, 2), "a/b": (OID, 1), "c/d": (OID, 1)}


def test_a_put_takes_away_the_files_that_would_be_folders_above_it() -> None:
    draft = Draft(Index())
    draft.put("a", unknown_entry(0o100644, OID))
    draft.put("a/b/c", unknown_entry(0o100644, OID))
    assert [draft.entry(path) for path in ("a", "a/b", "a/b/c")] == [None, None, unknown_entry(0o100644, OID)]
    assert len(draft) == 1


def test_only_entries_as_young_as_the_index_lose_their_size(path: str) -> None:
    entry = unknown_entry(0o100644, OID)._replace(size=9)
    write(path, {"old": entry._replace(mtime=99), "young": entry._replace(mtime=100)})
    os.utime(path, (100, 100))
    draft = Draft(read_index(path))
    sizes = {name: entry.size for name in ("old", "young") if (entry := draft.entry(name))}
    assert sizes == {"old": 9, "young": 0}
