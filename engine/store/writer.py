"""Writing the cache: many artifacts, published together.

Small objects and manifests are gathered in packs that get their names when the writer ends well. Large ones, and
all of them in a cache without packs, become files of their own at once: until a manifest, a lock file or a commit
names one it is garbage like any other (law 1). An object that is already there is not written again; that it still
is, in spite of a collection next door, is made sure of when the others are published. Nothing is synced here; a command
does that once.

Methods may be called from several threads at once; files are read and hashed outside the lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from types import TracebackType
from typing import BinaryIO

from assay.engine import disk
from assay.engine.errors import CorruptArtifact, StoreError
from assay.engine.layout import SMALL
from assay.engine.model import Digest, HashName
from assay.engine.store.digest import chunks, hasher, one_shot
from assay.engine.store.files import ATTEMPTS, Reading, changed
from assay.engine.store.pack import PackWriter, digest_of, key_of
from assay.engine.store.reader import CacheReader
from assay.engine.store.repack import merge_small_packs


def _nobody(_: int) -> None:
    """Nobody wants to hear of progress."""


class CacheWriter:
    """Adds artifacts to a cache; they are visible when the ``with`` block ends without an exception.

    Args:
        cache: The cache.
        algo: The hash that names what is added.
    """

    def __init__(self, cache: CacheReader, algo: HashName) -> None:
        self.cache = cache
        self.algo: HashName = algo
        self._value = one_shot(algo)
        self._lock = threading.Lock()
        self._packs: list[PackWriter] = []
        self._held: set[bytes] = set()
        self._found: set[Digest] = set()
        self._found_packed: set[bytes] = set()
        self._looks = 0
        self._tag = key_of(Digest(algo, ""))
        self._tmp = ""
        self._can_clone = True

    def __enter__(self) -> CacheWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
                self._confirm()
        except OSError as error:
            raise disk.no_space(error, f"{self.cache.folder}/packs") from error
        finally:
            for pack in self._packs:
                pack.drop()
            self._packs.clear()
            self._held.clear()
            self._found.clear()
            self._found_packed.clear()

    def has(self, digest: Digest) -> bool:
        """Whether an object is in the cache or was added to this writer."""
        if key_of(digest) in self._held:
            return True
        found = self.cache.has(digest)
        if found:
            self._found.add(digest)
        return found

    def has_packed(self, raw: bytes) -> bool:
        """Whether a file of this binary digest is in a pack: the fast way for many small files."""
        key = self._tag + raw
        return key in self._held or self._is_packed(key)

    def add_bytes(self, data: bytes, *, is_dir: bool = False) -> Digest:
        """Adds content in memory; ``is_dir`` when it is a directory's manifest. Returns its digest."""
        raw = self._value(data)
        digest = Digest(self.algo, raw.hex(), is_dir)
        if self._goes_into_a_pack(data, is_dir=is_dir):
            self._add_small(key_of(digest), data)
        else:
            self._add_alone(digest, data)
        return digest

    def add_file(self, path: str) -> tuple[Digest, int]:
        """Adds a file's content, read once and in bounded memory; returns its digest and size in bytes.

        Args:
            path: Absolute; a symlink is followed.

        Raises:
            StoreError: The file cannot be read, or changed while it was read, twice.
        """
        digest, stat = self.add_stable(path)
        return digest, stat.st_size

    def add_stable(self, path: str, progress: Callable[[int], None] = _nobody) -> tuple[Digest, os.stat_result]:
        """As `add_file`, with the stat data that belong to the content; ``progress`` hears of the bytes read."""
        for _ in range(ATTEMPTS):
            with Reading(path) as file:
                if file.stat.st_size < SMALL:
                    digest = self._add_small_file(file)
                    progress(file.stat.st_size)
                else:
                    digest = self._add_large_file(file, progress)
                if digest is not None:
                    return digest, file.stat
        raise changed(path)

    def add_hashed(self, raw: bytes, data: bytes) -> None:
        """Adds a small file's content whose binary digest is known: the fast way for many small files."""
        if self._goes_into_a_pack(data, is_dir=False):
            self._add_small(self._tag + raw, data)
        else:
            self._add_alone(Digest(self.algo, raw.hex()), data)

    def _goes_into_a_pack(self, data: bytes, *, is_dir: bool) -> bool:
        return len(data) < self.cache.pack_limit or (is_dir and self.cache.pack_limit > 0)

    def _add_alone(self, digest: Digest, data: bytes) -> None:
        if not self._is_sound(digest):
            try:
                with disk.NewFile(self._tmp_folder(), 0o444) as temp:
                    temp.write(data)
                    self.cache.put(temp, digest)
            except OSError as error:
                raise disk.no_space(error, self.cache.folder) from error

    def _add_small_file(self, file: Reading) -> Digest | None:
        data = file.stream.read(SMALL)
        if not file.is_whole(len(data)):
            return None
        return self.add_bytes(data)

    def _add_large_file(self, file: Reading, progress: Callable[[int], None]) -> Digest | None:
        with self._new_file() as temp:
            self._can_clone = self._can_clone and temp.clone(file.stream.fileno())
            state = hasher(self.algo)
            if self._can_clone:
                with open(temp.path, "rb", buffering=0) as copy:  # what is hashed can no longer change
                    size = _pump(copy, progress, state.update)
            else:
                size = _pump(file.stream, progress, state.update, temp.write)
            if not file.is_whole(size):
                return None
            digest = Digest(self.algo, state.digest().hex())
            if not self._is_sound(digest):
                self.cache.put(temp, digest)
            return digest

    def _tmp_folder(self) -> str:
        self._tmp = self._tmp or self.cache.tmp()
        return self._tmp

    @contextmanager
    def _new_file(self) -> Iterator[disk.NewFile]:
        try:
            with disk.NewFile(self._tmp_folder(), 0o444) as temp:
                yield temp
        except OSError as error:
            raise disk.no_space(error, self.cache.folder) from error

    def _is_sound(self, digest: Digest) -> bool:
        """Whether the cache has this object as a sound file of its own."""
        try:
            found = self.cache.sound_path(digest) is not None
        except CorruptArtifact:  # it is in quarantine now, and what is being added heals it
            return False
        if found:
            self._found.add(digest)
        return found

    def _add_small(self, key: bytes, data: bytes) -> None:
        with self._lock:
            if key in self._held or self._is_packed(key):
                return
            try:
                self._open_pack().add(key, data)
            except OSError as error:
                raise disk.no_space(error, self.cache.folder) from error
            self._held.add(key)

    def _open_pack(self) -> PackWriter:
        if self._packs and not self._packs[-1].is_full:
            return self._packs[-1]
        if self._packs:
            self._packs[-1].finish()
        self._packs.append(PackWriter(self.cache.tmp(), self.algo))
        return self._packs[-1]

    def _is_packed(self, key: bytes) -> bool:
        """Whether a pack of the cache has an object, which then is not added."""
        if self.cache.index.find(key) is None:
            return False
        if not self._found_packed:
            self._looks = self.cache.index.looks
        self._found_packed.add(key)
        return True

    def _confirm(self) -> None:
        """Makes sure that what was found is still there, from the trash if need be."""
        found = self._found
        if self._found_packed and (self.cache.index.rescan() or self.cache.index.looks != self._looks):
            found = found.union(map(digest_of, self._found_packed))
        if found and self.cache.missing(found):
            raise StoreError(
                "Another process took objects out of the cache while they were added.", "Run the same command again."
            )

    def _publish(self) -> None:
        if not self._packs:
            return
        folder = self.cache.index.folder
        self._packs[-1].finish()
        self.cache.make_folders(folder)
        for pack in self._packs:
            pack.publish(folder)
            self.cache.index.add(pack.id, pack.entries)
        with suppress(OSError):  # what was to be added is in place; another command may have more room
            merge_small_packs(self.cache.index, self.cache.tmp(), self.algo)


def _pump(source: BinaryIO | FileIO, progress: Callable[[int], None], *sinks: Callable[[memoryview], object]) -> int:
    total = 0
    for chunk in chunks(source):
        for sink in sinks:
            sink(chunk)
        total += len(chunk)
        progress(len(chunk))
    return total
