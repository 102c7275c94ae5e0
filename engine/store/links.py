"""Putting an object from the cache into the workspace: reflink, hard link, symlink or copy.

``cache.type`` names the kinds in the order to try them; what cannot be done here (another file system, one that
cannot share blocks) is not tried twice, and copying always works. Which kind was used is reported, because a
link that was asked for and a copy that was made cost different space.

Copies and reflinks are the user's, 0644 before the umask, and executable when the artifact says so. Hard links
and symlinks are the cache's own file, 0444, so an executable or an empty file is copied whatever the kind. A
packed object is copied too, unless a link was asked for: then it gets a file of its own in the cache first.
Every byte is verified on its way, or known to have been and to be untouched since.
"""

from __future__ import annotations

import errno
import os
import stat as stat_module
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import BinaryIO, Literal, NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.model import Entry
from assay.engine.store.cache import Cache
from assay.engine.store.digest import CHUNK
from assay.engine.store.statcache import is_old, now

Kind = Literal["reflink", "hardlink", "symlink", "copy"]
DEFAULT_KINDS: tuple[Kind, ...] = ("reflink", "copy")
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EROFS, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)


class Placed(NamedTuple):
    """A file that was put into the workspace.

    ``stat`` is that of the file (of its target, for a symlink). ``is_known`` says that a later change to its content
    would show there, although it is so young: copies get a modification time that no clock tick repeats.
    """

    kind: Kind
    stat: os.stat_result
    is_known: bool


class Placer:
    """Puts objects below a folder.

    Args:
        folder: Where; paths are relative to it.
        cache: Where the objects are.
        kinds: The kinds to try, in this order.
    """

    def __init__(self, folder: disk.Folder, cache: Cache, kinds: Sequence[Kind] = DEFAULT_KINDS) -> None:
        self._folder = folder
        self._cache = cache
        self._kinds: list[Kind] = list(takewhile(lambda kind: kind != "copy", kinds))
        self._shares_blocks = False

    def place(self, path: str, entry: Entry) -> Placed:
        """Replaces what is at ``path`` by the entry's content; a file there is the old or the new, never a part.

        Raises:
            MissingArtifact: The content is not in the cache.
            CorruptArtifact: It is damaged; what was at the path is still there.
            OSError: The disk is full, or the folder cannot be written.
        """
        if not self._kinds or self._kinds[0] == "reflink":
            data = self._cache.packed(entry.digest)
            if data is not None:
                return self._write(path, entry, data)
        for kind in tuple(self._kinds):
            placed = self._reflink(path, entry) if kind == "reflink" else self._link(kind, path, entry)
            if placed is not None:
                return placed
        data = self._cache.read_small(entry.digest)
        if data is not None:
            return self._write(path, entry, data)
        with self._cache.open(entry.digest) as source:
            return self._write(path, entry, _pieces(source))

    def wants(self, entry: Entry) -> Kind:
        """Whether an entry should be a hard link, a symlink, or a file of its own ("copy", however it is made)."""
        kind = self._kinds[0] if self._kinds else "copy"
        return "copy" if kind == "reflink" or not _can_be_linked(entry) else kind

    def kind_of(self, path: str, entry: Entry) -> Kind:
        """What the file at a path is: a hard link to the entry's object, a symlink, or a file of its own ("copy")."""
        stat = self._folder.stat(path)
        if stat is not None and stat_module.S_ISLNK(stat.st_mode):
            return "symlink"
        if stat is not None and stat.st_nlink > 1:
            with suppress(FileNotFoundError):
                if os.path.samestat(stat, os.stat(self._cache.object_path(entry.digest))):
                    return "hardlink"
        return "copy"

    def _write(self, path: str, entry: Entry, data: bytes | Iterator[bytes]) -> Placed:
        stamp = now()
        stat = self._folder.write(path, data, executable=entry.is_exec, mtime_ns=stamp)
        return Placed("copy", stat, stat.st_mtime_ns == stamp)

    def _reflink(self, path: str, entry: Entry) -> Placed | None:
        if not self._can_reflink(entry):
            return None
        source = self._cache.sound_path(entry.digest)
        if source is None:  # packed: it is copied
            return None
        stamp = now()
        stat = self._folder.clone(source, path, executable=entry.is_exec, mtime_ns=stamp)
        if stat is None:
            self._kinds.remove("reflink")
            return None
        return Placed("reflink", stat, stat.st_mtime_ns == stamp)

    def _can_reflink(self, entry: Entry) -> bool:
        """Tried once, before an object is read to verify it: a copy reads and verifies it, too."""
        if not self._shares_blocks:
            with suppress(OSError):  # which the next step meets again, and tells
                self._shares_blocks = self._folder.shares_blocks(self._cache.object_path(entry.digest))
                if not self._shares_blocks:
                    self._kinds.remove("reflink")
                return self._shares_blocks
        return True

    def _link(self, kind: Kind, path: str, entry: Entry) -> Placed | None:
        if not _can_be_linked(entry):
            return None
        try:
            source = self._cache.materialise(entry.digest)
            before = os.stat(source)
            if kind == "symlink":
                self._folder.symlink(source, path)
                return Placed(kind, before, is_old(before.st_mtime_ns))
            stat = self._folder.hardlink(source, path)
        except (OSError, AssayError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in _CANNOT_LINK:
                raise
            self._kinds.remove(kind)
            return None
        # Linking has just changed the ctime, and nothing else: a change of the content would show in the mtime.
        is_known = stat.st_mtime_ns == before.st_mtime_ns and is_old(before.st_mtime_ns)
        if is_known:
            self._cache.vouch(entry.digest, stat)
        return Placed(kind, stat, is_known)


def _can_be_linked(entry: Entry) -> bool:
    return not entry.is_exec and entry.size > 0


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    while data := source.read(CHUNK):
        yield data
