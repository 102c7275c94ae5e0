"""Collecting: what roots need stays, the rest goes to the trash and can come back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assay.engine.errors import MissingArtifact, Refused, StoreError
from assay.engine.store import collect
from assay.engine.store.cache import Cache
from assay.engine.store.collect import Touched, closure, survey, take
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of
from assay.engine.store.pack import key_of
from assay.engine.store.statcache import StatCache
from assay.engine.store.trash import Bin, Trash
from assay.engine.store.verify import fsck
from tests.stores import LARGE, Bench, files_below, put

NEVER = float("inf")
OLD, NEW = LARGE + b"old", LARGE + b"new"


@pytest.fixture
def bench(tmp_path):
    made = Bench.below(tmp_path)
    yield made
    made.cache.close()
    made.stat_cache.close()


def gc(cache, roots, bin_id="1-a", fresh_since=NEVER):
    """Collects everything that the roots do not need and returns what was found."""
    live: set[bytes] = set()
    closure(cache, roots, live)
    found = survey(cache, live, fresh_since)
    take(cache, found, cache.trash.begin(Bin(bin_id, 1, "gc", len(found.dead), found.dead_size)))
    return found


def in_cache(bench, *contents):
    """Which of these contents the cache itself has, the trash left aside."""
    cache = bench.reopened()
    return [cache.has(digest_bytes("xxh128", data)) for data in contents]


def test_a_directory_keeps_its_manifests_and_files(bench):
    bench.write({"data/a": b"a", "data/deep/b": NEW, "other/c": b"c", "other/d": OLD})
    data, other = bench.add("data"), bench.add("other")
    gc(bench.cache, [data.digest])
    cache = bench.reopened()
    assert cache.missing(digests_of(cache, data)) == set()
    assert not cache.has(other.digest)
    assert in_cache(bench, b"a", NEW, b"c", OLD) == [True, True, False, False]
    assert fsck(cache) == []


def test_a_pack_that_is_partly_needed_is_written_anew_and_the_rest_of_it_is_in_the_trash(bench):
    kept, gone = put(bench.cache, b"kept", b"gone")
    (before,) = bench.cache.packs()
    found = gc(bench.cache, [kept])
    assert found.dead == {key_of(gone): 4}
    (after,) = bench.reopened().packs()
    assert after.id != before.id
    assert dict(bench.reopened().pack_entries(after.id)).keys() == {kept}
    (trashed,) = [name for name in files_below(bench.folder / "trash") if name.endswith(".pack")]
    assert trashed.startswith("1-a/packs/")
    assert bench.reopened().read(gone) == b"gone"


def test_a_large_pack_that_is_nearly_all_needed_is_left_whole(bench):
    contents = [bytes([number]) * 200_000 for number in range(30)]
    digests = put(bench.cache, *contents)
    found = gc(bench.cache, digests[1:])
    assert found.dead == {}
    assert found.mixed == []
    assert bench.reopened().has(digests[0])


def test_what_was_written_just_now_stays(bench):
    (digest,) = put(bench.cache, b"small")
    large = put(bench.cache, NEW)[0]
    found = gc(bench.cache, [], fresh_since=time.time() - 100)
    assert found.fresh == (2, len(NEW) + 5)
    assert bench.reopened().has(digest)
    assert bench.reopened().has(large)


def test_what_several_packs_hold_stays_in_each(bench):
    first, other = Bench.below(bench.root / "1"), Bench.below(bench.root / "2")
    (digest, _), _ = put(first.cache, b"shared", b"x"), put(other.cache, b"shared", b"y")
    for source in (first, other):
        (pack,) = source.cache.packs()
        os.makedirs(bench.folder / "packs", exist_ok=True)
        os.rename(pack.path, bench.folder / "packs" / os.path.basename(pack.path))
    cache = bench.reopened()
    gc(cache, [digest])
    assert bench.reopened().read(digest) == b"shared"
    assert in_cache(bench, b"x", b"y") == [False, False]


def test_a_manifest_that_is_missing_is_told(bench):
    bench.write({"data/a": b"a"})
    artifact = bench.look("data")
    live: set[bytes] = set()
    assert closure(bench.cache, [artifact.digest], live) == [artifact.digest]
    assert live == {key_of(artifact.digest)}


def test_what_is_asked_about_loses_what_lies_deep_below_it(bench):
    bench.write({"one/a/b/c": b"deep", "two/x": b"x"})
    one, two = bench.add("one"), bench.add("two")
    deep = digest_bytes("xxh128", b"deep")
    touched = Touched(bench.cache, {key_of(deep): 4})
    assert [touched(one.digest), touched(two.digest), touched(one.digest)] == [True, False, True]
    assert touched.lost == {key_of(deep)}


def test_an_artifact_of_many_levels_can_be_asked_about(bench):
    bench.write({"/".join(["d"] * 60) + "/f": b"deep"})
    artifact = bench.add("d")
    touched = Touched(bench.cache, {key_of(digest_bytes("xxh128", b"deep")): 4})
    assert touched(artifact.digest)


def test_a_cache_of_another_hash_is_collected_and_checked_alike(tmp_path):
    cache = Cache(str(tmp_path), "md5", StatCache(""))
    kept, gone = put(cache, b"kept", b"gone")
    assert fsck(cache) == []
    gc(cache, [kept])
    cache = Cache(str(tmp_path), "md5", StatCache(""))
    assert [cache.has(digest) for digest in (kept, gone)] == [True, False]
    assert cache.read(gone) == b"gone"
    assert fsck(cache) == []


def test_held_bytes_are_summed(bench):
    held, other = put(bench.cache, b"held!", b"other")
    large = put(bench.cache, NEW)[0]
    live = {key_of(held), key_of(other), key_of(large)}
    assert survey(bench.cache, live, NEVER, [key_of(held), key_of(large)]).held == 5 + len(NEW)


def test_abandoned_files_are_swept_and_recent_ones_are_not(bench):
    folder = bench.cache.tmp()
    for name in (".assay-tmp-old", ".assay-tmp-new", "other"):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(b"x")
    os.utime(f"{folder}/.assay-tmp-old", (1, 1))
    os.utime(f"{folder}/other", (1, 1))
    assert collect.sweep(bench.cache, time.time()) == 1
    assert files_below(folder) == [".assay-tmp-new", "other"]


def streamed(cache, digest):
    """What comes out of a stream."""
    with cache.open(digest) as stream:
        return stream.read()


class TestTrash:
    """What was taken, and how it comes back."""

    @pytest.mark.parametrize("data", [b"small", NEW], ids=["packed", "a file"])
    @pytest.mark.parametrize(
        "way",
        [
            lambda cache, digest, data: cache.read(digest) == data,
            lambda cache, digest, data: streamed(cache, digest) == data,
            lambda cache, digest, data: Path(cache.materialise(digest)).read_bytes() == data,
            lambda cache, digest, data: digest in cache,
            lambda cache, digest, data: cache.missing([digest]) == set(),
        ],
        ids=["read", "open", "materialise", "in", "missing"],
    )
    def test_whoever_misses_an_object_gets_it_back(self, bench, way, data):
        (digest,) = put(bench.cache, data)
        gc(bench.cache, [])
        assert in_cache(bench, data) == [False]
        assert way(bench.reopened(), digest, data)
        assert in_cache(bench, data) == [True]

    def test_a_cache_that_is_open_finds_what_was_taken_behind_its_back(self, bench):
        digests = put(bench.cache, b"small", NEW)
        other = bench.reopened()
        assert [other.has(digest) for digest in digests] == [True, True]
        gc(bench.cache, [])
        assert [len(other.read(digest)) for digest in digests] == [5, len(NEW)]

    def test_a_writer_that_found_an_object_has_it_when_it_is_done(self, bench):
        put(bench.cache, b"small", NEW)
        other = bench.reopened()
        with other.writer() as writer:
            writer.add_bytes(b"small")
            writer.add_bytes(NEW)
            gc(bench.cache, [])
        assert in_cache(bench, b"small", NEW) == [True, True]

    def test_a_writer_says_so_when_what_it_found_is_gone_for_good(self, bench):
        put(bench.cache, b"small", NEW)
        writer = bench.reopened().writer()
        writer.add_bytes(b"small")
        gc(bench.cache, [])
        bench.cache.trash.empty("1-a")
        with pytest.raises(StoreError, match="while they were added"):
            writer.__exit__(None, None, None)

    def test_a_collection_comes_back_whole(self, bench):
        contents = [b"one", b"two", NEW, OLD]
        put(bench.cache, *contents)
        gc(bench.cache, [])
        assert in_cache(bench, *contents) == [False] * 4
        assert bench.reopened().trash.restore("1-a") == 3
        assert in_cache(bench, *contents) == [True] * 4
        assert bench.reopened().trash.bins() == []

    def test_what_came_back_is_new_again(self, bench):
        (digest,) = put(bench.cache, NEW)
        os.utime(bench.cache.object_path(digest), (1, 1))
        gc(bench.cache, [])
        bench.reopened().read(digest)
        assert os.stat(bench.cache.object_path(digest)).st_mtime > 1000

    def test_an_emptied_one_is_gone(self, bench):
        (digest,) = put(bench.cache, NEW)
        gc(bench.cache, [])
        bench.reopened().trash.empty("1-a")
        assert files_below(bench.folder / "trash") == []
        with pytest.raises(MissingArtifact):
            bench.reopened().read(digest)
        with pytest.raises(Refused, match="not in the trash"):
            bench.reopened().trash.restore("1-a")

    @pytest.mark.parametrize("name", ["", "..", "../packs", "1-a/..", "x"])
    def test_a_name_that_is_no_id_leads_nowhere(self, bench, name):
        with pytest.raises(Refused):
            Trash(str(bench.folder)).restore(name)

    def test_what_is_there_is_told_oldest_first(self, bench):
        bench.cache.trash.begin(Bin("20-a", 20, "assay gc -w", 3, 4))
        bench.cache.trash.begin(Bin("9-b", 9, "assay gc -A", 1, 2))
        os.makedirs(bench.folder / "trash/7-c")
        os.utime(bench.folder / "trash/7-c", (7, 7))
        assert [found[:3] for found in bench.reopened().trash.bins()] == [
            ("7-c", 7, ""),
            ("9-b", 9, "assay gc -A"),
            ("20-a", 20, "assay gc -w"),
        ]
