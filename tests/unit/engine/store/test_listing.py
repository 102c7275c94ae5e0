"""engine/store/listing.py: directories as DVC lists them."""

from __future__ import annotations

import json
import os

import pytest

from assay.engine.errors import CorruptArtifact, MissingArtifact, UnsafePath
from assay.engine.model import Artifact, Digest, Entry
from assay.engine.store import checkout
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of, files_in, keeps_modes, named, write_manifest
from assay.engine.store.rows import DEEPEST
from assay.engine.store.snapshot import snapshot
from assay.engine.store.statcache import StatCache


class Memory:
    """A cache and its writer, in memory."""

    algo = "md5"

    def __init__(self):
        self.objects = {}

    def add_bytes(self, data, *, is_dir=False):
        digest = digest_bytes("md5", data, is_dir=is_dir)
        self.objects[digest] = data
        return digest

    def read(self, digest):
        if digest not in self.objects:
            raise MissingArtifact(str(digest))
        return self.objects[digest]

    def size(self, digest):
        return len(self.objects[digest]) if digest in self.objects else None


@pytest.fixture
def memory():
    return Memory()


def entry(data=b"x"):
    return Entry("", digest_bytes("md5", data), len(data))


HEX = digest_bytes("md5", b"x").hex


def test_the_bytes_are_dvcs(memory):
    files = {
        "sub/b.txt": Entry("", Digest("md5", "68a44ef1b43ff2359d8a658aa1a79edb"), 4),
        "a.txt": Entry("", Digest("md5", "0f723ae7f9bf07744445e93ac5595156"), 3),
    }
    artifact = write_manifest(memory, files)
    assert artifact == Artifact(Digest("md5", "c17eb78a46f50eb67bce71c1513aa4d9", True), 7, 2)
    assert memory.objects[artifact.digest] == (
        b'[{"md5": "0f723ae7f9bf07744445e93ac5595156", "relpath": "a.txt"}, '
        b'{"md5": "68a44ef1b43ff2359d8a658aa1a79edb", "relpath": "sub/b.txt"}]'
    )


def test_whole_paths_are_sorted_by_code_point(memory):
    names = ["é", "z", "a/b", "a.b", "a0", "\U0001f600", "￮"]
    artifact = write_manifest(memory, {name: entry() for name in names})
    assert [row["relpath"] for row in json.loads(memory.objects[artifact.digest])] == sorted(names)
    assert b"\\u00e9" in memory.objects[artifact.digest]


def test_a_directory_without_files_is_an_empty_list(memory):
    artifact = write_manifest(memory, {})
    assert memory.objects[artifact.digest] == b"[]"
    assert artifact == Artifact(Digest("md5", "d751713988987e9331980363e24189ce", True), 0, 0)


def test_sizes_are_asked_of_the_cache(memory):
    content = memory.add_bytes(b"four")
    artifact = write_manifest(memory, {"s/a": Entry("", content, 4), "gone": entry()})
    assert dict(files_in(memory, artifact.digest)) == {
        "s/a": Entry("a", content, 4),
        "gone": Entry("gone", digest_bytes("md5", b"x"), 0),
    }


def test_files_come_before_the_listing_that_names_them(memory):
    artifact = write_manifest(memory, {"a": entry(b"1"), "s/b": entry(b"2")})
    order = [digest_bytes("md5", b"1"), digest_bytes("md5", b"2")]
    assert list(digests_of(memory, artifact)) == [*order, artifact.digest]
    assert list(named(artifact.digest, memory.objects[artifact.digest])) == order


def test_the_files_of_an_older_listing_are_named_as_it_is(memory):
    digest = memory.add_bytes(json.dumps([{"relpath": "a", "md5": HEX}]).encode(), is_dir=True)
    older = digest._replace(algo="md5-dos2unix")
    memory.objects[older] = memory.objects[digest]
    assert [found.digest for _, found in files_in(memory, older)] == [Digest("md5-dos2unix", HEX)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b"[1]",
        b'[{"relpath": "a"}]',
        b'[{"relpath": "", "md5": "%s"}]' % HEX.encode(),
        b'[{"relpath": 1, "md5": "%s"}]' % HEX.encode(),
        b'[{"relpath": "a", "md5": "12"}]',
        b'[{"relpath": "a", "md5": "%s.dir"}]' % HEX.encode(),
        b'[{"relpath": "a", "md5": "%s"}, {"relpath": "a", "md5": "%s"}]' % (HEX.encode(), HEX.encode()),
        b'[{"relpath": "a", "md5": "%s"}, {"relpath": "a/b", "md5": "%s"}]' % (HEX.encode(), HEX.encode()),
    ],
)
def test_what_is_no_listing_is_refused(memory, data):
    with pytest.raises(CorruptArtifact):
        list(files_in(memory, memory.add_bytes(data, is_dir=True)))


@pytest.mark.law(5)
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../a", "a/../b", "./a", "a//b", "a/", ".git/config", "s/.GIT/x", "\0"]
)
def test_a_path_that_must_not_be_written_is_refused(memory, path):
    digest = memory.add_bytes(json.dumps([{"relpath": path, "md5": HEX}]).encode(), is_dir=True)
    with pytest.raises(UnsafePath):
        list(files_in(memory, digest))
    with pytest.raises(UnsafePath):
        write_manifest(memory, {path: entry()})


def test_a_path_that_is_too_deep_is_refused(memory):
    path = "d/" * DEEPEST + "f"
    digest = memory.add_bytes(json.dumps([{"relpath": path, "md5": HEX}]).encode(), is_dir=True)
    with pytest.raises(CorruptArtifact, match="deep"):
        list(files_in(memory, digest))


def test_a_directory_goes_into_the_cache_and_comes_back(tmp_path):
    root, folder = tmp_path / "work", tmp_path / "cache"
    (root / "d/s/empty").mkdir(parents=True)
    (root / "d/s/f").write_bytes(b"content")
    (root / "d/run").write_bytes(b"#!")
    os.chmod(root / "d/run", 0o755)
    stats = StatCache("")
    cache = Cache(str(folder), "md5", stats)
    with cache.writer() as writer:
        artifact = snapshot(str(root), "d", algo="md5", stat_cache=stats, writer=writer)
    assert artifact.nfiles == 2
    assert not cache.missing(digests_of(cache, artifact))
    assert checkout.plan(str(root), "d", artifact, cache, stats).is_done  # it says nothing of the mode of d/run
    assert not keeps_modes(artifact.digest)
    (root / "d/s/f").unlink()
    (root / "d/more").write_bytes(b"more")
    checkout.carry_out(checkout.plan(str(root), "d", artifact, cache, stats), force=True)
    assert (root / "d/s/f").read_bytes() == b"content"
    assert not (root / "d/more").exists()
    cache.close()
