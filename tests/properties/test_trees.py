"""Tree edits agree with a dictionary, and the real Git finds nothing wrong with what is written."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.git.objects import BLOB, HEADERS, object_id
from assay.engine.git.trees import Item, diff_trees, edit_tree, walk_tree
from assay.engine.model import Oid

Files = dict[str, Item]
names = st.sampled_from(["a", "a.b", "a0", "ab", "b", "é", "\udcff", "a b", "-"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
contents = st.sampled_from([object_id(BLOB, text) for text in (b"1", b"2")])
items = st.tuples(st.sampled_from([0o100644, 0o100755, 0o120000]), contents)
edits = st.lists(st.dictionaries(paths, st.none() | items, max_size=10), min_size=1, max_size=4)


class Loose:
    """The loose objects of a repository, as plain as can be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[Oid, tuple[int, bytes]] = {}

    def read(self, oid: Oid) -> tuple[int, bytes]:
        return self.known[oid]

    def __contains__(self, oid: object) -> bool:
        return oid in self.known

    def add(self, kind: int, data: bytes) -> Oid:
        oid = object_id(kind, data)
        if oid not in self.known:
            self.known[oid] = (kind, data)
            place = self.folder / oid.hex()[:2]
            place.mkdir(exist_ok=True)
            (place / oid.hex()[2:]).write_bytes(zlib.compress(HEADERS[kind] % len(data) + data, 1))
        return oid


def without_clashes(changes: dict[str, Item | None]) -> dict[str, Item | None]:
    """The changes without those that are put below another."""
    put = {path for path, item in changes.items() if item is not None}
    return {path: item for path, item in changes.items() if item is None or not put & set(folders_of(path))}


def folders_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def apply(files: Files, changes: dict[str, Item | None]) -> Files:
    """What an edit means, said with a dictionary of whole paths."""
    files = {path: item for path, item in files.items() if not changes.keys() & {path, *folders_of(path)}}
    for path, item in changes.items():
        if item is not None:
            for above in folders_of(path):
                files.pop(above, None)
            files[path] = item
    return files


@settings(max_examples=400)
@given(edits)
def test_edited_trees_hold_what_a_dictionary_holds(tmp_path: Path, edits: list[dict[str, Item | None]]) -> None:
    objects = Loose(tmp_path)
    files: Files = {}
    tree = None
    for changes in map(without_clashes, edits):
        before, old = files, tree
        files = apply(files, changes)
        tree = edit_tree(objects, tree, changes)
        assert {path: (mode, oid) for path, mode, oid in walk_tree(objects, tree)} == files
        assert tree == edit_tree(objects, None, files), "the way to a tree does not matter"
        assert {path: pair for path, *pair in diff_trees(objects, old, tree)} == {
            path: [before.get(path), files.get(path)]
            for path in before.keys() | files.keys()
            if before.get(path) != files.get(path)
        }


@settings(max_examples=1)
@given(st.lists(edits, min_size=60, max_size=60))
def test_git_lists_the_same_files_and_fsck_is_clean(
    git: Callable[..., str], tmp_path: Path, cases: list[list[dict[str, Item | None]]]
) -> None:
    git("init", "-q")
    objects = Loose(tmp_path / ".git/objects")
    for text in (b"1", b"2"):
        objects.add(BLOB, text)
    for case in cases:
        files: Files = {}
        tree = None
        for changes in map(without_clashes, case):
            files = apply(files, changes)
            tree = edit_tree(objects, tree, changes)
        assert tree is not None
        listed = git("ls-tree", "-r", "-z", tree.hex())
        expected = {f"{mode:06o} blob {oid.hex()}\t{path}" for path, (mode, oid) in files.items()}
        assert set(filter(None, listed.split("\0"))) == expected
    git("fsck", "--strict", "--no-dangling")
