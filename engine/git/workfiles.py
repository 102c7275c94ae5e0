"""The files of a work tree as Git would store them, read only where the index cannot say.

The index is an oracle: a file whose stat data are those it noted still holds the blob it noted. It is not believed
about files changed so shortly before it was written that a later change could have left the same stat data (Git calls
them racily clean), about paths in conflict, or where only an intention to add was noted.

Limits: external filters are not run (see ``filters``); names are compared byte by byte, also on file systems that
ignore case.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from functools import cached_property
from hashlib import sha1, sha256
from typing import BinaryIO, NamedTuple

from assay.engine.errors import GitError, MissingObject
from assay.engine.git.attributes import Attributes
from assay.engine.git.filters import NO_CONVERSION, Conversion, Filters, lfs_pointer
from assay.engine.git.index import (
    ASSUME_VALID,
    EXTENDED,
    INTENT_TO_ADD,
    SKIP_WORKTREE,
    STAT_FIELDS,
    Index,
    read_index,
)
from assay.engine.git.objects import BLOB, HEADERS, MODE_EXECUTABLE, MODE_FILE, MODE_GITLINK, MODE_LINK, object_id
from assay.engine.git.repository import Repository
from assay.engine.git.trees import Item
from assay.engine.ignore import IgnoreRules
from assay.engine.model import Oid

RACY_MARGIN = 20_000_000
"""Nanoseconds before the index was written in which a file's clock may not tell two changes apart."""

_STREAMED = 8 << 20  # bytes: larger files are hashed in pieces
_PIECE = 1 << 20
_EMPTY_BLOB = object_id(BLOB, b"")
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


def read_regular(path: str) -> BinaryIO | None:
    """Opens a regular file without following a symlink at its end; None when there is none.

    Raises:
        OSError: It cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _GONE:
            return None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    return open(fd, "rb")


class Look(NamedTuple):
    """What a file holds, as Git would store it; ``data`` is None where it was not read whole."""

    mode: int
    oid: Oid
    data: bytes | None


class WorkFiles:
    """The work tree of a repository, seen through its index and its configuration.

    Attributes:
        root: Absolute path of the work tree.
        index: The index as it was when this object was made.
        racy_from: A file changed at this time (ns) or later is read, whatever the index says.
    """

    def __init__(self, repo: Repository) -> None:
        if repo.worktree is None:
            raise GitError(f"{repo.git_dir} is a bare repository; it has no work tree.")
        self.repo = repo
        self.root = repo.worktree
        self.index: Index = read_index(repo.index_path)
        self.racy_from = self.index.mtime_ns - RACY_MARGIN
        config = repo.config
        self.keeps_modes = config.flag("core.fileMode", True)
        self.has_symlinks = config.flag("core.symlinks", True)
        self._trusts_ctime = config.flag("core.trustctime", True)
        self._checks_all = config.get("core.checkStat").lower() != "minimal"
        self._is_sparse = config.flag("core.sparseCheckout")

    # what the index says

    def is_promised(self, offset: int) -> bool:
        """Whether the user said that an entry's file is to be taken as unchanged, there or not."""
        flags = self.index.unpack(offset).flags
        return bool(flags & ASSUME_VALID) or (bool(flags & SKIP_WORKTREE) and not self._is_sparse)

    def is_unwanted(self, path: str) -> bool:
        """Whether a path is left out of this work tree (a sparse checkout)."""
        offset = self.index.offsets.get(path)
        return offset is not None and self.index.unpack(offset).skip_worktree

    def may_be_absent(self, offset: int) -> bool:
        """Whether an entry's file need not be there: promised, outside a sparse checkout, or a submodule."""
        entry = self.index.unpack(offset)
        return bool(entry.flags & (ASSUME_VALID | SKIP_WORKTREE)) or entry.mode == MODE_GITLINK

    def plain_test(self) -> Callable[[int, os.stat_result], bool]:
        """A quick `is_unchanged`: what it says yes to is unchanged, what it says no to needs the longer look."""
        unpack, data, racy_from = STAT_FIELDS.unpack_from, self.index.data, self.racy_from
        type_bits = 0o170100 if self.keeps_modes else 0o170000

        def is_plain(offset: int, status: os.stat_result) -> bool:
            ctime, ctime_ns, mtime, mtime_ns, mode, size, flags = unpack(data, offset)
            changed = status.st_mtime_ns
            return (
                changed == mtime * 1_000_000_000 + mtime_ns
                and status.st_ctime_ns == ctime * 1_000_000_000 + ctime_ns
                and status.st_size == size > 0
                and changed < racy_from
                and not (mode ^ status.st_mode) & type_bits
                and flags < EXTENDED
            )

        return is_plain

    def is_unchanged(self, offset: int, status: os.stat_result) -> bool:
        """Whether an entry's file, by its lstat, certainly holds what the entry says."""
        entry = self.index.unpack(offset)
        if self.is_promised(offset):
            return True
        if entry.flags & INTENT_TO_ADD or not self._same_type(entry.mode, status.st_mode):
            return False
        if entry.size != status.st_size & 0xFFFF_FFFF or (not entry.size and entry.oid != _EMPTY_BLOB):
            return False
        return self._same_times(entry.mtime, entry.mtime_ns, status.st_mtime_ns) and (
            not self._checks_all
            or (
                entry.ino in (status.st_ino & 0xFFFF_FFFF, 0)
                and (not self._trusts_ctime or _same_time(entry.ctime, entry.ctime_ns, status.st_ctime_ns))
            )
        )

    def _same_times(self, seconds: int, nanoseconds: int, found: int) -> bool:
        """Whether an mtime is the one noted, and old enough to be believed; whole seconds where no finer are known."""
        if self._checks_all and nanoseconds:
            return _same_time(seconds, nanoseconds, found) and found < self.racy_from
        return seconds == found // 10**9 & 0xFFFF_FFFF and found // 10**9 < self.index.mtime_ns // 10**9

    def _same_type(self, mode: int, found: int) -> bool:
        if mode == MODE_LINK:
            return stat.S_ISLNK(found) or (not self.has_symlinks and stat.S_ISREG(found))
        return stat.S_ISREG(found) and (not self.keeps_modes or bool(found & 0o100) == (mode == MODE_EXECUTABLE))

    # what the files say

    def mode_of(self, status: os.stat_result, known: int | None) -> int | None:
        """The mode that a tree would have for a file, ``known`` being what the index has; None for what is no file."""
        if stat.S_ISLNK(status.st_mode):
            return MODE_LINK
        if not stat.S_ISREG(status.st_mode):
            return None
        if known == MODE_LINK and not self.has_symlinks:
            return MODE_LINK
        if not self.keeps_modes:
            return known if known in (MODE_FILE, MODE_EXECUTABLE) else MODE_FILE
        return MODE_EXECUTABLE if status.st_mode & 0o100 else MODE_FILE

    def state(self, path: str, status: os.stat_result) -> Item | None:
        """What a path with this lstat holds, as a tree would; None when no file or symlink is there any more.

        Raises:
            GitError: It cannot be read.
        """
        offset = self.index.offsets.get(path)
        if offset is not None and self.is_unchanged(offset, status):
            return self.index.item(path)
        found = self.look(path, status)
        return found and (found.mode, found.oid)

    def look(self, path: str, status: os.stat_result) -> Look | None:
        """Reads a file; None when it is gone, or no file.

        Args:
            path: The file.
            status: Its lstat.

        Raises:
            GitError: It cannot be read.
        """
        known = self.index.item(path)
        mode = self.mode_of(status, known and known[0])
        if mode is None:
            return None
        conversion = self.conversion(path, mode)
        if conversion.driver == "lfs" and known and self._is_smudged(path, status.st_size):
            return Look(mode, known[1], None)
        if mode != MODE_LINK and not conversion.changes_bytes and status.st_size > _STREAMED:
            oid = self._stream_id(path)
            return None if oid is None else Look(mode, oid, None)
        data = self.content(path, mode)
        return None if data is None else Look(mode, object_id(BLOB, data), data)

    def content(self, path: str, mode: int) -> bytes | None:
        """The bytes that Git would store for a path of that mode; None when it is gone.

        Raises:
            GitError: It cannot be read.
        """
        try:
            if mode == MODE_LINK and self.has_symlinks:
                return os.fsencode(os.readlink(f"{self.root}/{path}"))
            file = read_regular(f"{self.root}/{path}")
            if file is None:
                return None
            with file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.EINVAL and mode == MODE_LINK:
                return None  # it is no symlink any more
            raise unreadable(path, error) from error
        return data if mode == MODE_LINK else self.as_blob(path, data)

    def as_blob(self, path: str, data: bytes) -> bytes:
        """The bytes that Git would store for a file at this path, or one that is about to be there, with these."""
        conversion = self.filters.of(path)
        return conversion.to_blob(data, lambda: self._known_blob(path)) if conversion.changes_bytes else data

    def conversion(self, path: str, mode: int) -> Conversion:
        """What happens to a path's bytes between file and blob."""
        return NO_CONVERSION if mode == MODE_LINK else self.filters.of(path)

    def _known_blob(self, path: str) -> bytes | None:
        known = self.index.item(path)
        try:
            return self.repo.objects.read_blob(known[1]) if known else None
        except MissingObject:
            return None

    def _is_smudged(self, path: str, size: int) -> bool:
        """Whether a file is what a Git LFS pointer in the index stands for."""
        pointer = lfs_pointer(self._known_blob(path) or b"")
        if pointer is None or pointer[1] != size:
            return False
        digest = sha256()
        return self._feed(path, digest.update) == size and digest.hexdigest() == pointer[0]

    def _stream_id(self, path: str) -> Oid | None:
        """The blob id of a file too large to be read whole; a file that changes meanwhile is read again."""
        while True:
            try:
                size = os.lstat(f"{self.root}/{path}").st_size
            except (FileNotFoundError, NotADirectoryError):
                return None
            digest = sha1(HEADERS[BLOB] % size)
            if self._feed(path, digest.update) == size:
                return Oid(digest.digest())

    def _feed(self, path: str, update: Callable[[bytes], object]) -> int:
        """Gives a file's bytes to a function in pieces and returns how many there were; -1 when it is gone."""
        try:
            file = read_regular(f"{self.root}/{path}")
            if file is None:
                return -1
            total = 0
            with file:
                while piece := file.read(_PIECE):
                    update(piece)
                    total += len(piece)
        except OSError as error:
            raise unreadable(path, error) from error
        return total

    # what is said about paths

    @cached_property
    def filters(self) -> Filters:
        """What happens to bytes between file and blob, as the work tree's own attributes say."""
        return filters_of(self.repo, self._tree_file)

    def _tree_file(self, path: str) -> bytes | None:
        try:
            file = read_regular(f"{self.root}/{path}")
        except OSError as error:
            raise unreadable(path, error) from error
        if file is None:
            return None
        with file:
            return file.read()

    @cached_property
    def ignore_rules(self) -> IgnoreRules:
        """What Git ignores here."""
        return ignore_rules(self.repo)


def _same_time(seconds: int, nanoseconds: int, found: int) -> bool:
    return found % 10**9 == nanoseconds and found // 10**9 & 0xFFFF_FFFF == seconds


def unreadable(path: str, error: OSError) -> GitError:
    """The sentence for a file or folder of the work tree that cannot be read."""
    return GitError(f"{path} cannot be read: {error.strerror}.", "Change its permissions, or add it to .gitignore.")


def filters_of(repo: Repository, read: Callable[[str], bytes | None]) -> Filters:
    """The conversions that a repository's configuration and attributes ask for.

    Args:
        repo: The repository.
        read: The content of a ``.gitattributes`` by its path, from the work tree or from a tree.
    """
    config = repo.config
    autocrlf = config.get("core.autocrlf").lower()
    if autocrlf != "input":
        autocrlf = "true" if config.flag("core.autocrlf") else ""
    outer = _content(config.file("core.attributesFile") or _user_file(repo, "attributes"))
    inner = _content(f"{repo.common_dir}/info/attributes")
    attributes = Attributes(read, outer=[outer], inner=[inner])
    return Filters(attributes, autocrlf=autocrlf, eol=config.get("core.eol").lower())


def ignore_rules(repo: Repository) -> IgnoreRules:
    """What Git ignores in a repository: ``.gitignore`` files, ``info/exclude``, ``core.excludesFile``."""
    config = repo.config
    outer = _content(config.file("core.excludesFile") or _user_file(repo, "ignore"))
    exclude = _content(f"{repo.common_dir}/info/exclude")
    return IgnoreRules(repo.worktree or "", outer=[outer, exclude], ignore_case=config.flag("core.ignoreCase"))


def _user_file(repo: Repository, name: str) -> str:
    return f"{repo.home}/.config/git/{name}" if repo.home else ""


def _content(path: str) -> bytes:
    """A file of the user's; nothing when there is none or it cannot be read, as Git does."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
