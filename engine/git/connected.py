"""Whether everything that refs need is there: one walk over commits, trees and tags, each read once.

For every object it is remembered what of all below it is missing, which mostly is nothing; so it can be said of any
commit or tree what it lacks, and under which path. Memory: some 100 bytes for each object that refs reach.

Limits: reflogs are not followed. In a partial clone objects are missing by design, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Protocol

from assay.engine.errors import AssayError
from assay.engine.git.objects import (
    COMMIT,
    TAG,
    TREE,
    CommitInfo,
    TreeItem,
    parse_commit,
    parse_tag,
    parse_tree,
)
from assay.engine.model import Oid

_NOTHING: frozenset[Oid] = frozenset()
_FOLDER, _GITLINK = 0o040000, 0o160000


class Objects(Protocol):
    """The part of an object database that is needed here; each method raises AssayError for what cannot be read."""

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object's kind number and content."""

    def read_commit(self, oid: Oid) -> CommitInfo:
        """What a commit says."""

    def read_tree(self, oid: Oid) -> list[TreeItem]:
        """The items of a tree."""

    def __contains__(self, oid: object) -> bool:
        """Whether the object is there."""


class Source(Protocol):
    """A repository, here or elsewhere, as far as it is needed here."""

    @property
    def objects(self) -> Objects:
        """Its objects."""

    @property
    def shallow(self) -> Collection[Oid]:
        """Commits whose parents are left out."""


class Connected:
    """Tells what commits and trees lack.

    Args:
        repo: The repository, or what is like one.
        unreadable: Objects that are known to be damaged in every copy.

    Attributes:
        problems: Objects that are missing or damaged, with a sentence.
    """

    def __init__(self, repo: Source, unreadable: frozenset[Oid] = _NOTHING) -> None:
        self.problems: dict[Oid, str] = {}
        self._repo = repo
        self._unreadable = unreadable
        self._lacks: dict[Oid, frozenset[Oid]] = {}

    def lacks(self, start: Oid) -> frozenset[Oid]:
        """What is missing or damaged of an object and all that it needs."""
        known = self._lacks
        open_ones: dict[Oid, list[Oid]] = {}
        stack = [start]
        while stack:
            oid = stack[-1]
            if oid in known:
                stack.pop()
            elif oid in open_ones:
                found = [known[child] for child in open_ones.pop(oid) if known[child]]
                known[oid] = _NOTHING.union(*found) if found else _NOTHING
                stack.pop()
            else:
                children = self._children(oid)
                if children is None:
                    known[oid] = frozenset((oid,))
                    stack.pop()
                else:
                    open_ones[oid] = children
                    stack.extend(child for child in children if child not in known)
        return known[start]

    def _children(self, oid: Oid) -> list[Oid] | None:
        """What an object points to; files among it are looked at here. None when it cannot be read."""
        try:
            kind, data = self._repo.objects.read(oid)
            if kind == TREE:
                return list(self._in_tree(data))
            if kind == COMMIT:
                info = parse_commit(data)
                return [info.tree, *(() if oid in self._repo.shallow else info.parents)]
            if kind == TAG:
                return [parse_tag(data)[0]]
        except AssayError as error:
            self.problems[oid] = error.message
            return None
        return []

    def _in_tree(self, data: bytes) -> Iterator[Oid]:
        for item in parse_tree(data):
            if item.mode == _FOLDER:
                yield item.oid
            elif item.mode != _GITLINK:
                self.look_for(item.oid)
                yield item.oid

    def look_for(self, oid: Oid) -> frozenset[Oid]:
        """As `lacks`, for a file, which is not read."""
        if oid not in self._lacks:
            if oid in self._repo.objects and oid not in self._unreadable:
                self._lacks[oid] = _NOTHING
            else:
                state = "damaged" if oid in self._unreadable else "missing"
                self.problems.setdefault(oid, f"The Git object {oid.hex()} is {state}.")
                self._lacks[oid] = frozenset((oid,))
        return self._lacks[oid]

    def kind(self, oid: Oid) -> int:
        """An object's kind number; 0 when it cannot be read."""
        try:
            return self._repo.objects.read(oid)[0]
        except AssayError:
            return 0

    def own(self, commit: Oid) -> frozenset[Oid]:
        """What a commit's own files lack, its history left aside."""
        if self._lacks.get(commit) == _NOTHING:
            return _NOTHING
        try:
            return self.lacks(self._repo.objects.read_commit(commit).tree)
        except AssayError:
            return frozenset((commit,))

    def paths(self, commit: Oid) -> Iterator[tuple[Oid, str]]:
        """What a commit's own files lack, with paths; the empty path is the commit, or its whole tree."""
        try:
            tree = self._repo.objects.read_commit(commit).tree
        except AssayError:
            yield commit, ""
            return
        stack = [(tree, "")]
        while stack:
            oid, path = stack.pop()
            if not self._lacks.get(oid):
                continue
            if oid in self._lacks[oid]:
                yield oid, path
                continue
            items = (item for item in self._repo.objects.read_tree(oid) if item.mode != _GITLINK)
            stack.extend((item.oid, f"{path}/{item.name}" if path else item.name) for item in items)
