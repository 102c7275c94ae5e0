"""Artifacts in DVC's layout: every file and every listing an object of its own, under its digest.

Readable and writable by DVC as well, so nobody else's order can be relied upon: that a listing is there says nothing
about the files it names, and each object is looked for by its own name. Where many are looked for, their prefixes are
listed instead, which answers the same question with fewer requests. What has another size there than here was cut
short, and is sent again.

Files go before the listings that name them, and a listing goes only when all its files are there (law 1). Everything
is hashed while it is read, and again when it arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from assay.engine.errors import (
    AccessDenied,
    AssayError,
    CorruptArtifact,
    CorruptRemote,
    KeyMissing,
    RemoteError,
    StoreError,
)
from assay.engine.events import Done, Note, Progress, Reporter
from assay.engine.layout import SMALL
from assay.engine.model import Digest
from assay.engine.ports import RemoteStore
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes, object_key, parse_key
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.holdings import Moved, Patience
from assay.remotes.parallel import each
from assay.remotes.verify import CachedObject

_FEW = 32
"""Up to so many objects are asked for one by one without a thought."""
_FOLDERS, _PAGE = 256, 1000
"""Objects lie in so many folders; a request lists so many of them."""
_TOGETHER = 64
"""At most so many objects are handed to a thread at once."""
_KEYS_PER_QUESTION = 4
"""Listing so many keys takes about as long as asking for one."""


class LooseHoldings:
    """The artifacts on a remote of DVC's layout.

    Args:
        cache: The artifacts on this side.
        store: The remote.
        jobs: How many requests at once.
        report: Where progress goes.
    """

    def __init__(self, cache: Cache, store: RemoteStore, jobs: int, report: Reporter) -> None:
        self._cache = cache
        self._store = store
        self._jobs = jobs
        self._report = report

    @property
    def damaged(self) -> Mapping[str, str]:
        """Nothing: what is damaged is an artifact, and fails as such."""
        return {}

    def known(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of these objects that are there now; what has another size than here was cut short."""
        sizes = self._sizes(set(digests))
        return {digest for digest, size in sizes.items() if self._cache.size(digest) in (None, size)}

    def peek(self, manifest: Digest) -> bytes | None:
        """A listing, as it is there."""
        try:
            data = self._store.get(object_key(manifest))
        except KeyMissing:
            return None
        return data if digest_bytes(manifest.algo, data, is_dir=True) == manifest else None

    def whole(self, roots: Collection[Digest]) -> set[Digest]:  # noqa: ARG002  # as the port has it
        """None: others write there as well, so each object is looked for by its own name."""
        return set()

    def remember(self, roots: Collection[Digest], contents: Contents) -> None:
        """Nothing."""

    def send(self, digests: Collection[Digest], contents: Contents) -> Moved:
        """Sends what is missing there: files first, then the listings whose files are all there."""
        moved = Moved()
        there = self._sizes(digests)
        sizes: dict[Digest, int] = {}
        for digest in digests:
            size = self._cache.size(digest)
            if size is None and digest not in there:
                moved.failed[digest] = f"{digest} is neither in the cache nor on the remote."
            elif size is not None and there.get(digest) != size:
                sizes[digest] = size
        files = [digest for digest in sizes if not digest.is_dir]
        task = f"sending data to {self._store.url}"

        def send(digest: Digest) -> int:
            return self._send_one(digest, sizes[digest])

        self._each(task, len(sizes), send, files, moved)
        listings = []
        for digest in digests:
            below = contents.below(digest) or () if digest.is_dir else ()
            why = next((moved.failed[child] for child in below if child in moved.failed), "")
            if why and digest in sizes:
                moved.failed.setdefault(digest, why)
            elif digest.is_dir and digest in sizes:
                listings.append(digest)
        if files:
            self._store.settle()
        self._each(task, len(sizes), send, listings, moved)
        if listings:
            self._store.settle()
        if sizes:
            self._report(Done(task))
        return moved

    def tidy(self) -> None:
        """Nothing: each artifact is an object of its own."""

    def bring(self, roots: Iterable[Digest], contents: Contents, *, only_manifests: bool = False) -> Moved:
        """Brings what is missing here: listings first, since they say what else there is."""
        moved = Moved()
        task = f"fetching data from {self._store.url}"
        level, seen = set(roots), set[Digest]()
        while level:
            seen |= level
            wanted = {digest for digest in level if digest.is_dir} if only_manifests else level
            missing = self._cache.missing(wanted)
            self._each(task, moved.artifacts + len(missing), self._bring_one, missing, moved)
            below: set[Digest] = set()
            for digest in level:
                children = contents.below(digest)
                if children is not None:
                    below.update(children)
                elif digest in contents.broken:
                    moved.failed[digest] = contents.broken[digest]
            level = below - seen
        if moved.artifacts:
            self._report(Done(task))
        return moved

    def _each(
        self, task: str, total: int, work: Callable[[Digest], int], digests: Iterable[Digest], moved: Moved
    ) -> None:
        """Moves objects, counting them and their bytes; what is wrong with single ones is noted."""

        def do(group: Sequence[Digest]) -> list[tuple[Digest, int | str]]:
            return [(digest, _outcome(work, digest, patience)) for digest in group]

        patience = Patience()
        if total > moved.artifacts:
            self._report(Progress(task, moved.artifacts, total, "files"))
        for _, done in each(do, _grouped(sorted(digests), self._jobs), self._jobs):
            if isinstance(done, AssayError):
                raise done
            for digest, outcome in done:
                if isinstance(outcome, str):
                    moved.failed[digest] = outcome
                else:
                    moved.artifacts += 1
                    moved.size += outcome
            self._report(Progress(task, moved.artifacts, total, "files"))

    def _send_one(self, digest: Digest, size: int) -> int:
        if size < SMALL:
            data = self._cache.read(digest)
            self._store.put(object_key(digest), data)
            return len(data)
        with CachedObject(self._cache, digest) as source:
            self._store.put_from(object_key(digest), source)
        return size

    def _bring_one(self, digest: Digest) -> int:
        key = object_key(digest)
        try:
            with self._cache.receive(digest) as sink:
                return self._store.get_to(key, sink)
        except CorruptArtifact as error:
            raise CorruptRemote(
                f"{self._store.url}/{key} is damaged: its content is not what its name says.",
                "Remove it there, and push again from a project that has it.",
            ) from error
        except KeyMissing as error:
            raise KeyMissing(f"{digest} is not on the remote.", error.hint) from error

    def _sizes(self, digests: Collection[Digest]) -> dict[Digest, int]:
        """The sizes of those that are there, each looked for by its own name, or found where names like it are."""
        folders: dict[str, list[Digest]] = {}
        for digest in digests:
            folders.setdefault(object_key(digest).rpartition("/")[0] + "/", []).append(digest)
        crowd = self._crowd(folders) if len(digests) > _FEW else None
        listed = {
            name for name, inside in folders.items() if crowd is not None and len(inside) * _KEYS_PER_QUESTION > crowd
        }
        found: dict[Digest, int] = {}
        for _, sizes in each(self._list, _joined(listed, crowd or 0), self._jobs):
            if isinstance(sizes, AssayError):
                raise sizes
            found.update(sizes)
        single = (digest for name, inside in folders.items() if name not in listed for digest in inside)
        for digest, size in each(lambda one: self._store.size(object_key(one)), single, self._jobs):
            if isinstance(size, AssayError):
                raise size
            if size is not None:
                found[digest] = size
        wanted = set(digests)
        return {digest: size for digest, size in found.items() if digest in wanted}

    def _crowd(self, folders: Mapping[str, list[Digest]]) -> int | None:
        """How many objects a folder of the remote holds, judged by one of them; None where nobody may see it."""
        fullest = max(folders, key=lambda name: len(folders[name]))
        try:
            return len(self._list(fullest))
        except AccessDenied as error:
            self._report(Note(f"{error.message} Each object is asked for by its own name instead."))
            return None

    def _list(self, folder: str) -> dict[Digest, int]:
        found = {}
        for key, size, _ in self._store.list(folder):
            digest = parse_key(key)
            if digest is not None:
                found[digest] = size
        return found


def _outcome(work: Callable[[Digest], int], digest: Digest, patience: Patience) -> int | str:
    """The bytes that travelled, or why they did not: what is wrong with one object disturbs no other."""
    try:
        size = work(digest)
    except (StoreError, CorruptRemote, KeyMissing) as error:
        return error.message
    except RemoteError as error:
        return patience.refused(error)
    patience.passed()
    return size


def _grouped(digests: Sequence[Digest], jobs: int) -> Iterator[Sequence[Digest]]:
    """Neighbours together: one thread goes through one folder, and hands over less often."""
    length = max(1, min(_TOGETHER, len(digests) // (4 * jobs)))
    return (digests[start : start + length] for start in range(0, len(digests), length))


def _joined(folders: Collection[str], crowd: int) -> list[str]:
    """The same places to list with fewer requests: the folder above, where all that it holds fits on a few pages.

    Args:
        folders: Neighbours such as ``files/md5/ab/``.
        crowd: How many objects each of them holds, about.
    """
    found: list[str] = []
    for above in {name[:-3] for name in folders}:
        inside = [name for name in folders if name[:-3] == above]
        pages = crowd * _FOLDERS // _PAGE + 1
        found += [above] if above and pages < len(inside) else inside
    return found
