"""Artifacts on their way out: what the remote lacks, in the order objects, packs, index (law 1).

Everything is hashed while it is read. What is damaged or missing here is named and left out; the rest goes on, and
whoever called decides what may be published without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from assay.engine.errors import AssayError, CorruptArtifact, RemoteError, StoreError
from assay.engine.events import Done, Progress, Reporter
from assay.engine.layout import SMALL
from assay.engine.model import Digest
from assay.engine.store.cache import Cache
from assay.engine.store.digest import hasher
from assay.engine.store.pack import PackWriter, digest_of, key_of, pack_algo, read_entries
from assay.remotes.artifacts.holdings import Moved, Patience
from assay.remotes.artifacts.native import loose_key, pack_key
from assay.remotes.artifacts.shelf import Shelf, Shelved
from assay.remotes.parallel import each
from assay.remotes.verify import CachedObject, CheckedFile

_PACKS_AT_ONCE = 2


class _Plan:
    """What has to go: large objects with their sizes, small ones by the local pack they lie in ("" for none)."""

    def __init__(self) -> None:
        self.large: dict[Digest, int] = {}
        self.small: dict[str, dict[Digest, int]] = {}

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.large.values()) + sum(sum(sizes.values()) for sizes in self.small.values())


class Upload:
    """Sends artifacts from a cache to a remote.

    Args:
        cache: Where they are.
        shelf: What the remote has; refreshed.
        report: Where progress goes.
    """

    def __init__(self, cache: Cache, shelf: Shelf, report: Reporter) -> None:
        self.done = Moved()
        self._cache = cache
        self._shelf = shelf
        self._report = report
        self._task = f"sending data to {shelf.store.url}"
        self._total = 0
        self._patience = Patience()

    def send(self, digests: Iterable[Digest]) -> Moved:
        """Makes sure that the remote has each of these objects; manifests are objects like others here.

        Raises:
            RemoteError: The remote refuses altogether.
        """
        plan = self._plan(digests)
        self._total = plan.size
        self._count(0, 0)
        if plan.large:
            self._send_large(plan.large)
        if plan.small:
            self._send_small(plan.small)
        if self._total:
            self._report(Done(self._task))
        return self.done

    def _plan(self, digests: Iterable[Digest]) -> _Plan:
        plan = _Plan()
        elsewhere = []
        for digest in self._shelf.unpacked(digests):
            place = self._cache.index.find(key_of(digest))
            path = None if place else self._cache.loose_path(digest)
            if place:
                pack_id, _, size = place
            elif path:
                pack_id, size = "", os.stat(path).st_size
            else:
                elsewhere.append((digest, -1))
                continue
            if size < SMALL or digest.is_dir:
                plan.small.setdefault(pack_id, {})[digest] = size
            else:
                elsewhere.append((digest, size))
        for (digest, size), there in each(self._size_there, elsewhere, self._shelf.jobs):
            if isinstance(there, AssayError):
                raise there
            if size < 0 and there is None:
                self.done.failed[digest] = f"{digest} is neither in the cache nor on the remote."
            elif size >= 0 and there != size:
                plan.large[digest] = size
        return plan

    def _size_there(self, item: tuple[Digest, int]) -> int | None:
        return self._shelf.store.size(loose_key(item[0]))

    def _send_large(self, sizes: dict[Digest, int]) -> None:
        for digest, sent in each(self._send_one, sizes, self._shelf.jobs):
            if isinstance(sent, StoreError):
                self.done.failed[digest] = sent.message
            elif isinstance(sent, RemoteError):
                self.done.failed[digest] = self._patience.refused(sent)
            elif isinstance(sent, AssayError):
                raise sent
            else:
                self._count(1, sizes[digest])

    def _send_one(self, digest: Digest) -> None:
        with CachedObject(self._cache, digest) as source:
            self._shelf.store.put_from(loose_key(digest), source)

    def _send_small(self, small: dict[str, dict[Digest, int]]) -> None:
        """Packs that are wanted whole go as they are, all else is gathered; one index speaks of them all."""
        sent: dict[str, Shelved] = {}
        whole, rest = self._split(small)
        for pack, result in each(self._send_pack, whole, _PACKS_AT_ONCE):
            if isinstance(result, CorruptArtifact):
                lost = self._cache.set_aside_pack(pack.id)
                self.done.failed.update((digest, f"The cached object {digest} is damaged.") for digest in lost)
                rest += [digest for digest in small[pack.id] if digest not in lost]
            elif isinstance(result, StoreError):  # another process has merged it into a larger one
                rest += small[pack.id]
            elif isinstance(result, RemoteError):
                self.done.failed.update(dict.fromkeys(small[pack.id], self._patience.refused(result)))
            elif isinstance(result, AssayError):
                raise result
            else:
                sent[pack.id] = pack
                self._count(len(pack.entries), pack.size)
        for writer, gathered in each(self._send_gathered, self._gathered(rest), _PACKS_AT_ONCE):
            writer.drop()
            if isinstance(gathered, RemoteError):
                self.done.failed.update(dict.fromkeys(map(digest_of, writer.entries), self._patience.refused(gathered)))
                continue
            if isinstance(gathered, AssayError):
                raise gathered
            sent[gathered.id] = gathered
            self._count(len(gathered.entries), gathered.size)
        self._shelf.add(sent)

    def _split(self, small: dict[str, dict[Digest, int]]) -> tuple[list[Shelved], list[Digest]]:
        whole: list[Shelved] = []
        rest: list[Digest] = []
        for pack_id, sizes in small.items():
            pack = self._pack(pack_id) if pack_id else None
            if pack is not None and len(pack.entries) == len(sizes):
                whole.append(pack)
            else:
                rest += sizes
        return whole, rest

    def _pack(self, pack_id: str) -> Shelved | None:
        path = self._cache.index.path(pack_id)
        try:
            return Shelved(pack_id, os.stat(path).st_size, read_entries(path))
        except (CorruptArtifact, OSError):
            return None

    def _send_pack(self, pack: Shelved) -> None:
        self._put_pack(self._cache.index.path(pack.id), pack.id, pack.size)

    def _put_pack(self, path: str, pack_id: str, size: int) -> None:
        if not self._shelf.has_pack(pack_id, size):
            put_pack(self._shelf, path, pack_id)

    def _gathered(self, digests: list[Digest]) -> Iterator[PackWriter]:
        """New packs of these objects, made as they are taken; always in the same order, so that a retry finds them."""
        writer: PackWriter | None = None
        for digest in sorted(digests):
            try:
                data = self._cache.read(digest)
            except StoreError as error:
                self.done.failed[digest] = error.message
                continue
            writer = writer or PackWriter(self._cache.tmp(), self._cache.algo)
            writer.add(key_of(digest), data)
            if writer.is_full:
                writer.finish()
                yield writer
                writer = None
        if writer is not None:
            writer.finish()
            yield writer

    def _send_gathered(self, pack: PackWriter) -> Shelved:
        size = os.stat(pack.path).st_size
        self._put_pack(pack.path, pack.id, size)
        return Shelved(pack.id, size, pack.entries)

    def _count(self, artifacts: int, size: int) -> None:
        self._patience.passed()
        self.done.artifacts += artifacts
        self.done.size += size
        self._report(Progress(self._task, self.done.size, max(self._total, self.done.size), "B"))


def put_pack(shelf: Shelf, path: str, pack_id: str) -> None:
    """Sends a pack, verified while it is read.

    Raises:
        CorruptArtifact: The file is not the pack of that id.
        RemoteError: The remote refuses.
    """
    algo = pack_algo(pack_id) or shelf.hash_name

    def damaged() -> CorruptArtifact:
        return CorruptArtifact(f"The pack {path} is damaged.")

    with CheckedFile(path, lambda: hasher(algo), pack_id, damaged) as source:
        shelf.store.put_from(pack_key(pack_id), source)
