"""How the index differs from a tree.

Git notes in the index which folders were, when it last looked, exactly some tree object; where that is the tree's own
folder nothing below is compared, so a clean index costs one comparison however large it is.
"""

from __future__ import annotations

from assay.engine.git.index import Index
from assay.engine.git.objects import MODE_FOLDER
from assay.engine.git.trees import Item, items_of
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

Differences = dict[str, tuple[Item | None, Item | None]]
"""Path to what the tree has and what the index has; None for nothing there, and for an index entry that is in conflict
or only intended to be added."""


def differences(objects: ObjectSource, tree: Oid | None, index: Index) -> Differences:
    """The paths where a tree and the index are not the same; no tree and no index are empty ones."""
    found: Differences = {}
    same: set[str] = set()
    whole: set[str] = set()
    counted = 0
    cached = index.cached_trees()
    stack = [("", tree, 0)] if tree else []
    holds, see = index.holds, same.add
    while stack:
        prefix, oid, depth = stack.pop()
        known, files = cached.get(prefix[:-1], (None, 0))
        if known == oid:
            whole.add(prefix[:-1])
            counted += files
            continue
        for name, mode, below in items_of(objects, oid, depth):
            path = prefix + name
            if mode == MODE_FOLDER:
                stack.append((path + "/", below, depth + 1))
            elif holds(path, mode, below):
                see(path)
            else:
                item = index.item(path)
                found[path] = ((mode, below), item)
                counted += item is not None
    if counted + len(same) < len(index.offsets) - len(index.intended):
        _add_new(found, index, same, whole)
    return found


def _add_new(found: Differences, index: Index, same: set[str], whole: set[str]) -> None:
    """Adds what only the index has: what was not met, and does not lie in a folder known to be the same as a whole."""
    covered = dict.fromkeys(whole, True)
    covered.setdefault("", False)

    def is_covered(folder: str) -> bool:
        known = covered.get(folder)
        if known is None:
            known = covered[folder] = is_covered(folder.rpartition("/")[0])
        return known

    for path in index.offsets:
        if path not in same and path not in found and not is_covered(path.rpartition("/")[0]):
            item = index.item(path)
            if item is not None:
                found[path] = (None, item)
