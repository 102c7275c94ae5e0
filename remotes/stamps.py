"""A store as somebody sees it who used it before: what was written again since then is read, and counts only if right.

Almost every key of a remote is named by what it holds, and written once. What a store says of a value besides its size,
its *stamp* (the entity tag in S3, the time of a file), is kept on this side when the value is sent, and when it is seen
for the first time. A key that has another one later was written again: it is read once and verified by its name. If it
is right, that stamp is good as well; if not, the key is absent for whoever asks, who then sends it again or misses it,
and it is named in ``damaged``. Where nothing was written again, nothing more is asked for than would be asked anyway.

Limits: what was wrong before this side saw it first stays unseen, and what changed without being written, as on a disk
that fails; `pull` and `fsck` read what there is. What is kept may be lost at any moment (law 7): then it is as on the
first day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from threading import Lock

from assay.engine.errors import AccessDenied, AssayError, KeyMissing
from assay.engine.events import Note, Reporter
from assay.engine.model import HashName
from assay.engine.ports import KeyInfo, RemoteStore, Source
from assay.remotes.copies import Copies
from assay.remotes.named import NamedBy, named_by
from assay.remotes.parallel import each
from assay.remotes.stores.around import Around

_FILE = "stamps"
_KEPT = 3
"""Good stamps of one value: a server may say another one in a list than for the key alone."""
_BATCH = 1000


class Stamped(Around):
    """A store whose lasting values are compared with what they were.

    Args:
        store: The store.
        copies: Where stamps are kept.
        hash_name: The remote's hash.
        jobs: How many requests at once.
        report: Told when something that had been overwritten was sent again.

    Attributes:
        damaged: What was overwritten with something else, by key, with the sentence that says so.
    """

    def __init__(self, store: RemoteStore, copies: Copies, hash_name: HashName, jobs: int, report: Reporter) -> None:
        super().__init__(store)
        self.damaged: dict[str, str] = {}
        self._copies = copies
        self._hash_name: HashName = hash_name
        self._jobs = jobs
        self._report = report
        self._stamps: dict[str, bytes] | None = None
        self._is_changed = False
        self._wrong: dict[str, bytes] = {}
        self._lock = Lock()

    def put(self, key: str, data: bytes) -> str:
        """Writes the value, and keeps its stamp."""
        return self._sent(key, self.store.put(key, data))

    def put_from(self, key: str, source: Source) -> str:
        """Streams ``source``, and keeps the stamp."""
        return self._sent(key, self.store.put_from(key, source))

    def size(self, key: str) -> int | None:
        """The value's length; None for what is not what it was."""
        found = self.info(key)
        return None if found is None else found.size

    def info(self, key: str) -> KeyInfo | None:
        """The value's length and stamp; None for what is not what it was."""
        found = self.store.info(key)
        return found if found is not None and (self._is_known(found) or self._is_right(found)) else None

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``, without those that are not what they were."""
        found = iter(self.store.list(prefix))
        while batch := list(islice(found, _BATCH)):
            again = [info for info in batch if not self._is_known(info)]
            wrong = set()
            for info, is_right in each(self._is_right, again, self._jobs):
                if isinstance(is_right, AssayError):
                    raise is_right
                if not is_right:
                    wrong.add(info.key)
            yield from (info for info in batch if info.key not in wrong)

    def close(self) -> None:
        """Closes the store; what is known of it now is kept."""
        if self._is_changed:
            self._copies.write_many(_FILE, self._known())
            self._is_changed = False
        self.store.close()

    def _known(self) -> dict[str, bytes]:
        if self._stamps is None:
            with self._lock:
                if self._stamps is None:
                    self._stamps = self._copies.read_many(_FILE)
        return self._stamps

    def _keep(self, key: str, stamps: Iterable[bytes]) -> None:
        self._known()[key] = b"\n".join(stamps)
        self._is_changed = True

    def _sent(self, key: str, stamp: str) -> str:
        if named_by(key, self._hash_name) is not None:
            self._keep(key, [stamp.encode()] if stamp else [])
        if self.damaged.pop(key, ""):
            self._wrong.pop(key, None)
            self._report(Note(f"{key} had been overwritten with something else; it was sent again."))
        return stamp

    def _is_known(self, info: KeyInfo) -> bool:
        """Whether there is nothing to be read; a stamp that is seen for the first time is kept."""
        if not info.stamp:
            return True
        stamp, kept = info.stamp.encode(), self._known().get(info.key, b"")
        if stamp == kept or stamp in kept.split(b"\n"):
            return True
        if not kept and named_by(info.key, self._hash_name) is not None:
            self._keep(info.key, [stamp])
        return not kept

    def _is_right(self, info: KeyInfo) -> bool:
        """Whether a value that was written again is what its name says."""
        stamp = info.stamp.encode()
        if self._wrong.get(info.key) == stamp:
            return False
        name = named_by(info.key, self._hash_name)
        if name is None:
            return True
        sink = _Summed(name)
        try:
            self.store.get_to(info.key, sink)
        except KeyMissing:
            return False
        except AccessDenied:  # who may only write sees what there was to be seen before
            return True
        if not sink.is_right:
            self._wrong[info.key] = stamp
            self.damaged[info.key] = f"{info.key} is damaged: its content is not what its name says."
            return False
        kept = self._known().get(info.key, b"").split(b"\n")
        self._keep(info.key, [*kept[1 - _KEPT :], stamp])
        return True


class _Summed:
    """A sink that keeps of what comes only its sum."""

    def __init__(self, name: NamedBy) -> None:
        self._name = name
        self.restart()

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._state.update(data)

    def restart(self) -> None:
        """Begins again."""
        self._state = self._name.new_hash()

    @property
    def is_right(self) -> bool:
        """Whether it was what the name says."""
        return self._state.digest().hex() == self._name.expected
