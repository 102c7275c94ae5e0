"""Trees edited, walked, looked up in and compared, on objects kept in memory."""

from __future__ import annotations

import pytest

from assay.engine.errors import CorruptObject, GitError, UnsafePath
from assay.engine.git.objects import BLOB, TREE, TreeItem, build_tree, object_id, parse_tree
from assay.engine.git.trees import EMPTY_TREE, MAX_DEPTH, diff_trees, edit_tree, lookup, walk_tree
from assay.engine.model import Oid

FILE, EXE, LINK, DIR, SUB = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000


class Memory:
    """Objects in a dictionary, counting what is read and written."""

    def __init__(self) -> None:
        self.objects: dict[Oid, tuple[int, bytes]] = {}
        self.reads: list[Oid] = []
        self.writes = 0

    def read(self, oid: Oid) -> tuple[int, bytes]:
        self.reads.append(oid)
        return self.objects[oid]

    def __contains__(self, oid: object) -> bool:
        return oid in self.objects

    def add(self, kind: int, data: bytes) -> Oid:
        oid = object_id(kind, data)
        self.writes += 1
        self.objects[oid] = (kind, data)
        return oid


def blob(text: str = "x") -> Oid:
    return object_id(BLOB, text.encode())


def tree_of(memory: Memory, **files: str) -> Oid:
    """A tree of files by name, ``__`` for a slash, each with a content of its own."""
    return edit_tree(memory, None, {path.replace("__", "/"): (FILE, blob(text)) for path, text in files.items()})


def files(memory: Memory, tree: Oid) -> dict[str, tuple[int, Oid]]:
    return {path: (mode, oid) for path, mode, oid in walk_tree(memory, tree)}


@pytest.fixture
def memory() -> Memory:
    return Memory()


def test_nothing_put_into_nothing_is_the_empty_tree(memory: Memory) -> None:
    assert edit_tree(memory, None, {}) == EMPTY_TREE
    assert EMPTY_TREE.hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert EMPTY_TREE in memory


def test_an_edit_puts_and_takes_away_files(memory: Memory) -> None:
    base = tree_of(memory, a="1", b__c="2", b__d="3")
    new = edit_tree(
        memory, base, {"b/c": None, "b/e": (EXE, blob("4")), "f/g/h": (LINK, blob("a")), "s": (SUB, blob())}
    )
    assert files(memory, new) == {
        "a": (FILE, blob("1")), "b/d": (FILE, blob("3")), "b/e": (EXE, blob("4")), "f/g/h": (LINK, blob("a")),
        "s": (SUB, blob()),
    }  # fmt: skip


def test_only_the_trees_above_a_changed_path_are_read_and_written(memory: Memory) -> None:
    base = tree_of(memory, a__x__one="1", b__x__one="1b", c__y="2")
    memory.reads.clear()
    memory.writes = 0
    edit_tree(memory, base, {"a/x/one": (FILE, blob("new"))})
    assert (len(memory.reads), memory.writes) == (3, 3)


def test_an_edit_that_changes_nothing_writes_nothing_and_keeps_the_id(memory: Memory) -> None:
    base = tree_of(memory, a__b="1", c="2")
    memory.writes = 0
    assert edit_tree(memory, base, {"a/b": (FILE, blob("1")), "missing/x": None, "c/below": None}) == base
    assert memory.writes == 0


def test_a_folder_that_loses_its_last_file_vanishes_with_those_above_it(memory: Memory) -> None:
    base = tree_of(memory, a__b__c="1", d="2")
    assert files(memory, edit_tree(memory, base, {"a/b/c": None})) == {"d": (FILE, blob("2"))}
    assert edit_tree(memory, base, {"a/b/c": None, "d": None}) == EMPTY_TREE


def test_a_file_gives_way_to_a_folder_and_a_folder_to_a_file(memory: Memory) -> None:
    base = tree_of(memory, a="1", b__c="2", b__d="3")
    assert set(files(memory, edit_tree(memory, base, {"a": None, "a/x": (FILE, blob())}))) == {"a/x", "b/c", "b/d"}
    assert set(files(memory, edit_tree(memory, base, {"a/x": (FILE, blob())}))) == {"a/x", "b/c", "b/d"}
    new = edit_tree(memory, base, {"b/c": None, "b/d": None, "b": (FILE, blob())})
    assert set(files(memory, new)) == {"a", "b"}
    assert set(files(memory, edit_tree(memory, base, {"b": (FILE, blob())}))) == {"a", "b"}


def test_a_whole_folder_can_be_taken_away_and_filled_anew_at_once(memory: Memory) -> None:
    base = tree_of(memory, a__b="1", a__c="2", d="3")
    assert set(files(memory, edit_tree(memory, base, {"a": None}))) == {"d"}
    assert set(files(memory, edit_tree(memory, base, {"a": None, "a/n": (FILE, blob())}))) == {"a/n", "d"}


def test_a_folder_can_be_put_as_a_tree_that_exists(memory: Memory) -> None:
    inner = tree_of(memory, x="1")
    new = edit_tree(memory, None, {"sub": (DIR, inner), "empty": (DIR, EMPTY_TREE)})
    assert files(memory, new) == {"sub/x": (FILE, blob("1"))}


@pytest.mark.parametrize("order", [1, -1])
def test_a_path_that_is_put_as_a_file_and_as_a_folder_is_refused(memory: Memory, order: int) -> None:
    changes = dict([("a", (FILE, blob())), ("a/b", (FILE, blob()))][::order])
    with pytest.raises(GitError, match="as a file and as a folder"):
        edit_tree(memory, None, changes)


def test_entries_stand_in_the_order_of_git_where_a_folder_sorts_as_if_it_ended_in_a_slash(memory: Memory) -> None:
    new = edit_tree(memory, None, {path: (FILE, blob()) for path in ("a/x", "a.b", "a0", "b", "é", "Z")})
    assert [item.name for item in parse_tree(memory.objects[new][1])] == ["Z", "a.b", "a", "a0", "b", "é"]


def test_bytes_of_entries_that_are_not_edited_stay_as_they_are(memory: Memory) -> None:
    odd = b"100664 old\0" + blob() + b"100666 older\0" + blob()
    base = memory.add(TREE, odd)
    new = edit_tree(memory, base, {"new": (FILE, blob())})
    assert memory.objects[new][1] == b"100644 new\0" + blob() + odd
    assert files(memory, new)["older"] == (FILE, blob())


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", "../a", "a/../b", ".", ".git/x", "a/.GIT", "git~1", "a\0b"])
def test_a_path_that_no_checkout_may_write_is_refused(memory: Memory, path: str) -> None:
    with pytest.raises(UnsafePath):
        edit_tree(memory, None, {path: (FILE, blob())})


def test_gitmodules_is_never_a_symlink(memory: Memory) -> None:
    with pytest.raises(UnsafePath, match="submodules"):
        edit_tree(memory, None, {".gitmodules": (LINK, blob())})


@pytest.mark.parametrize(
    ("mode", "oid"), [(0o100664, blob()), (0, blob()), (FILE, Oid(bytes(20))), (FILE, Oid(b"short"))]
)
def test_a_mode_or_id_that_no_tree_holds_is_refused(memory: Memory, mode: int, oid: Oid) -> None:
    with pytest.raises(GitError):
        edit_tree(memory, None, {"a": (mode, oid)})


def test_paths_deeper_than_the_limit_are_refused_when_written_and_when_read(memory: Memory) -> None:
    with pytest.raises(GitError, match="deep"):
        edit_tree(memory, None, {"a/" * MAX_DEPTH + "b": (FILE, blob())})
    tree = memory.add(TREE, build_tree([TreeItem("f", FILE, blob())]))
    for _ in range(MAX_DEPTH + 1):
        tree = memory.add(TREE, build_tree([TreeItem("a", DIR, tree)]))
    with pytest.raises(CorruptObject, match="deep"):
        list(walk_tree(memory, tree))


@pytest.mark.parametrize("data", [b"100644 a\0" + bytes(19), b"100644", b"100644 a", (b"100644 a\0" + bytes(20)) * 2])
def test_a_tree_that_is_cut_short_or_names_something_twice_is_not_edited(memory: Memory, data: bytes) -> None:
    base = memory.add(TREE, data)
    with pytest.raises(CorruptObject):
        edit_tree(memory, base, {"b": (FILE, blob())})


def test_an_object_that_is_no_tree_is_said_to_be_none(memory: Memory) -> None:
    base = memory.add(TREE, build_tree([TreeItem("d", DIR, memory.add(BLOB, b"x"))]))
    with pytest.raises(CorruptObject, match="not a tree"):
        list(walk_tree(memory, base))


def test_lookup_finds_files_and_folders_and_nothing_below_a_file(memory: Memory) -> None:
    base = tree_of(memory, a__b="1", c="2")
    assert lookup(memory, base, "a/b") == TreeItem("b", FILE, blob("1"))
    folder = lookup(memory, base, "a")
    assert folder is not None
    assert folder.mode == DIR
    assert [lookup(memory, base, path) for path in ("a/x", "c/b", "d", "a/b/c")] == [None] * 4


def test_walk_puts_a_prefix_before_every_path(memory: Memory) -> None:
    base = tree_of(memory, a__b="1")
    assert [path for path, _, _ in walk_tree(memory, base, "sub/")] == ["sub/a/b"]


def test_names_that_are_not_utf8_survive(memory: Memory) -> None:
    new = edit_tree(memory, None, {"\udcff/\udcfe": (FILE, blob())})
    assert list(files(memory, new)) == ["\udcff/\udcfe"]
    assert lookup(memory, new, "\udcff/\udcfe") is not None


def test_diff_names_what_was_added_changed_and_taken_away(memory: Memory) -> None:
    old = tree_of(memory, a="1", b__c="2", b__d="3", same__x="4")
    new = edit_tree(memory, old, {"a": (EXE, blob("1")), "b/c": None, "b/e": (FILE, blob("5"))})
    assert {path: (before, after) for path, before, after in diff_trees(memory, old, new)} == {
        "a": ((FILE, blob("1")), (EXE, blob("1"))),
        "b/c": ((FILE, blob("2")), None),
        "b/e": (None, (FILE, blob("5"))),
    }


def test_diff_of_a_file_that_became_a_folder_names_both(memory: Memory) -> None:
    old, new = tree_of(memory, a="1"), tree_of(memory, a__b="1")
    assert {path: (bool(was), bool(now)) for path, was, now in diff_trees(memory, old, new)} == {
        "a": (True, False), "a/b": (False, True),
    }  # fmt: skip
    assert len(list(diff_trees(memory, None, new))) == len(list(diff_trees(memory, new, None))) == 1
    assert list(diff_trees(memory, None, None)) == []


def test_diff_does_not_read_folders_that_are_the_same(memory: Memory) -> None:
    old = tree_of(memory, a__x="1", b__x="2")
    new = edit_tree(memory, old, {"a/x": (FILE, blob("3"))})
    memory.reads.clear()
    list(diff_trees(memory, old, new))
    assert len(memory.reads) == 4
