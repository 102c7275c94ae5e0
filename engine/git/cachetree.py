"""The index's note of which folders are exactly which tree objects, so that comparing them costs nothing.

It is the extension ``TREE`` of Git's index-format documentation. Git writes it when it makes a commit; `note` makes it
when an index is known to be a tree, so that a repository where no Git ever runs is as quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assay.engine.git.objects import MODE_FOLDER
from assay.engine.git.trees import items_of
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

Trees = dict[str, tuple[Oid, int]]
"""Folder ("" is the root) to the id of its tree and the number of files at and below it."""


def parse(data: bytes) -> Trees:
    """The content of the extension: folders in pre-order, each with its files (-1: not known) and sub-folders.

    Raises:
        ValueError: It is damaged.
    """
    found: Trees = {}
    above: list[tuple[str, int]] = []  # folders that are open, and how many of their sub-folders are still to come
    at = 0
    while at < len(data):
        nul = data.index(b"\0", at)
        line_end = data.index(b"\n", nul)
        count, folders = map(int, data[nul + 1 : line_end].split())
        while above and not above[-1][1]:
            above.pop()
        prefix = ""
        if above:
            prefix, left = above[-1]
            above[-1] = prefix, left - 1
        path = prefix + data[at:nul].decode("utf-8", "surrogateescape")
        at = line_end + 1
        if count >= 0:
            found[path] = (Oid(data[at : at + 20]), count)
            at += 20
        above.append((path + "/" if path else "", folders))
    return found


def build(trees: Trees) -> bytes:
    """The content of the extension; every folder above one that is there must be there too."""
    below = _children(trees)
    parts: list[bytes] = []
    stack = [""] if trees else []
    while stack:
        folder = stack.pop()
        oid, count = trees[folder]
        name = folder.rpartition("/")[2].encode("utf-8", "surrogateescape")
        children = below.get(folder, [])
        parts.append(b"%b\0%d %d\n%b" % (name, count, len(children), oid))
        stack += sorted(children, key=lambda child: (len(child), child), reverse=True)
    return b"".join(parts)


def _children(trees: Mapping[str, object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for folder in trees:
        if folder:
            found.setdefault(folder.rpartition("/")[0], []).append(folder)
    return found


def note(
    objects: ObjectSource, tree: Oid, known: Mapping[str, tuple[Oid, int]], holds: Callable[[str, int, Oid], bool]
) -> Trees:
    """The folders of a tree that an index is; empty when some file of the tree is not in the index as it is there.

    Args:
        objects: Where trees are read.
        tree: The tree.
        known: Folders of which the index is already known to have exactly that tree; they are not read.
        holds: Whether the index has a path with that mode and blob.
    """
    noting = _Noting(objects, known, holds)
    try:
        noting.count("", tree, 0)
    except _Differs:
        return {}
    return noting.found


class _Differs(Exception):
    """The index is not that tree."""


class _Noting:
    def __init__(
        self, objects: ObjectSource, known: Mapping[str, tuple[Oid, int]], holds: Callable[[str, int, Oid], bool]
    ) -> None:
        self.found: Trees = {}
        self._objects = objects
        self._known = known
        self._below = _children(known)
        self._holds = holds

    def count(self, folder: str, oid: Oid, depth: int) -> int:
        """Notes a folder and those below it; returns its number of files."""
        known = self._known.get(folder)
        if known is not None and known[0] == oid:
            self._keep(folder)
            return known[1]
        total = 0
        for name, mode, below in items_of(self._objects, oid, depth):
            path = f"{folder}/{name}" if folder else name
            if mode == MODE_FOLDER:
                total += self.count(path, below, depth + 1)
            elif self._holds(path, mode, below):
                total += 1
            else:
                raise _Differs
        self.found[folder] = oid, total
        return total

    def _keep(self, folder: str) -> None:
        self.found[folder] = self._known[folder]
        for child in self._below.get(folder, ()):
            self._keep(child)
