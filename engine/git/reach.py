"""What objects point to: closures for transports and collections, ancestry of commits.

Walks are iterative and read each commit, tree and tag once; blobs are named by their trees and not read. Nothing is
assumed about dates: a commit may be older than its parents.

Where history was cut (a shallow clone), the commits at the edge are passed as ``shallow``: their parents are left out.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from assay.engine.errors import CorruptObject, GitError
from assay.engine.git.objects import BLOB, COMMIT, TAG, TREE, parse_links, parse_tag
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

_FOLDER = b"40000"
_GITLINK = b"160000"
_ITEM = re.compile(rb"([0-7]{1,7}) ([^/\0]+)\0([\s\S]{20})")
_KEPT = 200  # folders
_LINE = 1000  # commits

_Folder = dict[bytes, tuple[bytes, bytes]]
_NO_FOLDER: _Folder = {}
_Walked = set[tuple[Oid, Oid | None]]


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
    parent is either complete, or is walked too. A folder that comes back later in history, as after a revert, is looked
    into again, since what was left out of it for one parent's sake need not be there for another's.

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
    walked: _Walked = set()
    folders: dict[Oid, _Folder] = {}
    stack = list(wants)
    while stack:
        oid = stack.pop()
        if (oid, None) in walked or complete(oid):
            continue
        walked.add((oid, None))
        if oid not in seen:
            seen.add(oid)
            yield oid
        kind, data = source.read(oid)
        if kind == TAG:
            stack.append(parse_tag(data)[0])
        elif kind == TREE:
            yield from _new_below(source, oid, None, seen, walked, folders)
        elif kind == COMMIT:
            tree, parents = parse_links(data)
            parents = () if oid in shallow else parents
            stack += parents
            before = parse_links(source.read(parents[0])[1])[0] if parents else None
            if tree != before and (tree, before) not in walked:
                walked.add((tree, before))
                if tree not in seen:
                    seen.add(tree)
                    yield tree
                yield from _new_below(source, tree, before, seen, walked, folders)


def _new_below(
    source: ObjectSource,
    tree: Oid,
    before: Oid | None,
    seen: set[Oid],
    walked: _Walked,
    folders: dict[Oid, _Folder],
) -> Iterator[Oid]:
    """What lies below a tree and is neither seen nor in the tree before, at any depth where the two differ.

    ``walked`` has the folders that were looked into, each with what it was compared to; ``folders`` keeps what was
    before: mostly the same for many commits.
    """
    pairs: list[tuple[Oid, Oid | None]] = [(tree, before)]
    while pairs:
        new, old = pairs.pop()
        if old is None:
            known = _NO_FOLDER
        elif old in folders:
            known = folders[old]
        else:
            if len(folders) >= _KEPT:
                folders.clear()
            known = folders[old] = {name: (mode, oid) for mode, name, oid in _items(source.read(old)[1])}
        for mode, name, item in _items(source.read(new)[1]):
            one = known.get(name)
            if (one is not None and one[1] == item) or mode == _GITLINK:
                continue
            oid = Oid(item)
            if item not in seen:
                seen.add(oid)
                yield oid
            if mode == _FOLDER:
                pair = oid, Oid(one[1]) if one is not None and one[0] == _FOLDER else None
                if pair not in walked:
                    walked.add(pair)
                    pairs.append(pair)


def _items(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """As `parse_tree`, as bytes and not into values: mode, name and id. Raises CorruptObject."""
    items = _ITEM.findall(data)
    if sum([len(mode) + len(name) for mode, name, _ in items]) + 22 * len(items) != len(data):
        raise CorruptObject("A Git tree is cut short.")
    return items


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


def ahead_and_behind(source: ObjectSource, one: Oid, other: Oid, *, shallow: Collection[Oid] = ()) -> tuple[int, int]:
    """How many commits the first has that the second does not have, and the other way round.

    Where one just goes on from the other in a straight line, no more commits are read than the line has.
    """
    for new, old, is_ahead in ((one, other, True), (other, one, False)):
        if (number := _straight(source, old, new, shallow)) is not None:
            return (number, 0) if is_ahead else (0, number)
    ours, theirs = _history(source, one, shallow), _history(source, other, shallow)
    return len(ours - theirs), len(theirs - ours)


def meeting_points(source: ObjectSource, one: Oid, other: Oid, *, shallow: Collection[Oid] = ()) -> tuple[Oid, ...]:
    """The latest commits that two commits both go on from; none where their histories have nothing in common."""
    theirs = _history(source, other, shallow)
    found, seen, stack = list[Oid](), {one}, [one]
    while stack:
        oid = stack.pop()
        if oid in theirs:
            found.append(oid)
            continue
        for parent in () if oid in shallow else _parents(source, oid):
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return tuple(
        oid
        for oid in found
        if not any(oid != later and is_ancestor(source, oid, later, shallow=shallow) for later in found)
    )


def _straight(source: ObjectSource, old: Oid, new: Oid, shallow: Collection[Oid]) -> int | None:
    """How many commits without a merge lead from one to another; None where they do not, or are many."""
    for number in range(_LINE):
        if new == old:
            return number
        parents = () if new in shallow else _parents(source, new)
        if len(parents) != 1:
            return None
        new = parents[0]
    return None


def _history(source: ObjectSource, tip: Oid, shallow: Collection[Oid]) -> set[Oid]:
    seen, stack = {tip}, [tip]
    while stack:
        oid = stack.pop()
        for parent in () if oid in shallow else _parents(source, oid):
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return seen


def _parents(source: ObjectSource, oid: Oid) -> tuple[Oid, ...]:
    kind, data = source.read(oid)
    if kind != COMMIT:
        raise GitError(f"The Git object {oid.hex()} is not a commit.")
    return parse_links(data)[1]


def _children(kind: int, data: bytes, *, cut: bool) -> Iterator[tuple[Oid, bool]]:
    """What an object points to, each with whether it points to nothing further."""
    if kind == TREE:
        yield from _tree_children(data)
    elif kind == COMMIT:
        tree, parents = parse_links(data)
        yield tree, False
        if not cut:
            for parent in parents:
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
