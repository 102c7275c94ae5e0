"""Patience: what is tried again, how often, and with which pauses."""

from __future__ import annotations

import pytest

from assay.engine.errors import AccessDenied, KeyMissing, Unavailable
from assay.remotes.stores.memory import MemoryStore
from assay.remotes.stores.retry import Retrying, patiently


class FailingTimes:
    """Raises so many times, then returns."""

    def __init__(self, times: int, error: Exception) -> None:
        self.calls = 0
        self._times = times
        self._error = error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return "done"


def test_what_is_not_there_now_is_asked_for_again() -> None:
    attempt = FailingTimes(3, Unavailable("not now"))
    assert patiently(attempt, 5, sleep=lambda _: None) == "done"
    assert attempt.calls == 4


def test_patience_ends() -> None:
    attempt = FailingTimes(9, Unavailable("not now"))
    with pytest.raises(Unavailable, match="not now"):
        patiently(attempt, 5, sleep=lambda _: None)
    assert attempt.calls == 5


@pytest.mark.parametrize("error", [AccessDenied("no"), KeyMissing("no"), ValueError("no")])
def test_what_will_not_change_is_not_asked_for_again(error: Exception) -> None:
    attempt = FailingTimes(9, error)
    with pytest.raises(type(error)):
        patiently(attempt, 5, sleep=lambda _: None)
    assert attempt.calls == 1


def test_pauses_double_and_differ_by_chance() -> None:
    pauses: list[float] = []
    with pytest.raises(Unavailable):
        patiently(FailingTimes(9, Unavailable("")), 6, pause=1.0, sleep=pauses.append)
    assert [0.5 * 2**turn <= pause <= 2**turn for turn, pause in enumerate(pauses)] == [True] * 5


def test_a_list_that_breaks_off_before_its_first_key_begins_again() -> None:
    class Once(MemoryStore):
        """Fails the first time it is listed."""

        calls = 0

        def list(self, prefix: str):
            self.calls += 1
            if self.calls == 1:
                raise Unavailable("not now")
            return super().list(prefix)

    store = Once()
    store.put("a", b"1")
    assert list(Retrying(store, sleep=lambda _: None).list("")) == [store.info("a")]
    assert list(Retrying(store).list("nothing")) == []
