"""What every remote store does, whatever holds its bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from assay.engine.errors import KeyMissing, RemoteError, Unavailable
from assay.engine.ports import KeyInfo, RemoteStore
from assay.remotes.registry import Remote, bare_store
from assay.remotes.s3.store import S3Store
from assay.remotes.stores.by_fsspec import FsspecStore
from assay.remotes.stores.local import LocalStore
from assay.remotes.stores.memory import MemoryStore
from assay.remotes.stores.retry import Retrying, patiently

MAKERS = ("memory", "local", "s3", "s3fs", "moto", "weak", "objects", "sftp", "webdav", "patient")
"""``s3fs`` is S3 asked through that library, ``weak`` a server of S3 that ignores conditions, ``objects`` what fsspec
calls memory."""
NOT_ATOMIC = ("weak", "objects", "sftp", "webdav")
_SERVED = {"s3": "s3", "s3fs": "s3", "moto": "moto", "weak": "rclone_s3", "sftp": "sftp", "webdav": "webdav"}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], RemoteStore]]:
    """Opens the same remote again and again."""
    opened: list[RemoteStore] = []
    name = f"contract-{request.node.name}"

    def open_again() -> RemoteStore:
        store: RemoteStore
        if request.param in _SERVED:
            place = request.getfixturevalue(_SERVED[request.param])
            store = bare_store(Remote("r", *place, direct=request.param != "s3fs"))
        elif request.param == "objects":
            store = FsspecStore("memory://", f"/{name}", MemoryFileSystem)
        elif request.param == "local":
            store = LocalStore(str(tmp_path / "remote"))
        elif request.param == "patient":
            store = Retrying(MemoryStore(name))
        else:
            store = MemoryStore(name)
        opened.append(store)
        return store

    yield open_again
    for store in opened:
        store.close()
    MemoryFileSystem.store.clear()


@pytest.fixture
def atomic(request: pytest.FixtureRequest) -> bool:
    """Whether this kind of remote excludes other writers."""
    return request.node.callspec.params["make"] not in NOT_ATOMIC


@pytest.fixture
def store(make: Callable[[], RemoteStore]) -> RemoteStore:
    return make()


_ATOMIC = [kind for kind in MAKERS if kind not in NOT_ATOMIC]
only_atomic = pytest.mark.parametrize("make", _ATOMIC, indirect=True)
# Moto looks at the condition, then writes, with other requests in between.
only_exact = pytest.mark.parametrize("make", [kind for kind in _ATOMIC if kind != "moto"], indirect=True)


class Bytes:
    """A source in memory."""

    def __init__(self, data: bytes, *, fail_at: int = -1) -> None:
        self.data = data
        self.size = len(data)
        self._at = 0
        self._fail_at = fail_at

    def read(self, size: int) -> bytes:
        if 0 <= self._fail_at <= self._at:
            raise RemoteError("the source is damaged")
        piece = self.data[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def restart(self) -> None:
        self._at = 0


class Taken:
    """A sink in memory."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def restart(self) -> None:
        self.data = b""


def received(store: RemoteStore, key: str) -> bytes:
    sink = Taken()
    assert store.get_to(key, sink) == len(sink.data)
    return sink.data


def test_a_value_comes_back_as_it_was_put(store: RemoteStore) -> None:
    store.put("a/b/c", b"value")
    assert store.get("a/b/c") == b"value"
    assert received(store, "a/b/c") == b"value"
    assert store.size("a/b/c") == 5


def test_an_empty_value_is_a_value(store: RemoteStore) -> None:
    store.put("empty", b"")
    assert store.get("empty") == b""
    assert received(store, "empty") == b""
    assert store.size("empty") == 0


def test_a_later_put_replaces_an_earlier_one(store: RemoteStore) -> None:
    store.put("key", b"a longer first value")
    store.put("key", b"second")
    assert store.get("key") == b"second"


def test_a_key_that_is_not_there_is_missing(store: RemoteStore) -> None:
    store.put("a/b", b"")
    for key in ("a", "a/c", "nothing/at/all"):
        with pytest.raises(KeyMissing, match=key):
            store.get(key)
        with pytest.raises(KeyMissing):
            store.get_to(key, Taken())
        assert store.size(key) is None


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 4, b"0123"), (3, 4, b"3456"), (8, 4, b"89"), (0, 99, b"0123456789"), (10, 1, b""), (99, 1, b""), (3, 0, b"")],
)
def test_a_part_of_a_value(store: RemoteStore, start: int, length: int, expected: bytes) -> None:
    store.put("a/key", b"0123456789")
    assert store.get_range("a/key", start, length) == expected


def test_a_part_of_an_empty_value_is_empty(store: RemoteStore) -> None:
    store.put("empty", b"")
    assert store.get_range("empty", 0, 1) == b""


def test_a_part_of_what_is_not_there_is_missing(store: RemoteStore) -> None:
    store.put("else", b"")
    with pytest.raises(KeyMissing, match="nothing/there"):
        store.get_range("nothing/there", 0, 1)


def test_a_part_of_a_large_value_costs_no_more_than_the_part(store: RemoteStore) -> None:
    store.put("large", bytes(range(256)) * 40_000)
    assert store.get_range("large", 9_000_001, 3) == bytes([0x41, 0x42, 0x43])
    assert store.has_ranges()


@pytest.mark.parametrize("size", [0, 1, (4 << 20) + 1])
def test_a_source_travels_whole(store: RemoteStore, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    store.put_from("stream", Bytes(data))
    assert received(store, "stream") == data


def test_a_source_that_raises_leaves_nothing(store: RemoteStore) -> None:
    with pytest.raises(RemoteError, match="damaged"):
        store.put_from("stream", Bytes(b"x" * (2 << 20), fail_at=1 << 20))
    assert store.size("stream") is None
    assert list(store.list("")) == []


def test_a_source_that_raises_leaves_the_old_value(store: RemoteStore) -> None:
    store.put("stream", b"old")
    with pytest.raises(RemoteError, match="damaged"):
        store.put_from("stream", Bytes(b"x" * (2 << 20), fail_at=1 << 20))
    assert store.get("stream") == b"old"


def test_a_list_has_every_key_with_the_prefix_and_its_size(store: RemoteStore) -> None:
    for key in ("a/1", "a/2", "ab/3", "b/4", "c"):
        store.put(key, key.encode())
    assert sorted((info.key, info.size) for info in store.list("a/")) == [("a/1", 3), ("a/2", 3)]
    assert sorted((info.key, info.size) for info in store.list("a")) == [("a/1", 3), ("a/2", 3), ("ab/3", 4)]
    assert [info.key for info in sorted(store.list(""))] == ["a/1", "a/2", "ab/3", "b/4", "c"]
    assert list(store.list("nothing/")) == []


def test_a_value_has_its_stamp_until_it_is_written_again(store: RemoteStore) -> None:
    given = store.put("a/key", b"one")
    store.put("a/other", b"one")
    listed = {info.key: info for info in store.list("a/")}
    assert store.info("a/key") == listed["a/key"] == KeyInfo("a/key", 3, listed["a/key"].stamp)
    assert given in ("", listed["a/key"].stamp)
    stamp = listed["a/key"].stamp
    for _ in range(600):  # some tell the time in whole seconds
        given = store.put("a/key", b"two")
        found = store.info("a/key")
        assert found is not None
        if not stamp or found.stamp != stamp:
            break
        time.sleep(0.1)
    assert found.stamp != stamp or not stamp
    assert given in ("", found.stamp)
    assert {info.key: info for info in store.list("a/")} == {"a/key": found, "a/other": listed["a/other"]}
    assert store.info("a/nothing") is None


def test_a_value_that_came_in_pieces_has_a_stamp_too(store: RemoteStore) -> None:
    given = store.put_from("stream", Bytes(b"x" * (5 << 20)))
    found = store.info("stream")
    assert found is not None
    assert found.size == 5 << 20
    assert given in ("", found.stamp)


def test_a_list_has_more_keys_than_one_answer_holds(store: RemoteStore) -> None:
    if isinstance(store, S3Store):
        store.page = 10
    for number in range(23):
        store.put(f"many/{number}", b"")
    assert {info.key for info in store.list("many/")} == {f"many/{number}" for number in range(23)}


def test_deleted_keys_are_gone_and_missing_ones_are_no_error(store: RemoteStore) -> None:
    store.put("a/1", b"1")
    store.put("a/2", b"2")
    store.delete(["a/1", "a/3", "never/was"])
    assert [info.key for info in store.list("")] == ["a/2"]


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "a/../b", ".", "a/./b", "a\0b"])
def test_a_key_that_means_another_place_is_refused(store: RemoteStore, key: str) -> None:
    with pytest.raises(RemoteError, match="cannot be a key"):
        store.put(key, b"")
    with pytest.raises(RemoteError, match="cannot be a key"):
        store.get(key)


@pytest.mark.parametrize("key", ["heads/über", "heads/a b+c%20=&d", "heads/'q\"", "x" * 200])
def test_odd_keys_are_keys(store: RemoteStore, key: str) -> None:
    if "%" in key and store.url.startswith("webdav:"):
        with pytest.raises(RemoteError, match="cannot be a key"):  # its client does not encode it
            store.put(key, b"odd")
        return
    store.put(key, b"odd")
    assert store.get(key) == b"odd"
    assert [info.key for info in store.list(key[:8])] == [key]


def test_a_store_that_does_not_exclude_other_writers_says_so_and_refuses(store: RemoteStore, atomic: bool) -> None:
    assert store.is_atomic() == atomic
    assert list(store.list("")) == [], "what it was tried on is gone"
    if not atomic:
        store.put("key", b"there")
        for attempt in (lambda: store.create("key", b"x"), lambda: store.swap("key", b"there", b"x")):
            with pytest.raises(RemoteError, match="does not honour conditional writes"):
                attempt()
        assert store.get("key") == b"there"


@only_atomic
def test_create_writes_only_where_nothing_is(store: RemoteStore) -> None:
    assert store.is_atomic()
    assert store.create("key", b"first")
    assert not store.create("key", b"second")
    assert store.get("key") == b"first"


@only_atomic
def test_swap_replaces_only_what_was_expected(store: RemoteStore) -> None:
    assert not store.swap("key", b"old", b"new")
    assert store.swap("key", None, b"1")
    assert not store.swap("key", None, b"other")
    assert not store.swap("key", b"0", b"2")
    assert store.swap("key", b"1", b"2")
    assert store.get("key") == b"2"


@only_exact
def test_one_of_many_creators_wins(make: Callable[[], RemoteStore]) -> None:
    stores = [make() for _ in range(6)]
    stores[0].is_atomic()
    won: list[int] = []

    def create(number: int) -> None:
        if stores[number].create("key", str(number).encode()):
            won.append(number)

    together(create, 6)
    assert len(won) == 1
    assert stores[0].get("key") == str(won[0]).encode()


@only_exact
def test_swaps_from_many_sides_lose_no_change(make: Callable[[], RemoteStore]) -> None:
    stores = [make() for _ in range(4)]
    stores[0].create("count", b"0")

    def count(number: int) -> None:
        store, done = stores[number], 0
        while done < 5:
            there = store.get("count")
            done += store.swap("count", there, f"{int(there.split()[0]) + 1} {number} {done}".encode())

    together(count, 4)
    assert stores[0].get("count").split()[0] == b"20"


def test_readers_never_see_part_of_a_value(make: Callable[[], RemoteStore]) -> None:
    writer, reader = make(), make()
    writer.put("key", b"a" * 100_000)
    seen = set()
    gap = [KeyMissing] if writer.url.startswith("webdav:") else []  # it removes what is there before it renames

    def work(number: int) -> None:
        for turn in range(15):
            if number:
                with suppress(Unavailable, *gap):  # cut off is no value; some servers do so
                    seen.add(patiently(lambda: reader.get("key"), pause=0.01))  # some servers cut off what is replaced
            else:
                writer.put("key", b"ab"[turn % 2 : turn % 2 + 1] * 100_000)

    together(work, 2)
    assert seen <= {b"a" * 100_000, b"b" * 100_000}


def test_a_closed_store_opens_itself_again(store: RemoteStore) -> None:
    store.put("key", b"value")
    store.close()
    assert store.get("key") == b"value"


def together(work: Callable[[int], None], count: int) -> None:
    """Runs ``work(0)`` to ``work(count - 1)`` at the same time; an error in one is an error here."""
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(run, number) for number in range(count)]:
            done.result()
