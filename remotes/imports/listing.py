"""What lies in a folder elsewhere, as a tree of names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from assay.engine.errors import BadInput
from assay.engine.ports import RemoteStore
from assay.remotes.imports.places import Place, nothing, opened
from assay.remotes.registry import open_store, shown
from assay.remotes.urls import state_of

_HTTP = ("http", "https")


class Node(NamedTuple):
    """A file or a folder.

    Attributes:
        children: What is in a folder, by name; None for a file.
        size: Bytes; None where nobody says.
        is_out: Whether it is data that a project tracks as a whole.
        is_exec: Whether it is executable.
        digest: Of data, its digest; empty for what is none.
    """

    children: dict[str, Node] | None = None
    size: int | None = None
    is_out: bool = False
    is_exec: bool = False
    digest: str = ""

    @property
    def is_folder(self) -> bool:
        """Whether it is one."""
        return self.children is not None


def put(top: Node, path: str, node: Node) -> None:
    """Puts a file or folder into a tree, with the folders above it."""
    here = top
    *above, name = path.split("/")
    for part in above:
        inside = here.children if here.children is not None else {}
        here = inside.setdefault(part, Node({}))
    if here.children is not None:
        here.children[name] = node


def rows(top: Node, *, recursive: bool, level: int | None) -> Iterator[tuple[str, Node]]:
    """What a list has of a folder: with its path, folder by folder, files before folders.

    Args:
        top: The folder.
        recursive: Go into folders, which then have no rows of their own.
        level: How deep; folders at the end of that have rows again.
    """
    level = level if recursive else 1
    folders = [("", top)]
    depth = 1
    while folders:
        deeper = []
        for above, folder in folders:
            inside = sorted((folder.children or {}).items())
            yield from ((above + name, node) for name, node in inside if not node.is_folder)
            below = [(f"{above}{name}", node) for name, node in inside if node.is_folder]
            if level is not None and depth >= level:
                yield from below
            else:
                deeper += [(f"{path}/", node) for path, node in below]
        folders = deeper
        depth += 1


class Listed(NamedTuple):
    """What is at a place.

    Attributes:
        node: It.
        name: What it is called by itself.
    """

    node: Node
    name: str


def list_url(place: Place) -> Listed:
    """What is at a URL or at a path.

    Raises:
        BadInput: Nothing is there.
        RemoteError: It cannot be reached.
    """
    url = place.remote.url
    if place.is_here:
        return Listed(_here(url, place.spelled), url)
    if place.remote.scheme in _HTTP:
        state = state_of(place.remote)
        if state is None:
            raise nothing(place)
        return Listed(Node(size=state.size), shown(url))
    parts = urlsplit(url)
    name = f"{parts.netloc}{parts.path}".rstrip("/")
    top = Node({})
    if not parts.path.strip("/"):
        store = open_store(place.remote)
        try:
            _fill(top, store, "")
        finally:
            store.close()
        return Listed(top, name)
    with opened(place) as (store, key):
        size = store.size(key)
        if size is not None:
            return Listed(Node(size=size), name)
        _fill(top, store, f"{key}/")
    if not top.children:
        raise nothing(place)
    return Listed(top, name)


def _fill(top: Node, store: RemoteStore, prefix: str) -> None:
    for key, size, _ in store.list(prefix):
        if not key.endswith("/"):
            put(top, key[len(prefix) :], Node(size=size))


def _here(path: str, spelled: str) -> Node:
    if not os.path.lexists(path):
        raise BadInput(spelled, "does not exist", hint="Check its spelling.")
    try:
        return _looked_at(path)
    except OSError as error:
        raise BadInput(spelled, "cannot be read") from error


def _looked_at(path: str) -> Node:
    try:
        found = os.stat(path)
    except OSError:  # a symlink that leads nowhere
        return Node(size=0)
    if not os.path.isdir(path):
        return Node(size=found.st_size)
    with os.scandir(path) as entries:
        inside = {
            entry.name: _looked_at(entry.path) if not (entry.is_symlink() and entry.is_dir()) else Node({}, 0)
            for entry in entries
        }
    return Node(inside, found.st_size)
