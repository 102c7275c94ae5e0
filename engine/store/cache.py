"""The cache: every artifact this project has, by its digest.

`Cache` is the one class that the rest of the program needs: reading (`CacheReader`), writing (`CacheWriter`), and
taking in what comes from a remote, which is verified before it gets a name. docs/formats.md, "Cache", has the layout.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from types import TracebackType

from assay.engine import disk
from assay.engine.errors import CorruptArtifact, StoreError
from assay.engine.model import Digest, HashName
from assay.engine.store.digest import hasher
from assay.engine.store.pack import check_pack
from assay.engine.store.reader import CacheReader
from assay.engine.store.writer import CacheWriter


class Cache(CacheReader):
    """A cache that can be read and added to."""

    def writer(self, algo: HashName | None = None) -> CacheWriter:
        """A context manager that adds artifacts; they are visible when its block ends without an exception.

        ``algo`` is the hash that names them, where that is not the one of new artifacts.
        """
        return CacheWriter(self, algo or self.algo)

    def new_file(self) -> disk.NewFile:
        """A file for `adopt_pack`, on the cache's file system.

        Raises:
            AssayError: The cache cannot be written.
        """
        try:
            return disk.NewFile(self.tmp(), 0o444)
        except OSError as error:
            raise disk.no_space(error, self.folder) from error

    def receive(self, digest: Digest) -> Incoming:
        """A context manager that gives a stream to write an object into, in bounded memory.

        When its block ends well the object is in the cache; when the content is not what the digest says,
        CorruptArtifact is raised there and nothing was taken in.
        """
        return Incoming(self, digest)

    def keep_lent(self, digests: Iterable[Digest]) -> None:
        """Writes down those of the digests that were only lent (`lend`), so that they can travel as objects.

        Raises:
            AssayError: The cache cannot be written.
        """
        for digest in self.lent.intersection(digests):
            if digest not in self:
                with self.receive(digest) as sink:
                    sink.write(self.read(digest))

    def adopt_pack(self, path: str, pack_id: str, progress: Callable[[int], None] | None = None) -> None:
        """Verifies every byte of a pack and moves it into the cache.

        Args:
            path: A finished file on the cache's file system (of `new_file`); it is gone afterwards.
            pack_id: The name it should have.
            progress: Called with the size of each object that was read.

        Raises:
            CorruptArtifact: The file is not that pack, or an object in it is not what its entry says.
        """
        entries = check_pack(path, pack_id, progress)
        try:
            self.make_folders(self.index.folder)
            disk.chmod(path, 0o444)
            disk.rename(path, self.index.path(pack_id))
        except OSError as error:
            raise disk.no_space(error, self.index.folder) from error
        self.index.add(pack_id, entries)

    def materialise(self, digest: Digest) -> str:
        """The path of an object as a verified file of its own; a packed one is copied out first.

        Raises:
            MissingArtifact: It is not in the cache.
            CorruptArtifact: It is damaged.
        """
        path = self.sound_path(digest)
        if path is None and self.known_loose(digest) is not None:
            path = self.sound_path(digest)
        if path is None:
            data = self.read(digest)
            with self.receive(digest) as sink:
                sink.write(data)
            path = self.object_path(digest)
        return path


class Incoming(io.RawIOBase):
    """An object on its way into the cache: write to it, and leave the block to have it verified and named."""

    def __init__(self, cache: Cache, digest: Digest) -> None:
        super().__init__()
        self._cache = cache
        self._digest = digest
        self._state = hasher(digest.algo)
        self._file: disk.NewFile | None = None

    def __enter__(self) -> Incoming:
        self._file = self._cache.new_file()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().close()
        if self._file is None:
            return
        with self._file as file:
            if kind is None:
                if self._state.digest().hex() != self._digest.hex:
                    raise not_what_it_says(self._digest)
                self._cache.put(file, self._digest)

    def restart(self) -> None:
        """Forgets what came so far; the first byte comes next."""
        self._state = hasher(self._digest.algo)
        if self._file is not None and self._file.size:
            self._file.restart()

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer of bytes
        """Takes the next bytes and returns how many."""
        if self._file is None:
            raise StoreError(f"{self._digest} is not being received.")
        try:
            self._file.write(data)  # type: ignore[arg-type]
        except OSError as error:
            raise disk.no_space(error, self._cache.folder) from error
        self._state.update(data)
        return len(data)


def not_what_it_says(digest: Digest) -> CorruptArtifact:
    """The error for content from elsewhere that does not match its name."""
    return CorruptArtifact(f"What was received as {digest} is something else.", "Try again; if it stays, push it anew.")
