"""A store that tells how many bytes pass, while they pass: of a file of many gigabytes long before it is there.

What is told is a difference to what was told before, at most every tenth of a second, and goes back when a transfer
begins again. It is told from whatever thread the bytes pass in, one at a time.
"""

from __future__ import annotations

import threading
import time
from typing import Any, cast

from assay.engine.events import Passed, Reporter, silent
from assay.engine.ports import RemoteStore, Sink, Source

_EVERY = 0.1  # seconds


def watched(store: RemoteStore, report: Reporter) -> RemoteStore:
    """The store, whose traffic is told; itself where nobody listens."""
    return store if report is silent else cast("RemoteStore", _Watched(store, report))


class _Meter:
    """Bytes that have passed and were not told yet."""

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._untold = 0
        self._next = 0.0

    def add(self, count: int) -> None:
        """Counts bytes; fewer than none where a transfer begins again."""
        with self._lock:
            self._untold += count
            now = time.monotonic()
            if now >= self._next and self._untold:
                self._next = now + _EVERY
                self._report(Passed(self._untold))
                self._untold = 0


class _Watched:
    """Does what the store does, and counts."""

    def __init__(self, store: RemoteStore, report: Reporter) -> None:
        self._store = store
        self._meter = _Meter(report)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, key: str) -> bytes:
        data = self._store.get(key)
        self._meter.add(len(data))
        return data

    def get_to(self, key: str, sink: Sink) -> int:
        return self._store.get_to(key, cast("Sink", _Counted(sink, self._meter)))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        data = self._store.get_range(key, start, length)
        self._meter.add(len(data))
        return data

    def put(self, key: str, data: bytes) -> str:
        stamp = self._store.put(key, data)
        self._meter.add(len(data))
        return stamp

    def put_from(self, key: str, source: Source) -> str:
        return self._store.put_from(key, cast("Source", _Counted(source, self._meter)))


class _Counted:
    """A source or a sink whose bytes are counted."""

    def __init__(self, stream: Any, meter: _Meter) -> None:
        self._stream = stream
        self._meter = meter
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        self._add(len(data))
        return data

    def write(self, data: bytes) -> object:
        done: object = self._stream.write(data)
        self._add(len(data))
        return done

    def restart(self) -> None:
        self._stream.restart()
        self._add(-self._count)

    def _add(self, count: int) -> None:
        self._count += count
        self._meter.add(count)
