"""Remotes that fail, each named for how."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from assay.engine.errors import AccessDenied, Unavailable
from assay.engine.ports import KeyInfo, RemoteStore, Sink, Source
from assay.remotes.stores.around import Around

Through = Callable[[RemoteStore], None]
"""From now on every remote is this store: what the fixture `through` does."""


class Killed(BaseException):
    """The process ends here: nothing in the program under test catches this."""


class RecordingStore(Around):
    """Notes which keys are written, in order."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.written: list[str] = []

    def _write(self, key: str) -> None:
        self.written.append(key)

    def put(self, key: str, data: bytes) -> str:
        self._write(key)
        return super().put(key, data)

    def put_from(self, key: str, source: Source) -> str:
        self._write(key)
        return super().put_from(key, source)

    def create(self, key: str, data: bytes) -> bool:
        self._write(key)
        return super().create(key, data)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        self._write(key)
        return super().swap(key, old, new)


class FailingAfterStore(RecordingStore):
    """Ends the process, or raises what it is given, instead of the write after so many."""

    def __init__(self, store: RemoteStore, writes: int, error: BaseException | None = None) -> None:
        super().__init__(store)
        self._left = writes
        self._error = error or Killed()

    def _write(self, key: str) -> None:
        if not self._left:
            raise self._error
        self._left -= 1
        super()._write(key)


class DenyingStore(RecordingStore):
    """Lets everybody read and nobody write."""

    def _write(self, key: str) -> None:
        raise AccessDenied(f"Writing {key} was refused.", "Ask for permission.")


class DamagingStore(Around):
    """Gives other bytes than it holds, for keys that contain a text."""

    def __init__(self, store: RemoteStore, where: str) -> None:
        super().__init__(store)
        self._where = where

    def _damaged(self, data: bytes) -> bytes:
        raise NotImplementedError

    def get(self, key: str) -> bytes:
        data = super().get(key)
        return self._damaged(data) if self._where in key else data

    def get_to(self, key: str, sink: Sink) -> int:
        data = self.get(key)
        sink.write(data)
        return len(data)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self.get(key)[start : start + length]


class TruncatingStore(DamagingStore):
    """The last byte never comes."""

    def _damaged(self, data: bytes) -> bytes:
        return data[:-1]


class BitFlippingStore(DamagingStore):
    """One bit in the middle is another one."""

    def _damaged(self, data: bytes) -> bytes:
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


class FlakyStore(Around):
    """Every second request is answered with "not now", after a part of the bytes where there are any."""

    def __init__(self, store: RemoteStore) -> None:
        super().__init__(store)
        self.refused = 0
        self._turn = 0

    def _perhaps(self) -> bool:
        self._turn += 1
        self.refused += self._turn % 2
        return self._turn % 2 == 1

    def _maybe_refuse(self) -> None:
        if self._perhaps():
            raise Unavailable("Not now.")

    def get(self, key: str) -> bytes:
        self._maybe_refuse()
        return super().get(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        self._maybe_refuse()
        return super().get_range(key, start, length)

    def get_to(self, key: str, sink: Sink) -> int:
        if self._perhaps():
            sink.write(b"only a part")
            raise Unavailable("Cut off.")
        return super().get_to(key, sink)

    def put(self, key: str, data: bytes) -> str:
        self._maybe_refuse()
        return super().put(key, data)

    def put_from(self, key: str, source: Source) -> str:
        if self._perhaps():
            source.read(10)
            raise Unavailable("Cut off.")
        return super().put_from(key, source)

    def size(self, key: str) -> int | None:
        self._maybe_refuse()
        return super().size(key)

    def info(self, key: str) -> KeyInfo | None:
        self._maybe_refuse()
        return super().info(key)

    def list(self, prefix: str) -> Iterator[object]:  # type: ignore[override]
        self._maybe_refuse()
        return super().list(prefix)

    def create(self, key: str, data: bytes) -> bool:
        """Does it, but the answer is lost."""
        done = super().create(key, data)
        self._maybe_refuse()
        return done

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Does it, but the answer is lost."""
        done = super().swap(key, old, new)
        self._maybe_refuse()
        return done


class RefusingStore(RecordingStore):
    """Takes everything but what has a text in its key."""

    def __init__(self, store: RemoteStore, where: str) -> None:
        super().__init__(store)
        self._where = where

    def _write(self, key: str) -> None:
        if self._where in key:
            raise AccessDenied(f"Writing {key} was refused.", "Ask for permission.")
        super()._write(key)


class WithholdingStore(Around):
    """Gives everything but what has a text in its key."""

    def __init__(self, store: RemoteStore, where: str) -> None:
        super().__init__(store)
        self._where = where

    def get_to(self, key: str, sink: Sink) -> int:
        if self._where in key:
            raise AccessDenied(f"Reading {key} was refused.", "Ask for permission.")
        return super().get_to(key, sink)
