"""engine/store/statcache.py: what is known from stat data alone."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from assay.engine import disk
from assay.engine.model import Digest
from assay.engine.store import statcache
from assay.engine.store.statcache import StatCache, now

DIGEST = Digest("xxh128", "0123456789abcdef" * 2)
OTHER = Digest("sha256", "0123456789abcdef" * 4)
SECOND = 1_000_000_000


@pytest.fixture
def path(tmp_path):
    """An old file; its ctime is this moment all the same."""
    made = tmp_path / "data"
    made.write_bytes(b"content")
    os.utime(made, (1, 1))
    return str(made)


@pytest.fixture
def database(tmp_path):
    return str(tmp_path / "tmp" / "stat.db")


def put(cache, path, digest=DIGEST, later=3 * SECOND):
    cache.put(path, os.stat(path), digest, now() + later)


@pytest.mark.parametrize("digest", [DIGEST, OTHER])
def test_a_file_that_was_not_touched_is_known(database, path, digest):
    cache = StatCache(database)
    put(cache, path, digest)
    assert cache.get(path, os.stat(path)) == digest


def test_what_was_learned_outlives_the_process(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.close()
    again = StatCache(database)
    assert again.get(path, os.stat(path)) == DIGEST
    again.close()


def test_a_file_never_seen_is_unknown(database, path):
    assert StatCache(database).get(path, os.stat(path)) is None
    assert not os.path.exists(database)


@pytest.mark.parametrize("change", ["content", "size", "mtime", "mode", "replaced"])
def test_a_file_that_was_touched_is_unknown(database, path, change):
    cache = StatCache(database)
    put(cache, path)
    if change == "content":
        with open(path, "r+b") as file:
            file.write(b"C")
        os.utime(path, (1, 1))
    elif change == "size":
        os.truncate(path, 3)
    elif change == "mtime":
        os.utime(path, (2, 2))
    elif change == "mode":
        os.chmod(path, 0o600)
    else:
        os.rename(path, path + "2")
        with open(path, "wb") as file:
            file.write(b"content")
        os.utime(path, (1, 1))
    assert cache.get(path, os.stat(path)) is None


class Stat:
    """Stat data with chosen times."""

    st_ino, st_size = 1, 2

    def __init__(self, mtime, ctime):
        self.st_mtime_ns, self.st_ctime_ns = mtime, ctime


@pytest.mark.parametrize(
    ("mtime", "ctime", "started", "known"),
    [
        (5, 100 * SECOND + 7, 100 * SECOND + 7 + 20_000_000, True),
        (5, 100 * SECOND + 7, 100 * SECOND + 7 + 19_999_999, False),
        (100 * SECOND + 7, 5, 100 * SECOND + 7 + 19_999_999, False),
        (5, 100 * SECOND, 102 * SECOND, True),
        (5, 100 * SECOND, 102 * SECOND - 1, False),
        (200 * SECOND, 5, 100 * SECOND, False),
    ],
    ids=["at rest", "ctime in this tick", "mtime in this tick", "coarse, at rest", "coarse, in this tick", "future"],
)
def test_a_file_is_remembered_only_when_it_was_at_rest(database, mtime, ctime, started, known):
    cache, stat = StatCache(database), Stat(mtime, ctime)
    cache.put("/f", stat, DIGEST, started)
    assert cache.get("/f", stat) == (DIGEST if known else None)


def test_a_file_that_was_not_at_rest_replaces_what_was_known(database):
    cache, stat = StatCache(database), Stat(5, 7)
    cache.put("/f", stat, DIGEST, SECOND)
    cache.put("/f", Stat(SECOND, SECOND), DIGEST, SECOND)
    assert cache.get("/f", stat) is None


@pytest.mark.law(7)
def test_the_file_can_be_deleted_at_any_moment(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.flush()
    os.unlink(database)
    assert cache.get(path, os.stat(path)) == DIGEST
    put(cache, path)
    cache.close()
    assert StatCache(database).get(path, os.stat(path)) is None


@pytest.mark.law(7)
@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_begun_anew(database, path, content):
    os.mkdir(os.path.dirname(database))
    with open(database, "wb") as file:
        file.write(content)
    for _ in range(2):
        cache = StatCache(database)
        put(cache, path)
        assert cache.get(path, os.stat(path)) == DIGEST
        cache.close()
    again = StatCache(database)
    assert again.get(path, os.stat(path)) == DIGEST
    again.close()


def test_a_row_with_a_wrong_sum_is_unknown(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.close()
    connection = sqlite3.connect(database)
    with connection:
        (blob,) = connection.execute("SELECT files FROM folder").fetchone()
        connection.execute("UPDATE folder SET files = ?", (blob.replace(b"\x01\x23", b"\x02\x23"),))
    connection.close()
    again = StatCache(database)
    assert again.get(path, os.stat(path)) is None
    again.close()


def test_a_file_of_another_version_is_begun_anew(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.close()
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    again = StatCache(database)
    assert again.get(path, os.stat(path)) is None
    again.close()


def test_where_nothing_can_be_written_it_lives_in_memory(tmp_path, path):
    (tmp_path / "file").write_bytes(b"")
    cache = StatCache(str(tmp_path / "file" / "stat.db"))
    put(cache, path)
    cache.flush()
    assert cache.get(path, os.stat(path)) == DIGEST


def test_where_no_folder_can_be_made_it_lives_in_memory(database, path):
    def full(step, path):
        raise OSError(28, "full")

    cache = StatCache(database)
    put(cache, path)
    with disk.injected(full):
        cache.flush()
    assert cache.get(path, os.stat(path)) == DIGEST


def test_one_that_another_process_holds_is_done_without(database, path, monkeypatch):
    monkeypatch.setattr(statcache, "_PATIENCE", 0.01)
    first = StatCache(database)
    put(first, path)
    first.flush()
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    cache = StatCache(database)
    try:
        assert cache.get(path, os.stat(path)) is None
    finally:
        holder.execute("ROLLBACK")
        holder.close()
        cache.close()
        first.close()
    assert os.path.exists(database)


def test_without_a_path_it_lives_in_memory(path):
    cache = StatCache("")
    put(cache, path)
    cache.close()
    assert StatCache("").get(path, os.stat(path)) is None


def test_names_that_are_not_utf8_are_kept(database, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    os.mkdir(folder)
    odd = folder + os.fsdecode(b"/\xfe")
    with open(odd, "wb") as file:
        file.write(b"x")
    cache = StatCache(database)
    put(cache, odd)
    cache.close()
    again = StatCache(database)
    assert again.get(odd, os.stat(odd)) == DIGEST
    again.close()


def test_replacing_a_folder_forgets_what_is_not_named(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.replace(os.path.dirname(path), {})
    cache.close()
    again = StatCache(database)
    assert again.get(path, os.stat(path)) is None
    again.close()


def test_two_processes_that_learn_of_different_folders_both_keep_it(database, tmp_path):
    paths = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_bytes(b"x")
        paths.append(str(tmp_path / name / "f"))
    caches = [StatCache(database), StatCache(database)]
    for cache, path in zip(caches, paths, strict=True):
        put(cache, path)
    for cache in caches:
        cache.close()
    again = StatCache(database)
    assert [again.get(path, os.stat(path)) for path in paths] == [DIGEST, DIGEST]
    again.close()


def test_another_thread_may_ask(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.close()
    again = StatCache(database)
    found = []
    again.get("/elsewhere/f", os.stat(path))
    thread = threading.Thread(target=lambda: found.append(again.get(path, os.stat(path))))
    thread.start()
    thread.join()
    assert found == [DIGEST]
    again.close()


def test_a_modification_time_is_old_once_the_coarsest_tick_is_over():
    assert statcache.is_old(now() - 2 * SECOND)
    assert not statcache.is_old(now() - SECOND)


def test_a_database_that_is_damaged_while_it_is_open_is_done_without(database, path):
    cache = StatCache(database)
    put(cache, path)
    cache.flush()
    with open(database, "r+b") as file:
        file.write(b"\xff" * os.path.getsize(database))
    put(cache, path, OTHER)
    cache.flush()
    assert cache.get(path, os.stat(path)) == OTHER
    cache.close()
    again = StatCache(database)
    assert again.get(path, os.stat(path)) in (None, OTHER)
    again.close()
