"""A store as whoever pushes sees it: what a collection has named is not there, and is claimed before it is written.

The rules are those of `claims`. What is hidden stays hidden until it has been written here; so everything that
plans a transfer by what there is sends it again, and knows nothing of collections.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from assay.engine.errors import RemoteError
from assay.engine.model import HashName
from assay.engine.ports import Ids, KeyInfo, RemoteStore, Source
from assay.remotes.collect import claims as collecting
from assay.remotes.collect.claims import Doomed
from assay.remotes.stores.around import Around

_PATIENCE = 60.0
_PAUSE = 0.25


class Guarded(Around):
    """A store for whoever publishes.

    Args:
        store: The store.
        hash_name: The hash that names collections.
        ids: Nonces.
        sleep: How to wait; tests pass something quicker.
        clock: Seconds, of which only differences count.

    Attributes:
        hidden: The keys that are taken for absent.
    """

    def __init__(
        self,
        store: RemoteStore,
        hash_name: HashName,
        ids: Ids,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(store)
        self.hidden: set[str] = set()
        self._hash_name: HashName = hash_name
        self._ids = ids
        self._sleep = sleep
        self._clock = clock
        self._looked = clock()
        self._lock = threading.Lock()
        self._open: dict[str, Doomed] = {}
        self._known: frozenset[str] = frozenset()
        self.renew()

    def renew(self) -> bool:
        """Looks at the collections that there are now; whether some began, or began and ended, since the last look.

        After a long time they may have: the marks of those that have ended do not stay for ever. The time is that of
        the wall, since a machine that sleeps stops the other clock; one that was set anew costs a look.
        """
        looked, self._looked = self._looked, self._clock()
        state = collecting.look(self.store)
        new = state.names - self._known or not 0 <= self._looked - looked < collecting.LONG
        for name in sorted(state.open - self._open.keys()):
            doomed = collecting.read(self.store, name, self._hash_name)
            if doomed is not None:
                self._open[name] = doomed
                self.hidden |= doomed.keys
        self._known |= state.names
        return bool(new)

    def put(self, key: str, data: bytes) -> str:
        """Writes the value, claimed first."""
        self._claim(key)
        stamp = self.store.put(key, data)
        self.hidden.discard(key)
        return stamp

    def put_from(self, key: str, source: Source) -> str:
        """Streams ``source``, claimed first."""
        self._claim(key)
        stamp = self.store.put_from(key, source)
        self.hidden.discard(key)
        return stamp

    def size(self, key: str) -> int | None:
        """The value's length; None for what was named."""
        return None if key in self.hidden else self.store.size(key)

    def info(self, key: str) -> KeyInfo | None:
        """The value's length and stamp; None for what was named."""
        return None if key in self.hidden else self.store.info(key)

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``, without what was named."""
        return (info for info in self.store.list(prefix) if info.key not in self.hidden)

    def _claim(self, key: str) -> None:
        """Sees to it that no collection takes what is about to be written.

        Raises:
            RemoteError: A collection that names it is going, and does not come to an end.
        """
        if key not in self.hidden:
            return
        with self._lock:
            naming = {name for name, doomed in self._open.items() if key in doomed.keys}
            for name in naming:
                collecting.claim(self.store, name, [key], self._ids.nonce())
            waited = 0.0
            while naming & collecting.look(self.store).going:
                if waited > _PATIENCE:
                    raise RemoteError(
                        f"{self.url} is being collected, and what is to be sent is part of it.",
                        "If nobody does that any more, `assay gc --remote` finishes it; then push again.",
                    )
                self._sleep(_PAUSE)
                waited += _PAUSE


def renewed(store: RemoteStore) -> bool:
    """Whether a collection began since this store was looked at: then what a push found there may be named now."""
    return isinstance(store, Guarded) and store.renew()
