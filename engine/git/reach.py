"""What objects point to: closures for transports and collections, ancestry of commits.

Walks are iterative and read each commit, tree and tag once; blobs are named by their trees and not read. Nothing is
assumed about dates: a commit may be older than its parents.

Where history was cut (a shallow clone), the commits at the edge are passed as ``shallow``: their parents are left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from assay.engine.errors import CorruptObject, GitError
from assay.engine.git.objects import BLOB, COMMIT, TAG, TREE, parse_commit, parse_tag, parse_tree
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

_FOLDER = b"40000"
_GITLINK = b"160000"


def closure(
    source: ObjectSource,
    wants: Iterable[Oid],
    stop: Callable[[Oid], bool],
    *,
    shallow: Collection[Oid] = (),
) -> Iterator[Oid]:
    """Everything that ``wants`` need, each id once: commits, trees, blobs, tags, themselves included.

    Args:
        source: Where objects are read.
        wants: Ids of any kind.
        stop: Says of a commit, tree, blob or tag that it, and so all below it, is not wanted.
        shallow: Commits whose parents are left out.

    Raises:
        MissingObject: A commit, tree or tag on the way is not there. Blobs are not looked for.
        CorruptObject: One cannot be understood.
    """
    seen: set[Oid] = set()
    for want in wants:
        if want in seen or stop(want):
            continue
        seen.add(want)
        stack = [want]
        while stack:
            oid = stack.pop()
            yield oid
            kind, data = source.read(oid)
            for child, is_leaf in _children(kind, data, cut=oid in shallow):
                if child in seen or stop(child):
                    continue
                seen.add(child)
                if is_leaf:
                    yield child
                else:
                    stack.append(child)


def beyond(
    source: ObjectSource,
    wants: Iterable[Oid],
    complete: Callable[[Oid], bool],
    *,
    shallow: Collection[Oid] = (),
) -> Iterator[Oid]:
    """What ``wants`` need beyond the commits that somebody has completely, each id once.

    A commit's folders are compared with those of its first parent, and what is the same there is not looked into: the
    parent is either complete, or was walked too.

    Args:
        source: Where objects are read.
        wants: Ids of commits and tags.
        complete: Says of a commit that somebody has it with all that it needs.
        shallow: Commits whose parents are left out.

    Raises:
        MissingObject: A commit, tree or tag on the way is not there. Blobs are not looked for.
        CorruptObject: One cannot be understood.
    """
    seen: set[Oid] = set()
    stack = list(wants)
    while stack:
        oid = stack.pop()
        if oid in seen or complete(oid):
            continue
        seen.add(oid)
        yield oid
        kind, data = source.read(oid)
        if kind == TAG:
            stack.append(parse_tag(data)[0])
        elif kind == TREE:
            yield from _new_below(source, oid, None, seen)
        elif kind == COMMIT:
            info = parse_commit(data)
            parents = () if oid in shallow else info.parents
            stack += parents
            before = parse_commit(source.read(parents[0])[1]).tree if parents else None
            if info.tree not in seen and info.tree != before:
                seen.add(info.tree)
                yield info.tree
                yield from _new_below(source, info.tree, before, seen)


def _new_below(source: ObjectSource, tree: Oid, before: Oid | None, seen: set[Oid]) -> Iterator[Oid]:
    """What lies below a tree and is neither seen nor in the tree before, at any depth where the two differ."""
    pairs: list[tuple[Oid, Oid | None]] = [(tree, before)]
    while pairs:
        new, old = pairs.pop()
        known = {} if old is None else {item.name: item for item in parse_tree(source.read(old)[1])}
        for item in parse_tree(source.read(new)[1]):
            one = known.get(item.name)
            if item.mode == 0o160000 or item.oid in seen or (one is not None and one.oid == item.oid):
                continue
            seen.add(item.oid)
            yield item.oid
            if item.mode == 0o040000:
                pairs.append((item.oid, one.oid if one is not None and one.mode == 0o040000 else None))


def first_parents(source: ObjectSource, oid: Oid, *, shallow: Collection[Oid] = (), number: int = -1) -> Iterator[Oid]:
    """The commit, its first parent, that one's first parent, and so on; ``number`` of them, negative for all."""
    while number:
        yield oid
        number -= 1
        parents = () if not number or oid in shallow else _parents(source, oid)
        if not parents:
            return
        oid = parents[0]


def is_ancestor(source: ObjectSource, old: Oid, new: Oid, *, shallow: Collection[Oid] = ()) -> bool:
    """Whether ``old`` is ``new`` or in its history."""
    seen = {new}
    queue = deque(seen)
    while queue:
        oid = queue.popleft()
        if oid == old:
            return True
        if oid in shallow:
            continue
        for parent in _parents(source, oid):
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return False


def _parents(source: ObjectSource, oid: Oid) -> tuple[Oid, ...]:
    kind, data = source.read(oid)
    if kind != COMMIT:
        raise GitError(f"The Git object {oid.hex()} is not a commit.")
    return parse_commit(data).parents


def _children(kind: int, data: bytes, *, cut: bool) -> Iterator[tuple[Oid, bool]]:
    """What an object points to, each with whether it points to nothing further."""
    if kind == TREE:
        yield from _tree_children(data)
    elif kind == COMMIT:
        info = parse_commit(data)
        yield info.tree, False
        if not cut:
            for parent in info.parents:
                yield parent, False
    elif kind == TAG:
        target, target_kind = parse_tag(data)
        yield target, target_kind == BLOB


def _tree_children(data: bytes) -> Iterator[tuple[Oid, bool]]:
    """As `parse_tree`, without names: the ids of files and folders, not of other repositories' commits."""
    at, end = 0, len(data)
    while at < end:
        space = data.find(b" ", at)
        nul = data.find(b"\0", space)
        oid = data[nul + 1 : nul + 21]
        if space < 0 or nul < 0 or len(oid) != 20:
            raise CorruptObject("A Git tree is cut short.")
        mode = data[at:space]
        at = nul + 21
        if mode != _GITLINK:
            yield Oid(oid), mode not in (_FOLDER, b"040000")
