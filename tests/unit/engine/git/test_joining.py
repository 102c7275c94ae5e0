"""What two trees that come from a third are together."""

from __future__ import annotations

import pytest

from assay.engine.git.joining import together
from assay.engine.git.objects import BLOB, TREE, object_id
from assay.engine.git.trees import edit_tree, walk_tree
from assay.engine.model import Oid

Files = dict[str, str]
FILE = 0o100644
BASE = {"a": "1", "b": "1", "d/x": "1", "d/y": "1"}


class Memory:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[Oid, tuple[int, bytes]] = {}

    def read(self, oid: Oid) -> tuple[int, bytes]:
        return self.objects[oid]

    def __contains__(self, oid: object) -> bool:
        return oid in self.objects

    def add(self, kind: int, data: bytes) -> Oid:
        oid = object_id(kind, data)
        self.objects[oid] = (kind, data)
        return oid

    def tree(self, files: Files) -> Oid:
        items = {path: (FILE, object_id(BLOB, text.encode())) for path, text in files.items()}
        return edit_tree(self, None, items) if items else self.add(TREE, b"")


def without(*gone: str, **more: str) -> Files:
    kept = {path: text for path, text in BASE.items() if path not in gone}
    return {**kept, **{path.replace("__", "/"): text for path, text in more.items()}}


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        (without(a="2"), without(b="2"), without(a="2", b="2")),
        (without(a="2"), without(a="2"), without(a="2")),
        (without("a"), without("a", "b"), without("a", "b")),
        (without(d__x="2"), without(d__new="1"), without(d__x="2", d__new="1")),
        (without(a="2"), without("d/x", "d/y", d="file"), without("d/x", "d/y", a="2", d="file")),
        (without("d/x", "d/y"), without(e="1"), without("d/x", "d/y", e="1")),
        (BASE, without("b"), without("b")),
    ],
)
def test_what_one_side_changed_is_as_it_has_it(ours: Files, theirs: Files, both: Files) -> None:
    memory = Memory()
    for one, other in ((ours, theirs), (theirs, ours)):
        mine = memory.tree(one)
        found = together(memory, memory.tree(BASE), mine, memory.tree(other))
        assert found.clashing == ()
        joint = edit_tree(memory, mine, found.edits)
        assert list(walk_tree(memory, joint)) == list(walk_tree(memory, memory.tree(both)))


@pytest.mark.parametrize(
    ("ours", "theirs", "clashing"),
    [
        (without(a="2"), without(a="3"), "a"),
        (without(a="2"), without("a"), "a"),
        (without(new="2"), without(new="3"), "new"),
        (without(new="file"), without(new__below="1"), "new/below"),
        (without("d/x", "d/y", d="file"), without(d__z="1"), "d/z"),
    ],
)
def test_what_both_changed_differently_is_named(ours: Files, theirs: Files, clashing: str) -> None:
    memory = Memory()
    for one, other in ((ours, theirs), (theirs, ours)):
        found = together(memory, memory.tree(BASE), memory.tree(one), memory.tree(other))
        assert found.clashing == (clashing,)
