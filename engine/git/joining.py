"""What two commits that go on from a third come to together: file by file, never within one.

A file that only one of them changed is as that one has it, and one that both changed alike is as both have it. One that
both changed differently, or that one has where the other has a folder, is named: that is for people to settle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from assay.engine.git.trees import Item, diff_trees
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

Edits = Mapping[str, Item | None]
"""How a tree differs from an earlier one: (mode, id) by path, None for what is gone."""


class Together(NamedTuple):
    """What two sides come to.

    Attributes:
        edits: What the other side adds to ours.
        clashing: The paths that the sides do not agree about.
    """

    edits: Edits
    clashing: tuple[str, ...]


def together(objects: ObjectSource, base: Oid, ours: Oid, theirs: Oid) -> Together:
    """Compares three trees: where two sides started, and what each made of it. Raises CorruptObject."""
    mine = {path: new for path, _, new in diff_trees(objects, base, ours)}
    others = {path: new for path, _, new in diff_trees(objects, base, theirs)}
    edits = {path: item for path, item in others.items() if path not in mine}
    unlike = [path for path, item in others.items() if path in mine and mine[path] != item]
    return Together(edits, tuple(sorted({*unlike, *_inside(edits, mine), *_inside(mine, edits)})))


def _inside(files: Edits, others: Edits) -> Iterator[str]:
    """The paths of files that one side put below what is a file on the other side."""
    put = {path for path, item in others.items() if item is not None}
    for path, item in files.items():
        if item is not None and any(path[:cut] in put for cut, letter in enumerate(path) if letter == "/"):
            yield path
