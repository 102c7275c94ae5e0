"""engine/store/links.py: how an object gets into the workspace."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from assay.engine import disk
from assay.engine.errors import CorruptArtifact, MissingArtifact, UnsafePath
from assay.engine.model import Entry
from assay.engine.store.digest import digest_bytes
from assay.engine.store.links import Placer
from tests.stores import LARGE, damage, put


@pytest.fixture
def folder(bench):
    with disk.Folder(str(bench.root)) as opened:
        yield opened


def entry(bench, data, is_exec=False):
    (digest,) = put(bench.cache, data)
    return Entry("f", digest, len(data), None, is_exec)


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture
def can_clone(monkeypatch):
    """A file system that shares blocks, as far as can be told from outside."""

    def clone(self, source, path, *, executable=False, mtime_ns=None):
        with open(source, "rb") as file:
            return self.write(path, file.read(), executable=executable, mtime_ns=mtime_ns)

    monkeypatch.setattr(disk.Folder, "clone", clone)
    monkeypatch.setattr(disk.Folder, "shares_blocks", lambda self, source: True)


@pytest.mark.parametrize("data", [b"", b"small", LARGE])
@pytest.mark.parametrize("kinds", [(), ("copy",), ("reflink", "copy"), ("hardlink",), ("symlink", "copy")])
def test_whatever_the_kind_the_content_is_right(bench, folder, data, kinds):
    Placer(folder, bench.cache, kinds).place("s/f", entry(bench, data))
    assert (bench.root / "s/f").read_bytes() == data


@pytest.mark.parametrize("data", [b"small", LARGE])
@pytest.mark.parametrize(("is_exec", "wanted"), [(False, 0o644), (True, 0o755)])
def test_a_copy_is_the_users_own(bench, folder, data, is_exec, wanted):
    assert Placer(folder, bench.cache).place("f", entry(bench, data, is_exec)).kind == "copy"
    assert mode(bench.root / "f") == wanted
    assert os.stat(bench.root / "f").st_nlink == 1


@pytest.mark.parametrize("data", [b"small", LARGE])
def test_a_hard_link_is_the_caches_file(bench, folder, data):
    wanted = entry(bench, data)
    assert Placer(folder, bench.cache, ["hardlink", "copy"]).place("f", wanted).kind == "hardlink"
    assert os.path.samefile(bench.root / "f", bench.cache.loose_path(wanted.digest))
    assert mode(bench.root / "f") == 0o444


@pytest.mark.parametrize("data", [b"small", LARGE])
def test_a_symlink_leads_to_the_caches_file(bench, folder, data):
    wanted = entry(bench, data)
    assert Placer(folder, bench.cache, ["symlink"]).place("f", wanted).kind == "symlink"
    assert os.readlink(bench.root / "f") == bench.cache.loose_path(wanted.digest)


@pytest.mark.usefixtures("can_clone")
@pytest.mark.parametrize(("data", "kind"), [(b"small", "copy"), (LARGE, "reflink")])
def test_where_blocks_can_be_shared_they_are(bench, folder, data, kind):
    wanted = entry(bench, data, is_exec=True)
    assert Placer(folder, bench.cache).place("f", wanted).kind == kind
    assert (bench.root / "f").read_bytes() == data
    assert mode(bench.root / "f") == 0o755


def test_where_blocks_cannot_be_shared_an_object_is_read_once(bench, folder, monkeypatch):
    wanted = {name: entry(bench, LARGE + name.encode()) for name in ("a", "b")}
    monkeypatch.setattr(disk, "_clone", lambda source, target: False)
    monkeypatch.setattr(bench.cache, "sound_path", lambda digest: pytest.fail("It was verified, and not copied."))
    placer = Placer(folder, bench.cache)
    for name, one in wanted.items():
        assert placer.place(name, one).kind == "copy"
    assert sorted(os.listdir(bench.root)) == ["a", "b"]


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
@pytest.mark.parametrize(("data", "is_exec"), [(b"", False), (b"#!/bin/sh\n", True)])
def test_an_empty_and_an_executable_file_are_always_copied(bench, folder, kind, data, is_exec):
    assert Placer(folder, bench.cache, [kind, "copy"]).place("f", entry(bench, data, is_exec)).kind == "copy"


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_what_cannot_be_linked_is_copied_and_not_tried_again(bench, folder, monkeypatch, kind):
    tried = []

    def refuse(self, source, path):
        tried.append(path)
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(disk.Folder, kind, refuse)
    placer = Placer(folder, bench.cache, [kind])
    assert [placer.place(path, entry(bench, path.encode())).kind for path in ("a", "b")] == ["copy", "copy"]
    assert tried == ["a"]


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_from_a_cache_that_cannot_be_written_packed_objects_are_copied(bench, folder, kind):
    wanted = entry(bench, b"small")

    def read_only(step, path):
        if path.startswith(str(bench.folder)):
            raise OSError(errno.EROFS, "Read-only file system")

    with disk.injected(read_only):
        assert Placer(folder, bench.cache, [kind]).place("f", wanted).kind == "copy"


def test_another_error_of_linking_is_not_hidden(bench, folder, monkeypatch):
    def fail(self, source, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk.Folder, "hardlink", fail)
    with pytest.raises(OSError, match="No space"):
        Placer(folder, bench.cache, ["hardlink"]).place("f", entry(bench, b"x"))


@pytest.mark.parametrize("before", ["file", "symlink", "dangling", "hardlink"])
@pytest.mark.parametrize("kinds", [("copy",), ("hardlink",), ("symlink",)])
def test_what_was_at_the_path_is_replaced_and_not_written_through(bench, folder, before, kinds):
    outside = bench.root.parent / "outside"
    outside.write_bytes(b"mine")
    path = bench.root / "f"
    if before == "file":
        path.write_bytes(b"old")
    elif before == "hardlink":
        os.link(outside, path)
    else:
        path.symlink_to(outside if before == "symlink" else "nothing")
    Placer(folder, bench.cache, kinds).place("f", entry(bench, b"new"))
    assert path.read_bytes() == b"new"
    assert outside.read_bytes() == b"mine"


@pytest.mark.law(5)
def test_nothing_is_placed_through_a_symlink(bench, folder):
    (bench.root.parent / "outside").mkdir()
    (bench.root / "s").symlink_to(bench.root.parent / "outside")
    for kinds in ((), ("hardlink",), ("symlink",)):
        with pytest.raises(UnsafePath):
            Placer(folder, bench.cache, kinds).place("s/f", entry(bench, b"x"))
    assert os.listdir(bench.root.parent / "outside") == []


@pytest.mark.law(3)
@pytest.mark.usefixtures("can_clone")
@pytest.mark.parametrize("data", [b"small", LARGE])
@pytest.mark.parametrize("kinds", [("copy",), ("reflink",), ("hardlink",), ("symlink",)])
def test_a_damaged_object_is_never_placed(bench, folder, data, kinds):
    wanted = entry(bench, data)
    damage(bench.cache, wanted.digest)
    (bench.root / "f").write_bytes(b"old")
    with pytest.raises(CorruptArtifact, match=wanted.digest.hex):
        Placer(folder, bench.reopened(), kinds).place("f", wanted)
    assert (bench.root / "f").read_bytes() == b"old"
    assert os.listdir(bench.root) == ["f"]


def test_what_the_cache_has_not_is_missing(bench, folder):
    wanted = Entry("f", digest_bytes("xxh128", b"never"), 5)
    for kinds in ((), ("hardlink",)):
        with pytest.raises(MissingArtifact):
            Placer(folder, bench.cache, kinds).place("f", wanted)


@pytest.mark.parametrize("data", [b"small", LARGE])
def test_a_copy_can_be_remembered_at_once(bench, folder, data):
    placed = Placer(folder, bench.cache).place("f", entry(bench, data))
    assert placed.is_known
    assert placed.stat == os.stat(bench.root / "f")
    (bench.root / "f").write_bytes(data)
    assert os.stat(bench.root / "f").st_mtime_ns != placed.stat.st_mtime_ns


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
@pytest.mark.parametrize("is_old", [False, True])
def test_a_link_can_be_remembered_when_its_object_is_old(bench, folder, kind, is_old):
    wanted = entry(bench, LARGE)
    if is_old:
        os.utime(bench.cache.loose_path(wanted.digest), (1, 1))
    placed = Placer(folder, bench.cache, [kind]).place("f", wanted)
    assert placed.is_known is is_old
    assert placed.stat.st_ino == os.stat(bench.root / "f").st_ino


def test_linking_does_not_make_the_object_unknown(bench, folder):
    wanted = entry(bench, LARGE)
    path = bench.cache.loose_path(wanted.digest)
    os.utime(path, (1, 1))
    Placer(folder, bench.cache, ["hardlink"]).place("f", wanted)
    assert bench.stat_cache.get(path, os.stat(path)) == wanted.digest


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
def test_the_kind_of_a_file_is_told(bench, folder, kind):
    wanted = entry(bench, LARGE)
    placer = Placer(folder, bench.cache, [kind])
    placer.place("f", wanted)
    assert placer.kind_of("f", wanted) == placer.wants(wanted) == kind


def test_a_hard_link_to_something_else_is_a_file_of_its_own(bench, folder):
    wanted = entry(bench, LARGE)
    (bench.root / "f").write_bytes(LARGE)
    os.link(bench.root / "f", bench.root / "g")
    assert Placer(folder, bench.cache).kind_of("f", wanted) == "copy"
