"""A store that does what another does: whoever stands between a store and its user changes only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.engine.ports import KeyInfo, RemoteStore, Sink, Source


class Around:
    """A store around a store; as it stands, it does the same. What each method is: `RemoteStore`.

    Args:
        store: The store.

    Attributes:
        store: Likewise.
    """

    def __init__(self, store: RemoteStore) -> None:
        self.store = store

    @property
    def url(self) -> str:
        """The store's own."""
        return self.store.url

    def get(self, key: str) -> bytes:
        """The whole value."""
        return self.store.get(key)

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value."""
        return self.store.get_to(key, sink)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes of the value."""
        return self.store.get_range(key, start, length)

    def has_ranges(self) -> bool:
        """Whether the store has."""
        return self.store.has_ranges()

    def put(self, key: str, data: bytes) -> str:
        """Writes the value."""
        return self.store.put(key, data)

    def put_from(self, key: str, source: Source) -> str:
        """Streams ``source``."""
        return self.store.put_from(key, source)

    def size(self, key: str) -> int | None:
        """The value's length."""
        return self.store.size(key)

    def info(self, key: str) -> KeyInfo | None:
        """The value's length and stamp."""
        return self.store.info(key)

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``."""
        return self.store.list(prefix)

    def settle(self) -> None:
        """Makes what was written durable."""
        self.store.settle()

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys."""
        self.store.delete(keys)

    def is_atomic(self) -> bool:
        """Whether the store is."""
        return self.store.is_atomic()

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value where there is none."""
        return self.store.create(key, data)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces ``old`` by ``new``."""
        return self.store.swap(key, old, new)

    def close(self) -> None:
        """Closes the store."""
        self.store.close()
