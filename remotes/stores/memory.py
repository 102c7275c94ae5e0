"""A remote in this process's memory: the definition of what a store does, and what tests run on.

Stores of the same name share their values for as long as the process lives.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import count

from assay.engine.errors import KeyMissing
from assay.engine.ports import KeyInfo, Sink, Source
from assay.remotes.stores.keys import checked

_CHUNK = 1 << 20
_shared: dict[str, dict[str, bytes]] = {}
_shared_stamps: dict[str, dict[str, int]] = {}
_lock = threading.Lock()
_times = count(1)


class MemoryStore:
    """Values in a dictionary.

    Args:
        name: Stores of one name show the same values; empty for a store of its own.
    """

    def __init__(self, name: str = "") -> None:
        self.url = f"memory://{name}"
        self._values = _shared.setdefault(name, {}) if name else {}
        self._stamps = _shared_stamps.setdefault(name, {}) if name else {}

    def get(self, key: str) -> bytes:
        """The whole value."""
        try:
            return self._values[checked(key)]
        except KeyError:
            raise KeyMissing(f"{self.url} has no {key}.") from None

    def get_to(self, key: str, sink: Sink) -> int:
        """Writes the value into ``sink``."""
        data = self.get(key)
        for start in range(0, len(data), _CHUNK):
            sink.write(data[start : start + _CHUNK])
        return len(data)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """A part of the value."""
        return self.get(key)[start : start + length]

    def has_ranges(self) -> bool:
        """Always."""
        return True

    def put(self, key: str, data: bytes) -> str:
        """Writes the value."""
        with _lock:
            return self._write(checked(key), data)

    def put_from(self, key: str, source: Source) -> str:
        """Writes what ``source`` gives."""
        return self.put(key, b"".join(iter(lambda: source.read(_CHUNK), b"")))

    def _write(self, key: str, data: bytes) -> str:
        self._values[key] = bytes(data)
        self._stamps[key] = next(_times)
        return str(self._stamps[key])

    def size(self, key: str) -> int | None:
        """The value's length."""
        value = self._values.get(checked(key))
        return None if value is None else len(value)

    def info(self, key: str) -> KeyInfo | None:
        """The value's length, and how many had been written before."""
        with _lock:
            value = self._values.get(checked(key))
            return None if value is None else KeyInfo(key, len(value), self._stamp(key))

    def _stamp(self, key: str) -> str:
        return str(self._stamps.get(key, ""))

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``."""
        with _lock:
            found = [
                KeyInfo(key, len(value), self._stamp(key))
                for key, value in self._values.items()
                if key.startswith(prefix)
            ]
        return iter(found)

    def settle(self) -> None:
        """Nothing here survives anyway."""

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys."""
        with _lock:
            for key in keys:
                self._values.pop(checked(key), None)

    def is_atomic(self) -> bool:
        """Always."""
        return True

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value where there is none."""
        return self.swap(key, None, data)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces ``old`` by ``new``."""
        with _lock:
            there = self._values.get(checked(key))
            if there not in (old, new):
                return False
            self._write(key, new)
        return True

    def close(self) -> None:
        """Nothing to let go of."""
