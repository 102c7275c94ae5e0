"""What was written again since this side saw it is read, and counts only if it is right."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied, Unavailable
from assay.engine.events import Event
from assay.engine.ports import KeyInfo, RemoteStore, Sink
from assay.remotes.copies import Copies
from assay.remotes.stamps import Stamped
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore

GOOD = b"an index"
BAD = b"an inde?"
KEY = f"index/{sha256(GOOD).hexdigest()}"


class Reading(Around):
    """Counts what is read; says another stamp with each question when ``is_unsteady``, none when ``is_mute``."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.read: list[str] = []
        self.asked = 0
        self.is_unsteady = self.is_mute = False
        self.error: Exception | None = None

    def get_to(self, key: str, sink: Sink) -> int:
        self.read.append(key)
        if self.error is not None:
            raise self.error
        return super().get_to(key, sink)

    def info(self, key: str) -> KeyInfo | None:
        found = super().info(key)
        return found and self._said(found)

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        return map(self._said, super().list(prefix))

    def _said(self, info: KeyInfo) -> KeyInfo:
        self.asked += 1
        if self.is_mute:
            return info._replace(stamp="")
        return info._replace(stamp=f"{info.stamp}/{self.asked}") if self.is_unsteady else info


@pytest.fixture
def store() -> Reading:
    return Reading(MemoryStore())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def seen(store: RemoteStore, folder: Path, events: list[Event] | None = None) -> Stamped:
    """The store as the next process sees it."""
    return Stamped(store, Copies(str(folder)), "sha256", 2, ([] if events is None else events).append)


def keys(store: RemoteStore) -> list[str]:
    return sorted(info.key for info in store.list(""))


def sent(store: RemoteStore, folder: Path) -> None:
    first = seen(store, folder)
    first.put(KEY, GOOD)
    first.put("git/heads/main", b"one")
    first.close()


def test_what_nobody_wrote_again_is_not_read(store: Reading, folder: Path) -> None:
    sent(store, folder)
    again = seen(store, folder)
    assert again.size(KEY) == len(GOOD)
    assert keys(again) == ["git/heads/main", KEY]
    assert (store.read, again.damaged) == ([], {})


@pytest.mark.law(3)
def test_what_was_overwritten_with_something_else_is_absent_and_named(store: Reading, folder: Path) -> None:
    sent(store, folder)
    store.put(KEY, BAD)
    for _ in range(2):
        again = seen(store, folder)
        assert keys(again) == ["git/heads/main"]
        assert again.size(KEY) is None
        assert again.info(KEY) is None
        assert again.damaged == {KEY: f"{KEY} is damaged: its content is not what its name says."}
        again.close()
    assert store.read == [KEY, KEY], "once by each"


def test_what_was_overwritten_with_the_same_is_read_once(store: Reading, folder: Path) -> None:
    sent(store, folder)
    store.put(KEY, GOOD)
    for _ in range(2):
        again = seen(store, folder)
        assert again.size(KEY) == len(GOOD)
        assert again.damaged == {}
        again.close()
    assert store.read == [KEY]


def test_what_is_sent_again_is_right_again_which_is_told(store: Reading, folder: Path) -> None:
    sent(store, folder)
    store.put(KEY, BAD)
    events: list[Event] = []
    again = seen(store, folder, events)
    assert again.size(KEY) is None
    again.put(KEY, GOOD)
    assert again.size(KEY) == len(GOOD)
    assert again.damaged == {}
    assert f"{KEY} had been overwritten" in str(events)
    again.close()
    assert seen(store, folder).size(KEY) == len(GOOD)
    assert store.read == [KEY]


@pytest.mark.law(3)
def test_what_was_seen_once_is_known_to_whoever_did_not_send_it(store: Reading, folder: Path) -> None:
    store.put(KEY, GOOD)
    first = seen(store, folder)
    assert keys(first) == [KEY]
    first.close()
    store.put(KEY, BAD)
    again = seen(store, folder)
    assert keys(again) == []
    assert list(again.damaged) == [KEY]


def test_a_key_that_may_change_is_never_read(store: Reading, folder: Path) -> None:
    sent(store, folder)
    store.put("git/heads/main", b"two")
    again = seen(store, folder)
    assert again.size("git/heads/main") == 3
    assert keys(again) == ["git/heads/main", KEY]
    assert store.read == []


def test_a_store_that_says_no_stamps_is_as_it_is(store: Reading, folder: Path) -> None:
    store.is_mute = True
    sent(store, folder)
    store.put(KEY, BAD)
    again = seen(store, folder)
    assert keys(again) == ["git/heads/main", KEY]
    assert store.read == []


def test_a_store_whose_stamps_mean_nothing_costs_reading(store: Reading, folder: Path) -> None:
    store.is_unsteady = True
    sent(store, folder)
    for _ in range(6):
        again = seen(store, folder)
        assert keys(again) == ["git/heads/main", KEY]
        again.close()
    assert store.read == [KEY] * 6
    assert len(Copies(str(folder)).read_many("stamps")[KEY].split()) == 3, "no more are kept"


@pytest.mark.law(7)
@pytest.mark.parametrize("data", [None, b"", b"nonsense", b"\x81\xa1k\xa1v"])
def test_stamps_that_are_lost_are_as_on_the_first_day(store: Reading, folder: Path, data: bytes | None) -> None:
    sent(store, folder)
    path = folder / "stamps"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    again = seen(store, folder)
    assert keys(again) == ["git/heads/main", KEY]
    assert (store.read, again.damaged) == ([], {})
    again.close()
    store.put(KEY, BAD)
    assert seen(store, folder).size(KEY) is None


def test_what_cannot_be_read_now_is_an_error_and_what_nobody_may_read_is_there(store: Reading, folder: Path) -> None:
    sent(store, folder)
    store.put(KEY, BAD)
    store.error = Unavailable("not now")
    again = seen(store, folder)
    for look in (lambda: again.size(KEY), lambda: keys(again)):
        with pytest.raises(Unavailable):
            look()
    store.error = AccessDenied("no")
    assert again.size(KEY) == len(BAD)
    assert again.damaged == {}
