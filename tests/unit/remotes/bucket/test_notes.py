"""Tags and notes in a bucket: what files say together, joining many into one, and what is no such file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import CorruptRemote
from assay.engine.model import HashName, Oid
from assay.engine.notes.remarks import NOTHING, Edit, Remarks, edited, merge
from assay.engine.ports import KeyInfo, RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.remotes.bucket import notes as bucket_notes
from assay.remotes.bucket.notes import BucketNotes, decode, encode
from assay.remotes.copies import Copies
from assay.remotes.registry import Remote, open_store
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore
from tests.faults.remotes import FailingAfterStore, Killed

A, B = Oid(b"\xaa" * 20), Oid(b"\xbb" * 20)
HASH: HashName = "xxh128"


def remark(text: str, time: int = 1, by: str = "Ann <ann@example.com>") -> Remarks:
    return edited(NOTHING, Edit({text: True}, True, f"note {text}"), time, by)


class Counting(Around):
    """Counts what is asked of a store."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.asked: list[str] = []

    def get(self, key: str) -> bytes:
        self.asked.append("get")
        return super().get(key)

    def put(self, key: str, data: bytes) -> str:
        self.asked.append("put")
        return super().put(key, data)

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        self.asked.append("list")
        return super().list(prefix)

    def is_atomic(self) -> bool:
        self.asked.append("is_atomic")
        return super().is_atomic()


@pytest.fixture(params=["memory", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RemoteStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url, settings = (str(tmp_path / "remote"), {}) if request.param == "folder" else request.getfixturevalue("s3")
    opened = open_store(Remote("origin", url, settings))
    yield opened
    opened.close()


def notes_of(store: RemoteStore, tmp_path: Path, name: str = "copies") -> BucketNotes:
    return BucketNotes(store, Copies(str(tmp_path / name)), HASH, 4)


def keys(store: RemoteStore) -> set[str]:
    return {info.key for info in store.list("git/notes/")}


def test_what_was_written_is_read_and_writing_it_again_writes_nothing(store: RemoteStore, tmp_path: Path) -> None:
    notes = notes_of(store, tmp_path)
    assert notes.write({A: remark("best"), B: remark("v2")}) == [A, B]
    before = keys(store)
    assert len(before) == 1
    assert notes_of(store, tmp_path, "others").read() == {A: remark("best"), B: remark("v2")}
    assert notes.write({A: remark("best")}) == []
    assert keys(store) == before


def test_many_files_are_joined_and_nothing_is_lost(
    store: RemoteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_notes, "_MANY", 3)
    notes = notes_of(store, tmp_path)
    said = NOTHING
    counts = []
    for at in range(6):
        notes.write({A: remark(f"t{at}", at)})
        said = merge(said, remark(f"t{at}", at))
        counts.append(len(keys(store)))
        assert notes_of(store, tmp_path, "others").read() == {A: said}
    assert counts == [1, 2, 3, 4, 2, 3]


def test_a_remote_without_notes_costs_one_list(tmp_path: Path) -> None:
    store = Counting(MemoryStore())
    assert notes_of(store, tmp_path).read() == {}
    assert store.asked == ["list"]
    assert not (tmp_path / "copies").exists()


def test_a_file_is_fetched_once_and_a_damaged_copy_again(tmp_path: Path) -> None:
    store = Counting(MemoryStore())
    notes_of(store, tmp_path).write({A: remark("best")})
    assert store.asked == ["list", "put"], "nobody is waited for and nothing compared"
    for wanted in (["list", "get"], ["list"]):
        store.asked.clear()
        assert notes_of(store, tmp_path).read() == {A: remark("best")}
        assert store.asked == wanted
    copy = tmp_path / "copies" / "notes"
    copy.write_bytes(copy.read_bytes().replace(b"best", b"worst"))
    assert notes_of(store, tmp_path).read() == {A: remark("best")}


def test_a_file_that_others_join_meanwhile_is_found_in_what_they_wrote(tmp_path: Path) -> None:
    inner = MemoryStore()
    notes_of(inner, tmp_path).write({A: remark("one")})

    class Joining(Counting):
        def get(self, key: str) -> bytes:
            if len(keys(inner)) == 1 and not self.asked.count("get"):
                inner.delete(keys(inner))
                notes_of(inner, tmp_path, "joiner").write({A: merge(remark("one"), remark("two"))})
            return super().get(key)

    assert notes_of(Joining(inner), tmp_path).read() == {A: merge(remark("one"), remark("two"))}


@pytest.mark.law(1)
def test_what_is_joined_is_durable_before_the_first_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_notes, "_MANY", 1)
    steps: list[str] = []

    class Watched(Around):
        def put(self, key: str, data: bytes) -> str:
            steps.append("put")
            return super().put(key, data)

        def create(self, key: str, data: bytes) -> bool:
            steps.append("create, which makes all before it durable")
            return super().create(key, data)

        def delete(self, keys: Iterator[str]) -> None:
            steps.append("delete")
            super().delete(keys)

    notes = notes_of(Watched(MemoryStore()), tmp_path)
    for at in range(3):
        notes.write({A: remark(f"t{at}", at)})
    assert steps == ["put", "put", "put", "create, which makes all before it durable", "delete"]


def test_much_is_written_into_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_notes, "_ENOUGH", 400)
    store = MemoryStore()
    said = {Oid(bytes([at]) * 20): remark(f"t{at}") for at in range(10)}
    notes_of(store, tmp_path).write(said)
    assert 2 < len(keys(store)) < 10
    assert notes_of(store, tmp_path).read() == said


[GOOD] = encode({A: remark("best")})


def changed(**change: object) -> bytes:
    told = json.loads(GOOD)
    told[A.hex()].update(change)
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"


BAD = {
    "empty": b"",
    "no JSON": b"\xff\x00",
    "a list": b"[]\n",
    "deep": b"[" * 100_000,
    "no object": b"null\n",
    "no id": GOOD.replace(A.hex().encode(), b"zz"),
    "a short id": GOOD.replace(A.hex().encode(), b"aa"),
    "blanks": GOOD.replace(b":", b": "),
    "no newline": GOOD[:-1],
    "another schema": changed(schema=2),
    "unknown members": changed(more=1),
    "a bad tag": changed(tags={"a b": {"by": "x", "on": True, "time": 1}}),
    "a time without end": changed(tags={"a": {"by": "x", "on": True, "time": 1 << 53}}),
    "a long number": changed(notes=[]).replace(b'"time":1', b'"time":' + b"9" * 5000),
    "a note that is too long": changed(notes=[{"by": "x", "text": "y" * 65_537, "time": 1}]),
    "half of it good": GOOD[:-2] + b',"' + B.hex().encode() + b'":{}}\n',
}


def test_only_what_a_writer_writes_is_taken() -> None:
    assert decode(GOOD, "key") == {A: remark("best")}
    assert changed() == GOOD
    for data in BAD.values():
        with pytest.raises(CorruptRemote, match="key does not say what tags and notes there are"):
            decode(data, "key")


def test_what_is_no_such_file_is_named_left_out_and_left_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_notes, "_MANY", 2)
    monkeypatch.setattr(bucket_notes, "LARGEST", 200_000)
    store = MemoryStore()
    bad = {f"git/notes/{digest_bytes(HASH, data).hex}": data for data in (*BAD.values(), b" " * 200_001)}
    bad |= {f"git/notes/{'0' * 32}": GOOD, "git/notes/deep/er": GOOD}
    for key, data in bad.items():
        store.put(key, data)
    notes = notes_of(store, tmp_path)
    for at in range(5):
        notes.write({B: remark(f"t{at}", at)})
    assert set(notes.damaged) == set(bad)
    assert all(key in sentence for key, sentence in notes.damaged.items())
    assert notes.read().keys() == {B}
    assert bad.keys() < keys(store)
    assert len(keys(store)) - len(bad) < 5, "the sound ones were joined"


def test_a_damaged_file_heals_when_what_it_said_is_pushed_again(tmp_path: Path) -> None:
    store = MemoryStore()
    notes_of(store, tmp_path).write({A: remark("best")})
    [key] = keys(store)
    store.put(key, b"damaged")
    assert notes_of(store, tmp_path).write({A: remark("best")}) == [A]
    assert notes_of(store, tmp_path).read() == {A: remark("best")}


@pytest.mark.law(1)
@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_writer_that_is_killed_while_it_joins_has_lost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    monkeypatch.setattr(bucket_notes, "_MANY", 1)

    class Undeletable(FailingAfterStore):
        def delete(self, keys: Iterator[str]) -> None:
            raise Killed

    store = MemoryStore()
    notes = notes_of(store, tmp_path)
    said = merge(remark("one", 1), remark("two", 2))
    for text, time in (("one", 1), ("two", 2)):
        notes.write({A: remark(text, time)})
    with pytest.raises(Killed):
        notes_of(Undeletable(store, writes), tmp_path, "killed").write({A: remark("three", 3)})
    now = notes_of(store, tmp_path, "others").read()[A]
    assert now == (merge(said, remark("three", 3)) if writes == 2 else said)
    notes.write({A: remark("three", 3), B: remark("four", 4)})
    assert notes.read() == {A: merge(said, remark("three", 3)), B: remark("four", 4)}
    assert len(keys(store)) == 2
