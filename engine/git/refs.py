"""The ref store: loose files over one packed file, read lazily.

One ref costs one small file, or else a search in packed-refs; listing merges both. A value is read loose first, then
packed, so that a ref which somebody packs at this moment is never missed. In a linked worktree HEAD and a few kinds of
refs are its own, all others are the repository's. Readers take no lock. Changes go through `RefTransaction`.

Limits: the reftable format is not read (`Repository` refuses it). A loose file that holds neither an id nor a
symbolic ref is an error when asked for by name and is left out of listings, as in Git.
"""

from __future__ import annotations

import errno
import os
from binascii import Error as NotHexadecimal
from binascii import unhexlify
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from assay.engine.errors import GitError
from assay.engine.git import refnames
from assay.engine.git.packedrefs import PackedRefs, open_packed
from assay.engine.git.reflog import LogPolicy
from assay.engine.git.refnames import is_valid_experiment_name, is_valid_name
from assay.engine.model import Oid, Signature

if TYPE_CHECKING:
    from assay.engine.git.reftransaction import RefTransaction

__all__ = ["RefStore", "is_valid_experiment_name", "is_valid_name"]

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_DEPTH = 5  # how many symbolic refs are followed, as in Git


class Objects(Protocol):
    """The part of an object database that tells annotated tags from other objects."""

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object's kind number and content. Raises MissingObject."""


class RefStore:
    """The refs of a repository as one worktree sees them.

    Args:
        git_dir: The worktree's own folder, where HEAD is.
        common_dir: The repository's folder, where refs and packed-refs are; often the same.
        objects: Gives the object database, for peeling tags; without it, refs that might be tags stay loose.
        log: Which refs get a reflog.
        command: What the caller is doing, for the owner record in its locks.
    """

    def __init__(
        self,
        git_dir: str,
        common_dir: str,
        objects: Callable[[], Objects] | None = None,
        log: LogPolicy = "usual",
        command: str = "",
    ) -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.objects = objects
        self.log = log
        self.command = command
        self._packed: PackedRefs | None = None
        self._packed_state: tuple[int, int, int] | None = None

    def close(self) -> None:
        """Lets go of the packed file; the next read opens it again."""
        if self._packed is not None:
            self._packed.close()
        self._packed = self._packed_state = None

    def path(self, name: str) -> str:
        """Where the ref's loose file is, or would be."""
        return f"{self.git_dir if refnames.is_per_worktree(name) else self.common_dir}/{name}"

    def log_path(self, name: str) -> str:
        """Where the ref's log is, or would be."""
        return f"{self.git_dir if refnames.is_per_worktree(name) else self.common_dir}/logs/{name}"

    def read(self, name: str) -> Oid | None:
        """What a ref leads to, symbolic refs followed; None when there is none.

        Raises:
            GitError: Its file holds neither an id nor a symbolic ref, or symbolic refs go round in a circle.
        """
        return self.resolve(name)[1]

    def resolve(self, name: str) -> tuple[str, Oid | None]:
        """The ref that symbolic refs lead to from here, and its value (None: it does not exist yet)."""
        name, value = self._followed(name)
        if value is None and name.startswith("refs/"):
            value = self.packed().find(name)
        return name, value

    def follow(self, name: str) -> str:
        """The ref that symbolic refs lead to from here; the name itself when it is not symbolic. Raises GitError."""
        return self._followed(name)[0]

    def _followed(self, name: str) -> tuple[str, Oid | None]:
        start = name
        for _ in range(_DEPTH + 1):
            value = self.loose(name)
            if not isinstance(value, str):
                return name, value
            name = value
        raise GitError(f"{start} is a symbolic ref that leads to no end.")

    def symbolic(self, name: str) -> str | None:
        """The name that a symbolic ref holds; None when it holds an id or does not exist."""
        value = self.loose(name)
        return value if isinstance(value, str) else None

    def loose(self, name: str) -> Oid | str | None:
        """What the ref's own file holds: an id, the target of a symbolic ref, or None. Raises GitError."""
        if not refnames.is_readable(name):
            return None
        path = self.path(name)
        try:
            return read_loose(path)
        except OSError as error:
            raise GitError(f"The ref {name} cannot be read: {error.strerror} ({path}).") from error
        except ValueError:
            raise GitError(
                f"The ref {name} is damaged: {path} holds neither an object id nor a symbolic ref.",
                "Set it again, or remove that file when the ref is not needed.",
            ) from None

    def packed(self) -> PackedRefs:
        """The packed file as it is now."""
        try:
            status = os.stat(f"{self.common_dir}/packed-refs")
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError:
            state = (0, 0, 0)
        if self._packed is None or state != self._packed_state:
            self.close()
            self._packed = open_packed(f"{self.common_dir}/packed-refs")
            self._packed_state = state
        return self._packed

    def iterate(self, prefix: str = "refs/") -> Iterator[tuple[str, Oid]]:
        """Every ref whose name starts with ``prefix`` and its value, sorted by name; symbolic refs followed."""
        loose = dict(self._scan(prefix))
        packed = self.packed().items(prefix)
        if not loose:
            return iter(packed)
        merged = [ref for ref in packed if ref[0] not in loose]
        for name, value in loose.items():
            if isinstance(value, str):
                value = self._end_of(value)
            if value is not None:
                merged.append((name, value))
        merged.sort()
        return iter(merged)

    def iterate_loose(self, prefix: str = "refs/") -> Iterator[tuple[str, Oid | str]]:
        """Every loose ref whose name starts with ``prefix``, with what its file holds, in no order."""
        for name, value in self._scan(prefix):
            if value is not None:
                yield name, value

    def damaged(self, prefix: str = "refs/") -> list[str]:
        """The refs whose own files hold neither an id nor a symbolic ref; `iterate` leaves them out."""
        return sorted(name for name, value in self._scan(prefix) if value is None)

    def _scan(self, prefix: str) -> Iterator[tuple[str, Oid | str | None]]:
        """As `iterate_loose`, with None for what is damaged: it hides the packed value but has none."""
        folder = prefix.rpartition("/")[0] or "refs"
        if not refnames.is_readable(folder) and folder != "refs":
            return
        roots = [self.common_dir] if self.git_dir == self.common_dir else [self.common_dir, self.git_dir]
        for root in roots:
            for name in _files_below(root, folder):
                if name.startswith(prefix) and refnames.is_readable(name):
                    if len(roots) > 1 and refnames.is_per_worktree(name) != (root == self.git_dir):
                        continue
                    try:
                        value = read_loose(f"{root}/{name}")
                    except (OSError, ValueError):
                        yield name, None
                        continue
                    if value is not None:
                        yield name, value

    def named(self, leaf: str, prefix: str) -> list[str]:
        """The refs that start with ``prefix`` and whose last part is ``leaf``, without reading all of them."""
        names = set(self.packed().names_ending(leaf, prefix))
        roots = {self.common_dir, self.git_dir}
        names.update(name for root in roots for name in _files_below(root, prefix.rstrip("/"), leaf))
        return sorted(names)

    def transaction(self, message: str = "", who: Signature | None = None) -> RefTransaction:
        """A change of refs, all or nothing.

        Args:
            message: What the reflog says; none is written without it and ``who``.
            who: Who makes the change, and when.
        """
        from assay.engine.git.reftransaction import RefTransaction  # readers do without locks

        return RefTransaction(self, message, who)

    def set_head(self, target: str | Oid, message: str = "", who: Signature | None = None) -> None:
        """Lets HEAD name a branch ("refs/heads/main"), which need not exist, or be detached at a commit."""
        with self.transaction(message, who) as change:
            change.point("HEAD", target)

    def pack(self, prefix: str = "refs/exps/") -> int:
        """Moves the loose refs that start with ``prefix`` into packed-refs; returns how many."""
        from assay.engine.git.refpacking import pack

        return pack(self, prefix)

    def _end_of(self, name: str) -> Oid | None:
        try:
            return self.read(name)
        except GitError:
            return None


def read_loose(path: str) -> Oid | str | None:
    """What a loose ref's file holds: an id, the target of a symbolic ref, or None when there is no file.

    Raises:
        ValueError: Neither.
        OSError: It cannot be read.
    """
    try:
        fd = os.open(path, _READ)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return _target(os.readlink(path))  # how the first versions of Git wrote symbolic refs
    try:
        data = os.read(fd, 4096)
    except IsADirectoryError:
        return None
    finally:
        os.close(fd)
    if data.startswith(b"ref:"):
        return _target(data[4:].strip().decode("utf-8", "surrogateescape"))
    try:
        oid = unhexlify(data[:40])
    except NotHexadecimal as error:
        raise ValueError(path) from error
    if len(oid) != 20 or not (len(data) == 40 or data[40:41].isspace()):
        raise ValueError(path)
    return Oid(oid)


def _target(name: str) -> str:
    if not refnames.is_readable(name):
        raise ValueError(name)
    return name


def _files_below(root: str, folder: str, leaf: str = "") -> Iterator[str]:
    """The names below ``root`` of the files in a folder and all folders below it, or of those called ``leaf``.

    What Git does not take for a ref is left out: hidden files, and locks.
    """
    stack = [folder]
    while stack:
        above = stack.pop()
        try:
            with os.scandir(f"{root}/{above}") as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or name.endswith(".lock"):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(f"{above}/{name}")
                    elif not leaf or name == leaf:
                        yield f"{above}/{name}"
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise GitError(f"The refs in {root}/{above} cannot be listed: {error.strerror}.") from error
