"""Patience: a store that tries again when the answer was "not now".

Only `Unavailable` is tried again, with pauses that double and are spread by chance, so that many clients do not come
back at the same moment. Every operation of the port can be repeated: writes put the same bytes under the same key,
and `create` and `swap` say yes when they find their own bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from assay.engine.errors import Unavailable
from assay.engine.ports import KeyInfo, RemoteStore, Sink, Source

Result = TypeVar("Result")


class Retrying:
    """Any store, made patient.

    Args:
        store: The store that does the work.
        attempts: How often to try in all.
        first_pause: Seconds before the second attempt, at most; each further pause may be twice as long.
        sleep: How to wait; tests pass something quicker.
    """

    def __init__(
        self,
        store: RemoteStore,
        *,
        attempts: int = 5,
        first_pause: float = 0.2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._first_pause = first_pause
        self._sleep = sleep

    @property
    def url(self) -> str:
        """The store's own."""
        return self._store.url

    def get(self, key: str) -> bytes:
        """The whole value."""
        return self._patiently(lambda: self._store.get(key))

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value; a second attempt begins at the first byte."""

        def attempt() -> int:
            sink.restart()
            return self._store.get_to(key, sink)

        return self._patiently(attempt)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """A part of the value."""
        return self._patiently(lambda: self._store.get_range(key, start, length))

    def has_ranges(self) -> bool:
        """Whether the store has."""
        return self._store.has_ranges()

    def put(self, key: str, data: bytes) -> str:
        """Writes the value."""
        return self._patiently(lambda: self._store.put(key, data))

    def put_from(self, key: str, source: Source) -> str:
        """Streams ``source``; a second attempt begins at the first byte."""

        def attempt() -> str:
            source.restart()
            return self._store.put_from(key, source)

        return self._patiently(attempt)

    def size(self, key: str) -> int | None:
        """The value's length."""
        return self._patiently(lambda: self._store.size(key))

    def info(self, key: str) -> KeyInfo | None:
        """The value's length and stamp."""
        return self._patiently(lambda: self._store.info(key))

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``; once the first has come, the store itself must be patient."""

        def begin() -> tuple[Iterator[KeyInfo], KeyInfo | None]:
            rest = iter(self._store.list(prefix))
            return rest, next(rest, None)

        rest, first = self._patiently(begin)
        if first is not None:
            yield first
            yield from rest

    def settle(self) -> None:
        """Makes what was written durable."""
        self._patiently(self._store.settle)

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys."""
        chosen = list(keys)
        self._patiently(lambda: self._store.delete(chosen))

    def is_atomic(self) -> bool:
        """Whether the store is; one that has to ask for it asks patiently, each question by itself."""
        return self._store.is_atomic()

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value where there is none."""
        return self._patiently(lambda: self._store.create(key, data))

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces ``old`` by ``new``."""
        return self._patiently(lambda: self._store.swap(key, old, new))

    def close(self) -> None:
        """Closes the store."""
        self._store.close()

    def _patiently(self, attempt: Callable[[], Result]) -> Result:
        return patiently(attempt, self._attempts, self._first_pause, self._sleep)


def patiently(
    attempt: Callable[[], Result], attempts: int = 5, pause: float = 0.2, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """What ``attempt`` returns, the first time it does not raise `Unavailable`; the last time it may."""
    for _ in range(attempts - 1):
        try:
            return attempt()
        except Unavailable:
            sleep(pause * (0.5 + os.urandom(1)[0] / 512))
            pause *= 2
    return attempt()
