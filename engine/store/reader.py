"""Reading the cache, and its housekeeping: nothing leaves it without having been hashed.

Objects lie in packs or as files of their own; a reader need not know which. What does not match its name is
moved to ``quarantine/`` and named in the error, and from then on it is simply missing, so that the next pull or
add brings it back. A damaged pack is first copied without its bad objects. What is nowhere else is looked for in the
trash, and comes back from there (`Trash`).

Limits: `Digest in cache` and `missing` look at names and sizes only (an empty file under the name of something
else counts as missing); bytes are checked where they are read.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import BinaryIO, cast

from assay.engine import disk
from assay.engine.errors import CorruptArtifact, MissingArtifact, StoreError
from assay.engine.layout import SMALL
from assay.engine.model import Digest, HashName
from assay.engine.store.digest import CHUNK, chunks, hasher, object_key, one_shot
from assay.engine.store.files import Descriptor, Reading, read_to_end, unreadable
from assay.engine.store.pack import PackInfo, check_object, digest_of, key_of, read_entries
from assay.engine.store.packindex import PackIndex
from assay.engine.store.repack import rescue
from assay.engine.store.statcache import StatCache, now, seen_as
from assay.engine.store.trash import Trash

_PULL = "Run `assay pull` to fetch it again."
_OPEN_PACKS = 32
_LOOKS = 8
_O_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


SHARED_FOLDER, SHARED_FILE = 0o2775, 0o664
"""Modes of folders, and of files that can change, in a cache that a group shares; those that DVC gives them."""


class CacheReader:
    """The read side of a cache.

    Args:
        folder: Absolute path; it need not exist.
        algo: The hash of new artifacts.
        seen: Which large objects have been verified before and have not been touched since; without one, that is
            known only as long as this object lives. Its owner flushes it.
        pack_limit: Bytes: smaller objects, and manifests, go into packs; 0 for a cache of files alone.
        shared: Whether a group of users shares the cache: new folders are then theirs, too, whatever the umask.
    """

    def __init__(
        self,
        folder: str,
        algo: HashName,
        seen: StatCache | None = None,
        pack_limit: int = SMALL,
        *,
        shared: bool = False,
    ) -> None:
        self.folder = folder
        self.pack_limit = pack_limit
        self.shared = shared
        self.algo: HashName = algo
        self.index = PackIndex(f"{folder}/packs")
        self.trash = Trash(folder)
        self.seen = seen if seen is not None else StatCache("")
        self._open: dict[str, Descriptor] = {}
        self._lent: dict[Digest, bytes] = {}

    def close(self) -> None:
        """Closes files; the next read opens them again."""
        self.index.close()
        self._open.clear()

    def __contains__(self, digest: Digest) -> bool:
        return not self.missing((digest,))

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those of the digests that the cache has not."""
        absent = self._absent(digests) if self.index.is_empty else {one for one in digests if not self.has(one)}
        if absent and self.index.rescan():
            absent = {digest for digest in absent if not self.has(digest)}
        if absent and not self.trash.is_empty():
            for look in range(_LOOKS):  # another process may move them to the trash, and out of it, at any moment
                is_coming = self.trash.recover(absent)
                self.index.rescan()
                absent = {digest for digest in absent if not self.has(digest)}
                if not absent or (look and not is_coming):
                    break
        return absent

    def _absent(self, digests: Iterable[Digest]) -> set[Digest]:
        """Those that are no files of their own: the fast way where there are no packs."""
        absent = set()
        for digest in digests:
            try:
                if os.stat(f"{self.folder}/{object_key(digest)}").st_size:
                    continue
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                raise unreadable(self.object_path(digest), error) from error
            if not self.has(digest):
                absent.add(digest)
        return absent

    def has(self, digest: Digest) -> bool:
        """Whether an object is there, as far as is known without looking for new packs."""
        return self.is_packed(digest) or self.loose_path(digest) is not None

    def size(self, digest: Digest) -> int | None:
        """An object's size in bytes, as far as is known without looking for new packs; None when it is not there."""
        place = self.index.find(key_of(digest))
        if place is not None:
            return place[2]
        return self._loose_size(self.object_path(digest), digest)

    def object_path(self, digest: Digest) -> str:
        """Where an object lies, or would lie, as a file of its own."""
        return f"{self.folder}/{object_key(digest)}"

    def loose_path(self, digest: Digest) -> str | None:
        """The file of an object that has one; its content is not verified (see `sound_path`)."""
        path = self.object_path(digest)
        return None if self._loose_size(path, digest) is None else path

    def _loose_size(self, path: str, digest: Digest) -> int | None:
        try:
            size = os.stat(path).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        return size if size or _is_empty(digest) else None

    def known_loose(self, digest: Digest) -> str | None:
        """The file of an object that no pack has, from the trash if need be; None when it is packed or not there."""
        if self.is_packed(digest):
            return None
        path = self.loose_path(digest)
        if path is None and digest in self:  # it came meanwhile, or from the trash
            path = self.loose_path(digest)
        return path

    def sound_path(self, digest: Digest) -> str | None:
        """The file of an object that has one, verified now, or earlier and untouched since.

        Raises:
            CorruptArtifact: The content is another one; the file is in quarantine now.
        """
        path = self.object_path(digest)
        try:
            stat = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        if self.seen.get(path, stat) == digest:
            return path
        started = now()
        state = hasher(digest.algo)
        try:
            file = Reading(path)
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):  # a collection has taken it since
                return None
            raise
        with file:
            for chunk in chunks(file.stream):
                state.update(chunk)
        if state.digest().hex() != digest.hex:
            raise self._condemn_file(digest, path, stat)
        self.seen.put(path, stat, digest, started)
        return path

    def vouch(self, digest: Digest, stat: os.stat_result) -> None:
        """Remembers that the file of an object is sound and has these stat data."""
        self.seen.remember(self.object_path(digest), seen_as(stat, digest.algo, bytes.fromhex(digest.hex)))

    def lend(self, digest: Digest, data: bytes) -> None:
        """Lets `read` give a manifest that is not in the cache, but whose content somebody knows."""
        self._lent[digest] = data

    @property
    def lent(self) -> frozenset[Digest]:
        """The manifests that were lent; the cache may have them, too."""
        return frozenset(self._lent)

    def is_packed(self, digest: Digest) -> bool:
        """Whether a pack holds an object, as far as is known without looking for new packs."""
        return not self.index.is_empty and self.index.find(key_of(digest)) is not None

    def read(self, digest: Digest) -> bytes:
        """An object's content, verified.

        Raises:
            MissingArtifact: It is not in the cache.
            CorruptArtifact: What was there under its name is something else; it is in quarantine now.
        """
        data = self._lent.get(digest)
        if data is None:
            data = self.packed(digest)
        if data is None:
            data = self._from_file(digest)
        if data is None and digest in self:  # in a new pack, or just back from the trash
            data = self.packed(digest)
            data = self._from_file(digest) if data is None else data
        if data is None:
            raise self.absent(digest)
        return data

    def packed(self, digest: Digest) -> bytes | None:
        """The content of an object that a known pack holds, verified; None when none does. Raises CorruptArtifact."""
        if self.index.is_empty:
            return None
        key = key_of(digest)
        for _ in range(8):  # each turn is another process that merged packs meanwhile
            place = self.index.find(key)
            if place is None:
                return None
            data = self._slice(*place)
            if data is None:
                self.index.rescan()
            elif check_object(key, data):
                return data
            else:
                self.index.distrust()
                if self.index.find(key) == place:
                    raise self._condemn_pack(place[0], key)
        return None

    def open(self, digest: Digest) -> BinaryIO:
        """An object's content as a stream that cannot seek.

        It is verified on the way: instead of the last bytes of a damaged object comes CorruptArtifact.

        Raises:
            MissingArtifact: It is not in the cache.
        """
        path = self.known_loose(digest)
        if path is None:
            return io.BytesIO(self.read(digest))
        try:
            file = open(path, "rb", buffering=0)  # noqa: SIM115  # the stream owns it
        except FileNotFoundError:
            raise self.absent(digest) from None
        except OSError as error:
            raise unreadable(path, error) from error
        stat = os.fstat(file.fileno())
        stream = _Verifying(file, digest, stat.st_size, lambda: self._condemn_file(digest, path, stat))
        return cast(BinaryIO, io.BufferedReader(stream, CHUNK))

    def packs(self) -> list[PackInfo]:
        """The packs in the cache at this moment, by id."""
        return self.index.packs()

    def pack_entries(self, pack_id: str) -> Mapping[Digest, tuple[int, int]]:
        """What a pack says it holds: digest to offset and length. Raises CorruptArtifact, MissingArtifact."""
        try:
            entries = read_entries(self.index.path(pack_id))
        except FileNotFoundError:
            raise MissingArtifact(f"The pack {pack_id} is not in the cache {self.folder}.") from None
        return {digest_of(key): place for key, place in entries.items()}

    def absent(self, digest: Digest) -> MissingArtifact:
        """The error for an object that is not there."""
        damaged = "".join(f" {sentence}" for sentence in self.index.unreadable.values())
        return MissingArtifact(f"{digest} is not in the cache {self.folder}.{damaged}", _PULL)

    def _slice(self, pack_id: str, offset: int, size: int) -> bytes | None:
        descriptor = self._open.get(pack_id)
        if descriptor is None:
            try:
                descriptor = Descriptor(self.index.path(pack_id))
            except FileNotFoundError:
                return None
            except OSError as error:
                raise unreadable(self.index.path(pack_id), error) from error
            if len(self._open) >= _OPEN_PACKS:
                self._open.clear()
            self._open[pack_id] = descriptor
        return os.pread(descriptor.fd, size, offset)

    def read_small(self, digest: Digest) -> bytes | None:
        """The content, verified, of an object that is a small file of its own; None where it is not. As `read`."""
        return self._from_file(digest, SMALL)

    def _from_file(self, digest: Digest, limit: int | None = None) -> bytes | None:
        path = self.object_path(digest)
        try:
            fd = os.open(path, os.O_RDONLY | _O_CLOEXEC)
            try:
                stat = os.fstat(fd)
                if limit is not None and stat.st_size > limit:
                    return None
                data = read_to_end(fd, stat.st_size)
            finally:
                os.close(fd)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(path, error) from error
        if one_shot(digest.algo)(data).hex() != digest.hex:
            raise self._condemn_file(digest, path, stat)
        return data

    def _condemn_file(self, digest: Digest, path: str, stat: os.stat_result) -> CorruptArtifact:
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), stat):  # else somebody has just put a sound one in its place
                self.quarantine(path)
        return self._corrupt(digest)

    def _condemn_pack(self, pack_id: str, key: bytes) -> CorruptArtifact:
        with suppress(OSError):  # a cache that cannot be written still names what is wrong
            self.set_aside_pack(pack_id)
        return self._corrupt(digest_of(key))

    def _corrupt(self, digest: Digest) -> CorruptArtifact:
        return CorruptArtifact(
            f"The cached object {digest} is damaged: its content is another one.",
            f"{_PULL} What was there is kept in {self.folder}/quarantine.",
        )

    def set_aside_pack(self, pack_id: str) -> list[Digest]:
        """Puts a damaged pack into quarantine, after a copy without its bad objects; returns what is lost.

        Raises:
            OSError: The copy cannot be written; the pack is where it was.
        """
        lost = rescue(self.index, pack_id, self.tmp(), self.algo)
        if lost is None:
            return []
        self.quarantine(self.index.path(pack_id))
        self._open.pop(pack_id, None)
        self.index.rescan()
        return lost

    def quarantine(self, path: str) -> None:
        """Moves a file out of the way without losing it; a cache that cannot be written is left as it is."""
        with suppress(OSError):
            folder = f"{self.folder}/quarantine"
            self.make_folders(folder)
            disk.rename(path, f"{disk.temp_name(folder).replace(disk.TEMP_PREFIX, '')}-{os.path.basename(path)}")

    def put(self, temp: disk.NewFile, digest: Digest) -> None:
        """Gives a finished file the name of an object; the caller has hashed it.

        Raises:
            AssayError: The cache cannot be written.
        """
        path = self.object_path(digest)
        try:
            try:
                temp.publish(path)
            except FileNotFoundError:
                self.make_folders(os.path.dirname(path))
                temp.publish(path)
        except OSError as error:
            raise disk.no_space(error, self.folder) from error

    def tmp(self) -> str:
        """The folder for files being written; it is made."""
        folder = os.path.join(self.folder, "tmp")
        self.make_folders(folder)
        return folder

    def make_folders(self, path: str) -> None:
        """Makes a folder of the cache, with the mode that it is to have."""
        disk.make_folders(path, SHARED_FOLDER if self.shared else None)


def _is_empty(digest: Digest) -> bool:
    return one_shot(digest.algo)(b"").hex() == digest.hex


class _Verifying(io.RawIOBase):
    """A raw stream that hashes what passes, and raises in place of the last bytes when the sum is wrong."""

    def __init__(self, file: io.FileIO, digest: Digest, size: int, condemn: Callable[[], CorruptArtifact]) -> None:
        super().__init__()
        self._file = file
        self._state = hasher(digest.algo)
        self._wanted = digest.hex
        self._left = size
        self._condemn = condemn

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        count = self._file.readinto(buffer) or 0
        self._state.update(memoryview(buffer)[:count])
        self._left -= count
        if (self._left <= 0 or not count) and self._state.digest().hex() != self._wanted:
            raise self._condemn()
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
