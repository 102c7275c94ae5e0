"""A remote in a folder: a mounted share, a disk that is carried around, another place on this machine.

A value appears by a rename, so it is whole or absent. `create` and `swap` run under one lock file at the folder's
root, which names its owner and is taken over when that process is gone. No symlink below the root is followed,
because others may write there too.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from assay.engine import disk
from assay.engine.errors import AccessDenied, AssayError, KeyMissing, RemoteError, Unavailable
from assay.engine.locks import FileLock
from assay.engine.ports import KeyInfo, Sink, Source
from assay.remotes.stores.keys import checked, is_key

_CHUNK = 1 << 20
_LOCK = "lock"
_LOCK_PATIENCE = 10.0
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTDOWN)


class LocalStore:
    """Values in files.

    Args:
        folder: Absolute path; made by the first write.
        url: What the user calls it; the folder when empty.
    """

    def __init__(self, folder: str, url: str = "") -> None:
        self.url = url or folder
        self._root = folder
        self._idle: deque[disk.Folder] = deque()

    def get(self, key: str) -> bytes:
        """The whole value."""
        with self._said(key), self._folder() as folder, folder.open(checked(key)) as file:
            return file.read()

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value into ``sink``."""
        total = 0
        with self._said(key), self._folder() as folder:
            file = folder.open(checked(key))
        with file:
            while True:
                with self._said(key):
                    chunk = file.read(_CHUNK)
                if not chunk:
                    return total
                sink.write(chunk)
                total += len(chunk)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """A part of the value."""
        with self._said(key), self._folder() as folder, folder.open(checked(key)) as file:
            file.seek(start)
            return file.read(length)

    def has_ranges(self) -> bool:
        """Always."""
        return True

    def put(self, key: str, data: bytes) -> str:
        """Writes the value."""
        with self._said(key), self._folder(make=True) as folder:
            return _stamp(folder.write(checked(key), data))

    def put_from(self, key: str, source: Source) -> str:
        """Streams ``source`` into a new file, then gives it its name."""
        with self._said(key), self._folder(make=True) as folder:
            return _stamp(folder.write(checked(key), iter(lambda: source.read(_CHUNK), b"")))

    def size(self, key: str) -> int | None:
        """The value's length."""
        found = self.info(key)
        return None if found is None else found.size

    def info(self, key: str) -> KeyInfo | None:
        """The value's length, and when it was written."""
        try:
            with self._said(key), self._folder() as folder:
                found = folder.stat(checked(key))
        except KeyMissing:
            return None
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        return KeyInfo(key, found.st_size, _stamp(found))

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``; files still being written are not among them."""
        above = prefix.rpartition("/")[0]
        start = f"{self._root}/{above}" if above else self._root
        found = []
        try:
            with self._said(prefix):
                for path, entry in disk.walk(start):
                    key = f"{above}/{path}" if above else path
                    if key.startswith(prefix) and _is_value(key, entry):
                        said = entry.stat(follow_symlinks=False)
                        found.append(KeyInfo(key, said.st_size, _stamp(said)))
        except KeyMissing:
            return iter(())
        return iter(found)

    def settle(self) -> None:
        """Syncs the file system that the folder lies on."""
        with self._said(""), self._folder(make=True):
            disk.sync_tree(self._root)

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the files; the folders above them stay."""
        for key in keys:
            try:
                with self._said(key), self._folder() as folder:
                    folder.remove(checked(key))
            except KeyMissing:
                continue

    def is_atomic(self) -> bool:
        """Always, by way of the lock file."""
        return True

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value where there is none, everything before it being durable first."""
        return self.swap(key, None, data)

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces ``old`` by ``new`` under the lock, everything before it being durable first."""
        self.settle()
        with self._locked():
            try:
                there = self.get(key)
            except KeyMissing:
                there = None
            if there not in (old, new):
                return False
            with self._said(key), self._folder() as folder:
                folder.write(checked(key), new)
                disk.sync_folder(os.path.dirname(f"{self._root}/{key}"))
        return True

    def close(self) -> None:
        """Closes the folders that were opened."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _folder(self, *, make: bool = False) -> Iterator[disk.Folder]:
        """A handle of the root that no other thread uses meanwhile."""
        try:
            folder = self._idle.pop()
        except IndexError:
            if make:
                disk.make_folders(self._root)
            folder = disk.Folder(self._root)
        try:
            yield folder
        finally:
            self._idle.append(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(f"{self._root}/{_LOCK}", what=f"The remote {self.url}", wait=_LOCK_PATIENCE)
        try:
            lock.acquire()
        except AssayError as error:
            if isinstance(error.__cause__, OSError):
                raise _translated(error.__cause__, self._root, _LOCK) from error
            raise
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _said(self, key: str) -> Iterator[None]:
        """Turns what the file system says into a sentence."""
        try:
            yield
        except OSError as error:
            raise _translated(error, self._root, key) from error


def _stamp(found: os.stat_result) -> str:
    """When a file was written; not its inode, which is another one each time that some shares are mounted."""
    return str(found.st_mtime_ns)


def _is_value(key: str, entry: os.DirEntry[str]) -> bool:
    is_lock = key == _LOCK or key.startswith(f"{_LOCK}.")
    return entry.is_file(follow_symlinks=False) and not disk.is_temp(entry.name) and not is_lock and is_key(key)


def _translated(error: OSError, root: str, key: str) -> RemoteError:
    path = f"{root}/{key}"
    if error.errno in _ABSENT:
        if not os.path.isdir(root):
            return KeyMissing(f"The folder {root} does not exist.", "Check the remote's URL, or push to it first.")
        return KeyMissing(f"{root} has no {key}.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AccessDenied(
            f"{path}: {os.strerror(error.errno)}.", "Ask whoever owns that folder for access, or use another remote."
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RemoteError(f"No space left while writing {path}.", "Free some space there and run the command again.")
    if error.errno == errno.ELOOP:
        return RemoteError(f"{path} is a symlink; assay follows none inside a remote.", "Remove it.")
    kind = Unavailable if error.errno in _PASSING else RemoteError
    return kind(f"{path}: {os.strerror(error.errno) if error.errno else error}.")
