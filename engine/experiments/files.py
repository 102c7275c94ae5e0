"""The files that a record is made of: those of a commit, or those of the workspace.

A commit's files are looked up through `TreeReader`, which lives as long as many commits are read: trees, and what
was made of blobs, are kept by their ids, so that what two commits share is read and parsed once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.objects import BLOB, TREE
from assay.engine.layout import MARKERS
from assay.engine.model import Oid
from assay.engine.pipeline.discover import is_pipeline_file, pipeline_files
from assay.engine.pipeline.spec import ignored, resolved
from assay.engine.project import Project

T = TypeVar("T")
Entries = dict[bytes, tuple[bytes, Oid]]
"""A tree: its names, each with its mode as Git spells it and its object."""

_LARGEST = 10_000_000
"""Bytes: a larger file is no file of parameters or metrics."""

_DEEPEST = 100
_REMEMBERED = 20_000
"""Trees, folders or parsed files that are remembered at a time; one more, and all of them are forgotten."""

_ITEM = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0([\s\S]{20})")
_MARKERS = tuple(os.fsencode(marker) for marker in MARKERS)
_FOLDER = b"40000"
_FILES = (b"100644", b"100755", b"100664")
_NOTHING = (b"", Oid(b""))


class Files(Protocol):
    """Where a record's files come from; paths are relative to the project.

    Attributes:
        root: The absolute path that absolute paths in these files may lie in.
    """

    root: str

    def special(self) -> Sequence[str]:
        """The paths of all pipeline files and ``.dvc`` files, folder by folder. Raises AssayError."""

    def parsed(self, path: str, parse: Callable[[str, bytes], T]) -> T | None:
        """What ``parse(path, content)`` makes of a file; None when there is none. Raises what it raises."""

    def below(self, path: str) -> Sequence[str]:
        """The files in and below a folder, sorted; none when it is not a folder."""


class TreeReader:
    """Trees and blobs of a repository, remembered.

    Args:
        database: Where they are.
        prefix: The project's folder in the trees, "" or "sub/".
        root: The project's absolute path, which absolute paths in files may lie in; empty for none.
    """

    def __init__(self, database: ObjectDatabase, prefix: str = "", root: str = "") -> None:
        self.place = root
        self.database = database
        self.prefix = [os.fsencode(part) for part in prefix.split("/") if part]
        self._trees: dict[Oid, Entries] = {}
        self._special: dict[Oid, tuple[str, ...]] = {}
        self._parsed: dict[tuple[Any, str, Oid], Any] = {}

    def tree(self, oid: Oid) -> Entries:
        """A tree's names. Raises MissingObject or CorruptObject."""
        known = self._trees.get(oid)
        if known is None:
            kind, data = self.database.read(oid)
            known = entries(data) if kind == TREE else {}
            _remember(self._trees, oid, known)
        return known

    def root(self, tree: Oid) -> Entries:
        """The project's folder in a commit's tree; empty when the commit does not have it."""
        found = self.tree(tree)
        for part in self.prefix:
            mode, oid = found.get(part, _NOTHING)
            found = self.tree(oid) if mode == _FOLDER else {}
        return found

    def special_below(self, oid: Oid, depth: int) -> tuple[str, ...]:
        """The special files of a sub-folder, relative to it; none of those of a project inside the project."""
        known = self._special.get(oid)
        if known is None:
            found = self.tree(oid)
            nested = any(found.get(marker, _NOTHING)[0] == _FOLDER for marker in _MARKERS)
            known = () if nested or depth > _DEEPEST else tuple(self.special_in(found, depth))
            _remember(self._special, oid, known)
        return known

    def special_in(self, found: Entries, depth: int = 0) -> list[str]:
        """The special files of a folder and those below it."""
        special = []
        below = []
        for name, (mode, oid) in found.items():
            if mode == _FOLDER:
                inner = self._special.get(oid)
                if inner is None:
                    inner = self.special_below(oid, depth + 1)
                if inner:
                    prefix = os.fsdecode(name)
                    below += [f"{prefix}/{path}" for path in inner]
            elif name[-4:] in (b".dvc", b"yaml") and mode in _FILES and is_pipeline_file(os.fsdecode(name)):
                special.append(os.fsdecode(name))
        return special + below

    def parsed(self, path: str, oid: Oid, parse: Callable[[str, bytes], T]) -> T:
        """What a parser makes of a blob, remembered."""
        key = (parse, path, oid)
        try:
            known: T = self._parsed[key]
        except KeyError:
            kind, data = self.database.read(oid)
            if kind != BLOB:
                raise BadInput(path, "is not a file") from None
            known = parse(path, checked_size(path, data))
            _remember(self._parsed, key, known)
        return known


class CommitFiles:
    """The files of one commit.

    Args:
        reader: What is known from other commits.
        tree: The commit's tree.
    """

    def __init__(self, reader: TreeReader, tree: Oid) -> None:
        self.root = reader.place
        self._reader = reader
        self._tree = tree
        self._top: Entries | None = None

    def _entries(self) -> Entries:
        if self._top is None:
            self._top = self._reader.root(self._tree)
        return self._top

    def _find(self, path: str) -> tuple[bytes, Oid]:
        folders, name = _split(path)
        found = self._entries()
        for folder in folders:
            mode, oid = found.get(folder, _NOTHING)
            if mode != _FOLDER:
                return _NOTHING
            found = self._reader.tree(oid)
        return found.get(name, _NOTHING)

    def special(self) -> Sequence[str]:
        """As `Files` says."""
        return self._reader.special_in(self._entries())

    def parsed(self, path: str, parse: Callable[[str, bytes], T]) -> T | None:
        """As `Files` says."""
        mode, oid = self._find(path)
        return self._reader.parsed(path, oid, parse) if mode in _FILES else None

    def below(self, path: str) -> Sequence[str]:
        """As `Files` says."""
        mode, oid = self._find(path)
        return sorted(self._walk(oid, path, 0)) if mode == _FOLDER else ()

    def _walk(self, oid: Oid, prefix: str, depth: int) -> list[str]:
        found = []
        for name, (mode, inner) in self._reader.tree(oid).items():
            path = f"{prefix}/{os.fsdecode(name)}"
            if mode in _FILES:
                found.append(path)
            elif mode == _FOLDER and depth < _DEEPEST:
                found += self._walk(inner, path, depth + 1)
        return found


class WorkFiles:
    """The files of the workspace as they are now."""

    def __init__(self, project: Project) -> None:
        self.root = project.root
        self._project = project

    def special(self) -> Sequence[str]:
        """As `Files` says; ignored folders and outputs are left out too."""
        return list(pipeline_files(self._project.root, ignored(self._project), self._written))

    def _written(self, path: str) -> Sequence[str]:
        """What the stages of a pipeline file write; nothing where it cannot be understood."""
        try:
            file = self.parsed(path, lambda name, data: resolved(data, name, self._project.read, root=self.root))
        except AssayError:
            return []
        return [out.path for stage in file.stages for out in stage.outs] if file else []

    def parsed(self, path: str, parse: Callable[[str, bytes], T]) -> T | None:
        """As `Files` says."""
        try:
            data = self._project.read(path)
        except OSError as error:
            raise BadInput(path, f"cannot be read, {os.strerror(error.errno or 0)}") from error
        return None if data is None else parse(path, checked_size(path, data))

    def below(self, path: str) -> Sequence[str]:
        """As `Files` says."""
        folder = self._project.path(path)
        if os.path.islink(folder) or not os.path.isdir(folder):
            return ()
        try:
            return sorted(f"{path}/{found.path}" for found in disk.walk(folder))
        except OSError as error:
            raise AssayError(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from error


def entries(data: bytes) -> Entries:
    """The names of a tree's content."""
    return {name: (mode, oid) for mode, name, oid in _ITEM.findall(data)}


@lru_cache(maxsize=1_000)
def _split(path: str) -> tuple[tuple[bytes, ...], bytes]:
    *folders, name = os.fsencode(path).split(b"/")
    return tuple(folders), name


def checked_size(path: str, data: bytes) -> bytes:
    """The content itself. Raises BadInput when it is too much for a file of parameters or metrics."""
    if len(data) > _LARGEST:
        raise BadInput(path, f"is too large to be shown ({len(data)} bytes)")
    return data


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[key] = value
