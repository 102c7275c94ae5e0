"""engine/store/hashing.py: large files in threads."""

from __future__ import annotations

import os
import time

import pytest

from assay.engine.errors import StoreError
from assay.engine.store import hashing
from assay.engine.store.digest import digest_bytes
from assay.engine.store.files import Reading
from assay.engine.store.hashing import hash_file, hash_files
from assay.engine.store.statcache import observed


def files(bench, count):
    contents = [os.urandom(100_000 + place) for place in range(count)]
    bench.write({f"f{place}": data for place, data in enumerate(contents)})
    return [str(bench.root / f"f{place}") for place in range(count)], contents


def nobody(count):
    """Nobody wants to hear of progress."""


def test_results_are_in_the_order_of_the_paths(bench):
    paths, contents = files(bench, 10)
    found = hash_files(paths, "xxh128", None, nobody)
    assert [item.digest for item in found] == [digest_bytes("xxh128", data) for data in contents]
    assert [item.stat.st_size for item in found] == [len(data) for data in contents]
    assert not bench.folder.exists()


def test_with_a_writer_the_content_is_kept(bench):
    paths, contents = files(bench, 10)
    with bench.cache.writer() as writer:
        found = hash_files(paths, "xxh128", writer, nobody)
    assert [bench.reopened().read(item.digest) for item in found] == contents


def test_progress_ends_at_the_sum_of_the_sizes(bench):
    paths, contents = files(bench, 5)
    heard = []
    hash_files(paths, "xxh128", None, heard.append)
    assert heard[-1] == sum(map(len, contents))
    assert heard == sorted(heard)


def test_a_file_that_cannot_be_read_ends_it(bench):
    paths, _ = files(bench, 5)
    os.unlink(paths[3])
    with pytest.raises(StoreError, match="f3 cannot be read"):
        hash_files(paths, "xxh128", None, nobody)


def test_an_interruption_stops_the_threads(bench):
    paths, _ = files(bench, 50)

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hash_files(paths, "xxh128", None, interrupt)


def test_a_large_file_just_written_is_read_when_it_is_at_rest(bench, monkeypatch):
    monkeypatch.setattr(hashing, "_WORTH_WAITING_FOR", 0)
    (path,), _ = files(bench, 1)
    os.utime(path)
    found = hash_file(path, "xxh128", None, nobody)
    assert observed(found.stat, "xxh128", b"", found.started) is not None


def test_a_file_from_the_future_is_not_waited_for(bench, monkeypatch):
    monkeypatch.setattr(hashing, "_WORTH_WAITING_FOR", 0)
    monkeypatch.setattr(time, "sleep", None)
    (path,), _ = files(bench, 1)
    os.utime(path, (1 << 33, 1 << 33))
    found = hash_file(path, "xxh128", None, nobody)
    assert observed(found.stat, "xxh128", b"", found.started) is None


def test_a_file_that_keeps_changing_is_refused(bench, monkeypatch):
    (path,), _ = files(bench, 1)
    monkeypatch.setattr(Reading, "is_whole", lambda self, size: False)
    with pytest.raises(StoreError, match="changed while it was being read"):
        hash_file(path, "xxh128", None, nobody)
