"""Collecting: what no root needs goes to the trash, and from there, after a grace, for good.

Which artifacts are roots is the caller's to say. `closure` finds what they need, `survey` what of the cache that is
not, `take` moves it. Deletion runs against the order of publishing (law 1): packs, which hold the manifests, before
files; and of a pack that holds both kinds, the copies of either are in place before it goes. Killed at any step,
everything needed is where it was, or twice; the next collection completes.

What was written only just now stays: a command under way may be about to name it (law 4: writers need no lock). And
what a writer found at the very moment when it was taken comes back by itself (`Trash`).

Limits: some 200 bytes of memory for each object of the cache. A pack that is nearly all needed is left whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from assay.engine import disk
from assay.engine.errors import CorruptArtifact, MissingArtifact
from assay.engine.model import Digest, HashName
from assay.engine.store import loose
from assay.engine.store.cache import Cache
from assay.engine.store.digest import object_key
from assay.engine.store.manifest import named
from assay.engine.store.pack import PackInfo, PackWriter, check_object, digest_of, key_of, objects, read_entries
from assay.engine.store.packindex import TINY

WASTE = 20
"""A large pack of which less than one part in so many is garbage is left as it is."""

_ABANDONED = 24 * 3600


@dataclass
class Survey:
    """What of a cache nobody needs.

    Attributes:
        dead: What would go: key to bytes; what lies in two places counts twice.
        files: Those of them that are files of their own.
        whole: Packs of which nothing is needed.
        mixed: Packs of which something is.
        fresh: Number and bytes of what would go were it not so new.
        held: Bytes of what is there and in the set that was asked about.
        count: How many objects there are.
        size: Bytes of all objects.
    """

    dead: dict[bytes, int] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)
    whole: list[PackInfo] = field(default_factory=list)
    mixed: list[PackInfo] = field(default_factory=list)
    fresh: tuple[int, int] = (0, 0)
    held: int = 0
    count: int = 0
    size: int = 0

    @property
    def dead_size(self) -> int:
        """Bytes that would go."""
        return sum(self.dead.values())


def closure(cache: Cache, roots: Iterable[Digest], live: set[bytes]) -> list[Digest]:
    """Adds everything that roots need to ``live``: themselves, and what is below them.

    Args:
        cache: Where manifests are read.
        roots: Files and directories.
        live: Keys; what is in it already is not looked into again.

    Returns:
        The manifests that are not in the cache, so that nobody knows what is below them.

    Raises:
        CorruptArtifact: A manifest is damaged; it is in quarantine now.
    """
    unknown = []
    stack = list(roots)
    while stack:
        digest = stack.pop()
        key = key_of(digest)
        if key in live:
            continue
        live.add(key)
        if not digest.is_dir:
            continue
        try:
            stack.extend(named(digest, cache.read(digest)))
        except MissingArtifact:
            unknown.append(digest)
    return unknown


class Touched:
    """Tells which artifacts would lose something, and gathers what they would lose.

    Args:
        cache: Where manifests are read.
        dead: Keys of what would go.

    Attributes:
        lost: Keys of what artifacts that were asked about would lose.
    """

    def __init__(self, cache: Cache, dead: dict[bytes, int]) -> None:
        self.lost: set[bytes] = set()
        self._cache = cache
        self._dead = dead
        self._known: dict[bytes, bool] = {}

    def __call__(self, digest: Digest) -> bool:
        """Whether an artifact would lose something; what cannot be looked into loses nothing that is known."""
        known = self._known
        children: dict[Digest, tuple[Digest, ...]] = {}
        stack = [digest]
        while stack:
            here = stack[-1]
            key = key_of(here)
            if key not in known:
                if here not in children:
                    children[here] = self._below(here) if here.is_dir else ()
                    waiting = [child for child in children[here] if key_of(child) not in known]
                    if waiting:
                        stack.extend(waiting)
                        continue
                if key in self._dead:
                    self.lost.add(key)
                known[key] = key in self._dead or any(known[key_of(child)] for child in children.pop(here))
            stack.pop()
        return known[key_of(digest)]

    def _below(self, digest: Digest) -> tuple[Digest, ...]:
        try:
            return named(digest, self._cache.read(digest))
        except (MissingArtifact, CorruptArtifact):
            return ()


def survey(cache: Cache, live: set[bytes], fresh_since: float, held: Iterable[bytes] = ()) -> Survey:
    """Compares the cache with what is needed, and changes nothing.

    Args:
        cache: The cache.
        live: Keys of everything that is needed.
        fresh_since: What was written then or later stays, in seconds since 1970.
        held: Keys whose bytes are to be summed.

    Raises:
        StoreError: A folder cannot be read.
    """
    found = Survey()
    asked = frozenset(held)
    for key, size, mtime in _files(cache):
        found.count += 1
        found.size += size
        if key in live:
            found.held += size if key in asked else 0
        elif mtime >= fresh_since:
            found.fresh = found.fresh[0] + 1, found.fresh[1] + size
        else:
            found.files.append(key)
            found.dead[key] = found.dead.get(key, 0) + size
    for pack in cache.packs():
        try:
            sizes = {key: size for key, (_, size) in read_entries(pack.path).items()}
            mtime = os.stat(pack.path).st_mtime
        except (FileNotFoundError, CorruptArtifact):  # merged by another process meanwhile; or for fsck to tell
            continue
        _judge(found, pack, sizes, live, mtime >= fresh_since)
        found.held += sum(size for key, size in sizes.items() if key in asked) if asked else 0
    return found


def _judge(found: Survey, pack: PackInfo, sizes: dict[bytes, int], live: set[bytes], is_fresh: bool) -> None:
    """Decides about one pack."""
    dead = {key: size for key, size in sizes.items() if key not in live}
    waste = sum(dead.values())
    found.count += len(sizes)
    found.size += sum(sizes.values())
    if not dead:
        return
    if is_fresh:
        found.fresh = found.fresh[0] + len(dead), found.fresh[1] + waste
        return
    if len(dead) == len(sizes):
        found.whole.append(pack)
    elif pack.size >= TINY and waste * WASTE < pack.size:
        return
    else:
        found.mixed.append(pack)
    for key, size in dead.items():
        found.dead[key] = found.dead.get(key, 0) + size


def _files(cache: Cache) -> Iterator[tuple[bytes, int, float]]:
    """Objects that are files of their own: key, size, time."""
    for _, digest, stat in loose.walk(cache.folder):
        if digest is not None:
            yield key_of(digest), stat.st_size, stat.st_mtime


def take(cache: Cache, found: Survey, bin_path: str, told: Callable[[int], None] | None = None) -> None:
    """Moves what nobody needs into a folder of the trash.

    Args:
        cache: The cache.
        found: Of `survey`, made just now.
        bin_path: Of `Trash.begin`.
        told: Hears of the bytes that went.

    Raises:
        OSError: The disk refuses; what has not gone is where it was.
    """
    told = told or (lambda _: None)
    target = f"{bin_path}/packs"
    if found.whole or found.mixed:
        disk.make_folders(target)
    for pack in found.whole:
        _move(pack.path, f"{target}/{pack.id}.pack")
        told(pack.size)
    _split_all(cache, found, target, told)
    for key in sorted(found.files, key=lambda key: not digest_of(key).is_dir):
        name = object_key(digest_of(key))
        disk.make_folders(os.path.dirname(f"{bin_path}/{name}"))
        _move(f"{cache.folder}/{name}", f"{bin_path}/{name}")
        told(found.dead[key])
    cache.index.rescan()


def _move(source: str, target: str) -> None:
    try:
        disk.rename(source, target)
    except FileNotFoundError:  # another process merged that pack, or put that file into quarantine
        if not os.path.isdir(os.path.dirname(target)):
            raise


def _split_all(cache: Cache, found: Survey, target: str, told: Callable[[int], None]) -> None:
    """Writes mixed packs anew, as many at a time as fill a new one."""
    group: list[PackInfo] = []
    for pack in found.mixed:
        group.append(pack)
        if sum(each.size for each in group) >= 32 << 20:
            _split(cache, group, found.dead, target)
            told(sum(each.size for each in group))
            group = []
    if group:
        _split(cache, group, found.dead, target)
        told(sum(each.size for each in group))


def _split(cache: Cache, group: list[PackInfo], dead: dict[bytes, int], target: str) -> None:
    """Publishes the garbage of some packs in the trash, then the rest of them in the cache; then they go."""
    kept, gone = _Copies(cache.tmp(), cache.algo), _Copies(cache.tmp(), cache.algo)
    try:
        copied = [pack for pack in group if _copy(pack, dead, kept, gone)]
        gone.publish(target)
        new = kept.publish(cache.index.folder)
    finally:
        kept.drop()
        gone.drop()
    for pack in copied:
        if pack.id != new:
            disk.unlink(pack.path, missing_ok=True)


def _copy(pack: PackInfo, dead: dict[bytes, int], kept: _Copies, gone: _Copies) -> bool:
    """Copies a pack's objects to where they belong; False when the pack must stay."""
    try:
        for key, data in objects(pack.path, read_entries(pack.path)):
            if not check_object(key, data):
                return False
            (gone if key in dead else kept).add(key, data)
    except (FileNotFoundError, CorruptArtifact):
        return False
    return True


class _Copies:
    """A pack being written, begun when there is something to write."""

    def __init__(self, tmp: str, algo: HashName) -> None:
        self._tmp, self._algo = tmp, algo
        self._pack: PackWriter | None = None

    def add(self, key: bytes, data: bytes) -> None:
        """Appends an object, once."""
        if self._pack is None:
            self._pack = PackWriter(self._tmp, self._algo)
        if key not in self._pack.entries:
            self._pack.add(key, data)

    def publish(self, folder: str) -> str:
        """Makes what was written visible and durable; returns the pack's id, empty when there was nothing."""
        if self._pack is None:
            return ""
        self._pack.finish()
        self._pack.sync()
        self._pack.publish(folder)
        disk.sync_folder(folder)
        return self._pack.id

    def drop(self) -> None:
        """Removes what was not published."""
        if self._pack is not None:
            self._pack.drop()


def sweep(cache: Cache, now: float) -> int:
    """Removes what killed commands left in the folder for files being written; returns how many files went."""
    folder, gone = os.path.join(cache.folder, "tmp"), 0
    if os.path.isdir(folder):
        for path, entry in disk.walk(folder):
            if disk.is_temp(os.path.basename(path)) and entry.stat(follow_symlinks=False).st_mtime < now - _ABANDONED:
                disk.unlink(entry.path, missing_ok=True)
                gone += 1
    return gone
