"""engine/store/verify.py: checking a whole cache."""

from __future__ import annotations

import os

import pytest

from assay.engine.events import Done
from assay.engine.store.verify import fsck
from tests.stores import LARGE, damage, files_below, overwrite, put


@pytest.fixture
def filled(bench):
    return put(bench.cache, b"one", b"two", LARGE)


def test_a_sound_cache_has_no_problems(bench, filled):
    heard = []
    assert fsck(bench.reopened(), report=heard.append) == []
    assert heard[-1] == Done("Checking the cache")


def test_an_empty_cache_has_no_problems(bench):
    assert fsck(bench.cache) == []


@pytest.mark.parametrize("which", [0, 2])
def test_a_damaged_object_is_named(bench, filled, which):
    damage(bench.cache, filled[which])
    (problem,) = fsck(bench.reopened())
    assert problem.lost == (filled[which],)
    assert problem.path in problem.text


@pytest.mark.parametrize("left", [0, 100])
def test_an_object_cut_short_is_named(bench, filled, left):
    overwrite(bench.cache.loose_path(filled[2]), LARGE[:left])
    (problem,) = fsck(bench.reopened())
    assert problem.lost == (filled[2],)


def test_a_truncated_pack_is_named(bench, filled):
    (pack,) = bench.cache.packs()
    os.chmod(pack.path, 0o644)
    os.truncate(pack.path, 30)
    (problem,) = fsck(bench.reopened())
    assert (problem.path, problem.lost) == (pack.path, ())


def test_a_damaged_table_of_contents_is_named(bench, filled):
    (pack,) = bench.cache.packs()
    with open(pack.path, "rb") as file:
        data = bytearray(file.read())
    data[-40] ^= 1
    overwrite(pack.path, bytes(data))
    (problem,) = fsck(bench.reopened())
    assert problem.path == pack.path


def test_a_file_that_is_no_object_is_named(bench, filled):
    stray = bench.folder / "xxh128" / "stray"
    stray.write_bytes(b"?")
    (problem,) = fsck(bench.reopened())
    assert problem.path == str(stray)


def test_looking_changes_nothing(bench, filled):
    for digest in filled:
        damage(bench.cache, digest)
    before = files_below(bench.folder)
    assert len(fsck(bench.reopened())) == 2
    assert files_below(bench.folder) == before


def test_repair_leaves_a_sound_cache_with_what_was_sound(bench, filled):
    damage(bench.cache, filled[0])
    damage(bench.cache, filled[2])
    cache = bench.reopened()
    fsck(cache, repair=True)
    assert fsck(bench.reopened()) == []
    assert cache.missing(filled) == {filled[0], filled[2]}
    assert bench.reopened().read(filled[1]) == b"two"
    assert len(os.listdir(bench.folder / "quarantine")) == 2


def test_repair_moves_a_pack_that_cannot_be_read_out_of_the_way(bench, filled):
    (pack,) = bench.cache.packs()
    os.chmod(pack.path, 0o644)
    os.truncate(pack.path, 30)
    cache = bench.reopened()
    fsck(cache, repair=True)
    assert fsck(bench.reopened()) == []
    assert cache.missing(filled) == set(filled[:2])
    assert cache.packs() == []
