"""Artifacts on their way in: level by level, first a directory's manifest, then what it names.

Every byte is hashed before it gets a name in the cache. What the remote lacks or has damaged is named and left out, and
the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack

from assay.engine.errors import AssayError, CorruptArtifact, CorruptRemote, KeyMissing, RemoteError
from assay.engine.events import Done, Progress, Reporter
from assay.engine.model import Digest
from assay.engine.store.cache import Cache
from assay.engine.store.digest import hasher
from assay.engine.store.pack import pack_algo
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.holdings import Moved, Patience
from assay.remotes.artifacts.native import INDEXES, loose_key, pack_key
from assay.remotes.artifacts.ranges import Part, fetch, parts
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.parallel import each
from assay.remotes.verify import Received

_PACKS_AT_ONCE = 3
_LARGE_PACK = 4_000_000
"""Bytes: of packs that are all smaller, as many come at once as the remote takes."""


class Download:
    """Fetches artifacts from a remote into a cache.

    Args:
        cache: Where they go.
        shelf: What the remote has; refreshed.
        contents: What artifacts consist of, as far as the cache knows.
        report: Where progress goes.
    """

    def __init__(self, cache: Cache, shelf: Shelf, contents: Contents, report: Reporter) -> None:
        self.done = Moved()
        self._cache = cache
        self._shelf = shelf
        self._contents = contents
        self._report = report
        self._task = f"fetching data from {shelf.store.url}"
        self._total = 0
        self._patience = Patience()

    def fetch(self, roots: Iterable[Digest], *, only_manifests: bool = False) -> Moved:
        """Makes sure that the cache has these artifacts and all below them.

        Args:
            roots: Files and directories.
            only_manifests: Whether to leave files where they are, and fetch what says which there are.

        Raises:
            RemoteError: The remote refuses altogether.
        """
        seen: set[Digest] = set()
        level = set(roots)
        while level:
            seen |= level
            wanted = {digest for digest in level if digest.is_dir} if only_manifests else level
            self._bring(self._cache.missing(wanted))
            below: set[Digest] = set()
            for digest in level:
                children = self._contents.below(digest)
                if children is not None:
                    below.update(children)
                elif digest in self._contents.broken:
                    self.done.failed[digest] = self._contents.broken[digest]
            level = below - seen
        if self._total:
            self._report(Done(self._task))
        return self.done

    def bring(self, digests: set[Digest]) -> Moved:
        """Makes sure that the cache has these objects and no others. Raises RemoteError."""
        self._bring(self._cache.missing(digests))
        return self.done

    def _bring(self, missing: set[Digest]) -> None:
        missing -= self.done.failed.keys()
        packed = {digest: pack for digest in missing if (pack := self._shelf.pack_of(digest)) is not None}
        self._bring_packs(self._bring_parts(packed))
        left = self._cache.missing(missing)
        loose = [digest for digest in left if digest not in packed]
        sizes = self._loose_sizes(loose)
        if len(sizes) < len(loose):  # an index is damaged or gone, but its packs may be whole
            self._bring_undescribed([digest for digest in loose if digest not in sizes])
        self._bring_loose(sizes)
        for digest in self._cache.missing(left):
            self.done.failed.setdefault(digest, f"{digest} is not on the remote.")

    def _bring_parts(self, packed: Mapping[Digest, str]) -> list[str]:
        """Brings what is cheaper without the rest of its pack; returns the packs that are to come whole."""
        shelf, wanted, whole = self._shelf, list[Part](), list[str]()
        places: dict[str, dict[Digest, tuple[int, int]]] = {}
        for digest, pack_id in packed.items():
            places.setdefault(pack_id, {})[digest] = shelf.place(digest)
        for pack_id, there in places.items():
            some = parts(pack_id, shelf.pack_size(pack_id), there) if shelf.store.has_ranges() else []
            wanted += some
            whole += [] if some else [pack_id]
        self._expect(part.length for part in wanted)
        with ExitStack() as stack:
            algos = {digest.algo for part in wanted for digest in part.places}
            writers = {algo: stack.enter_context(self._cache.writer(algo)) for algo in algos}
            for part, found in fetch(shelf.store, wanted, shelf.jobs):
                if found is None:
                    whole.append(part.pack)
                    continue
                for digest, data in found.items():
                    writers[digest.algo].add_bytes(data, is_dir=digest.is_dir)
                self._count(len(found), part.length)
        return list(dict.fromkeys(whole))

    def _bring_packs(self, pack_ids: Iterable[str]) -> None:
        wanted = list(pack_ids)
        self._expect(map(self._shelf.pack_size, wanted))
        large = any(self._shelf.pack_size(pack_id) > _LARGE_PACK for pack_id in wanted)
        at_once = _PACKS_AT_ONCE if large else max(_PACKS_AT_ONCE, self._shelf.jobs)
        for pack_id, received in each(self._receive_pack, wanted, at_once, Received.__exit__):
            if isinstance(received, CorruptRemote | KeyMissing):
                self._fail_pack(pack_id, received.message)
            elif isinstance(received, RemoteError):
                self._fail_pack(pack_id, self._patience.refused(received))
            elif isinstance(received, AssayError):
                raise received
            else:
                self._adopt_pack(pack_id, received)

    def _bring_undescribed(self, wanted: Iterable[Digest]) -> None:
        """Brings packs that no index speaks of, and says so where one had something that is wanted."""
        is_known = any(key.startswith(INDEXES) for key in self._shelf.damaged)
        for pack_id in self._shelf.undescribed():
            missing = self._cache.missing(wanted)
            if missing:
                self._bring_packs([pack_id])
                if len(self._cache.missing(missing)) < len(missing) and not is_known:
                    key = pack_key(pack_id)
                    self._shelf.damaged[key] = f"{key} is whole, but the index that speaks of it is gone."

    def _receive_pack(self, pack_id: str) -> Received:
        key = pack_key(pack_id)
        algo = pack_algo(pack_id) or self._shelf.hash_name
        received = Received(self._cache.tmp(), lambda: hasher(algo), pack_id, f"{self._shelf.store.url}/{key}")
        try:
            self._shelf.store.get_to(key, received)
            received.checked()
        except BaseException:
            received.__exit__()
            raise
        return received

    def _adopt_pack(self, pack_id: str, received: Received) -> None:
        with received:
            try:
                self._cache.adopt_pack(received.checked().path, pack_id)
            except CorruptArtifact as error:
                self._fail_pack(pack_id, error.message)
                return
        self._count(len(self._cache.pack_entries(pack_id)), self._shelf.pack_size(pack_id))

    def _fail_pack(self, pack_id: str, message: str) -> None:
        self.done.failed.update((digest, message) for digest in self._shelf.digests_in(pack_id))

    def _loose_sizes(self, digests: list[Digest]) -> dict[Digest, int]:
        sizes = {}
        for digest, size in each(lambda one: self._shelf.store.size(loose_key(one)), digests, self._shelf.jobs):
            if isinstance(size, AssayError):
                raise size
            if size is not None:
                sizes[digest] = size
        return sizes

    def _bring_loose(self, sizes: dict[Digest, int]) -> None:
        self._expect(sizes.values())
        for digest, result in each(self._receive_object, sizes, self._shelf.jobs):
            if isinstance(result, CorruptRemote | KeyMissing):
                self.done.failed[digest] = result.message
            elif isinstance(result, RemoteError):
                self.done.failed[digest] = self._patience.refused(result)
            elif isinstance(result, AssayError):
                raise result
            else:
                self._count(1, sizes[digest])

    def _receive_object(self, digest: Digest) -> None:
        key = loose_key(digest)
        try:
            with self._cache.receive(digest) as sink:
                self._shelf.store.get_to(key, sink)
        except CorruptArtifact as error:
            raise CorruptRemote(
                f"{self._shelf.store.url}/{key} is damaged: its content is not what its name says."
            ) from error

    def _expect(self, sizes: Iterable[int]) -> None:
        """Tells how much is coming before it comes: of a large file nothing is counted until it is here."""
        if more := sum(sizes):
            self._total += more
            self._tell()

    def _count(self, artifacts: int, size: int) -> None:
        self._patience.passed()
        self.done.artifacts += artifacts
        self.done.size += size
        self._tell()

    def _tell(self) -> None:
        self._report(Progress(self._task, self.done.size, max(self._total, self.done.size), "B"))
