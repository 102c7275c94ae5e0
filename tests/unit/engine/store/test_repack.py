"""engine/store/repack.py: packs written anew."""

from __future__ import annotations

import os

import pytest

from assay.engine import disk
from assay.engine.errors import CorruptArtifact
from assay.engine.store import pack, repack
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from assay.engine.store.repack import merge_small_packs
from tests.stores import damage, overwrite, put


@pytest.fixture
def merge(bench, monkeypatch):
    """Merges when there are more than three."""

    def run(cache=None):
        cache = cache or bench.reopened()
        monkeypatch.setattr(repack, "MANY", 3)
        return merge_small_packs(cache.index, cache.tmp(), cache.algo)

    return run


def fill(bench, count=5):
    return [put(bench.cache, b"object %d" % number)[0] for number in range(count)]


def contents(count=5):
    return [b"object %d" % number for number in range(count)]


def test_few_packs_are_left_alone(bench, merge):
    fill(bench, 3)
    assert merge() == 0
    assert len(bench.cache.packs()) == 3


def test_large_packs_are_left_alone(bench, merge, monkeypatch):
    fill(bench)
    monkeypatch.setattr(repack, "TINY", 10)
    assert merge() == 0


def test_merging_keeps_every_object(bench, merge):
    digests = fill(bench)
    assert merge() == 5
    assert len(bench.cache.packs()) == 1
    assert [bench.reopened().read(digest) for digest in digests] == contents()


def test_objects_in_several_packs_are_kept_once(bench, merge, tmp_path):
    fill(bench)
    for number in range(4):
        other = Cache(str(tmp_path / f"other{number}"), "xxh128")
        put(other, b"object 0", b"own %d" % number)
        (info,) = other.packs()
        bench.cache.adopt_pack(info.path, info.id)
    merge()
    (info,) = bench.cache.packs()
    assert len(bench.cache.pack_entries(info.id)) == 9


def test_the_merged_pack_is_not_removed_when_it_was_there_before(bench, merge):
    """One pack holds all that the others hold and comes first, so that merging writes just that pack again."""
    folder = bench.cache.index.folder
    disk.make_folders(folder)
    salt, all_ids = 0, [""]
    while all_ids[0] != min(all_ids) or all_ids == [""]:
        salt += 1
        objects = [b"%d %d" % (salt, number) for number in range(4)]
        all_ids = [finished(bench, part).id for part in (objects, *([data] for data in objects))]
    for part in (objects, *([data] for data in objects)):
        finished(bench, part).publish(folder)
    merge()
    assert [info.id for info in bench.cache.packs()] == [all_ids[0]]
    assert bench.reopened().missing([digest_bytes("xxh128", data) for data in objects]) == set()


def finished(bench, objects):
    """A pack that has no name yet."""
    writer = pack.PackWriter(bench.cache.tmp(), "xxh128")
    for data in objects:
        writer.add(pack.key_of(digest_bytes("xxh128", data)), data)
    writer.finish()
    return writer


def test_a_full_pack_is_followed_by_another(bench, merge, monkeypatch):
    digests = fill(bench)
    monkeypatch.setattr(pack, "LIMIT", 20)
    merge()
    assert len(bench.cache.packs()) > 1
    assert [bench.reopened().read(digest) for digest in digests] == contents()


def test_a_pack_with_a_damaged_object_is_left_for_its_reader(bench, merge):
    digests = fill(bench)
    damage(bench.cache, digests[2])
    assert merge() == 4
    cache = bench.reopened()
    assert [cache.read(digest) for place, digest in enumerate(digests) if place != 2] == [
        data for place, data in enumerate(contents()) if place != 2
    ]
    with pytest.raises(CorruptArtifact):
        cache.read(digests[2])


def test_a_pack_without_a_table_of_contents_is_left(bench, merge):
    digests = fill(bench)
    bad = bench.cache.packs()[0]
    overwrite(bad.path, b"?")
    assert merge() == 4
    assert os.path.exists(bad.path)
    assert len(bench.reopened().missing(digests)) == 1


def test_a_pack_that_another_process_merged_meanwhile_is_no_error(bench, merge, monkeypatch):
    digests = fill(bench)
    real = repack.read_entries
    others = bench.reopened()

    def read(path):
        monkeypatch.setattr(repack, "read_entries", real)
        merge(others)
        return real(path)

    monkeypatch.setattr(repack, "read_entries", read)
    merge()
    assert [bench.reopened().read(digest) for digest in digests] == contents()


@pytest.mark.law(1)
def test_no_old_pack_goes_before_the_merged_one_is_synced_and_in_place(bench, merge):
    fill(bench)
    steps = []
    with disk.injected(lambda step, path: steps.append((step, os.path.basename(path)))):
        merge()
    kinds = [step for step, _ in steps]
    first_removed = kinds.index("unlink")
    renamed = kinds.index("rename")
    assert "sync" in kinds[:renamed]
    assert "sync" in kinds[renamed:first_removed]
