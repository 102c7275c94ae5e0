"""What objects point to."""

from __future__ import annotations

import random

import pytest

from assay.engine.errors import CorruptObject, GitError, MissingObject
from assay.engine.git.objects import BLOB, COMMIT, TAG, TREE, TreeItem, build_commit, build_tree, object_id
from assay.engine.git.reach import ahead_and_behind, beyond, closure, first_parents, is_ancestor, meeting_points
from assay.engine.model import Oid, Signature

WHO = Signature("A", "a@example.com", 1700000000)


class Objects:
    """A source in memory that counts what is read."""

    def __init__(self) -> None:
        self.known: dict[object, tuple[int, bytes]] = {}
        self.reads: list[Oid] = []

    def add(self, kind: int, data: bytes) -> Oid:
        oid = object_id(kind, data)
        self.known[oid] = (kind, data)
        return oid

    def commit(self, tree: Oid, *parents: Oid, message: str = "m") -> Oid:
        return self.add(COMMIT, build_commit(tree, parents, WHO, WHO, message))

    def read(self, oid: Oid) -> tuple[int, bytes]:
        self.reads.append(oid)
        if oid not in self.known:
            raise MissingObject(oid.hex())
        return self.known[oid]

    def __contains__(self, oid: object) -> bool:
        return oid in self.known


@pytest.fixture
def source() -> Objects:
    return Objects()


def never(oid: Oid) -> bool:
    return False


def small_history(source: Objects) -> dict[str, Oid]:
    """Two commits that share a folder, a tag on the second, a link, a gitlink."""
    file, link = object_id(BLOB, b"file"), object_id(BLOB, b"link")
    folder = source.add(TREE, build_tree([TreeItem("file", 0o100755, file)]))
    old = source.add(TREE, build_tree([TreeItem("folder", 0o040000, folder)]))
    items = [TreeItem("folder", 0o040000, folder), TreeItem("link", 0o120000, link)]
    new = source.add(TREE, build_tree([*items, TreeItem("module", 0o160000, Oid(b"m" * 20))]))
    first = source.commit(old)
    second = source.commit(new, first)
    tag = source.add(TAG, b"object %s\ntype commit\ntag v\n\nm" % second.hex().encode())
    return {"file": file, "link": link, "folder": folder, "old": old, "new": new, "1": first, "2": second, "tag": tag}


def test_a_closure_is_everything_once(source: Objects) -> None:
    names = small_history(source)
    found = list(closure(source, [names["tag"], names["2"], names["tag"]], never))
    assert sorted(found) == sorted(names.values())


def test_blobs_are_named_but_not_read(source: Objects) -> None:
    names = small_history(source)
    list(closure(source, [names["tag"]], never))
    assert names["file"] not in source.reads
    assert len(source.reads) == len(set(source.reads)) == len(names) - 2


def test_a_closure_ends_where_it_is_told_to(source: Objects) -> None:
    names = small_history(source)
    found = set(closure(source, [names["tag"]], {names["1"], names["folder"]}.__contains__))
    assert found == {names[name] for name in ("tag", "2", "new", "link")}
    assert list(closure(source, [names["2"]], names["2"].__eq__)) == []


def test_each_kind_can_be_wanted(source: Objects) -> None:
    blob = source.add(BLOB, b"file")
    tag = source.add(TAG, b"object %s\ntype blob\ntag v\n\nm" % blob.hex().encode())
    assert list(closure(source, [blob], never)) == [blob]
    assert list(closure(source, [tag], never)) == [tag, blob]


def test_history_ends_where_it_was_cut(source: Objects) -> None:
    names = small_history(source)
    shallow = {names["2"]}
    del source.known[names["1"]]
    assert names["1"] not in set(closure(source, [names["2"]], never, shallow=shallow))
    assert list(first_parents(source, names["2"], shallow=shallow)) == [names["2"]]
    assert not is_ancestor(source, names["1"], names["2"], shallow=shallow)
    with pytest.raises(MissingObject):
        list(closure(source, [names["2"]], never))


@pytest.mark.parametrize("raw", [b"100644 a", b"100644 a\0short", b"no nul and no space"])
def test_a_damaged_tree_is_corrupt(source: Objects, raw: bytes) -> None:
    tree = source.add(TREE, raw)
    with pytest.raises(CorruptObject):
        list(closure(source, [tree], never))


def test_old_modes_of_folders_are_folders(source: Objects) -> None:
    inner = source.add(TREE, b"")
    assert set(closure(source, [source.add(TREE, b"040000 a\0" + inner)], never)) >= {inner}
    assert inner in source.reads


def test_ancestry_crosses_merges(source: Objects) -> None:
    tree = source.add(TREE, b"")
    root = source.commit(tree)
    left, right = source.commit(tree, root, message="l"), source.commit(tree, root, message="r")
    merge = source.commit(tree, left, right)
    for old, new, expected in (
        (root, merge, True), (right, merge, True), (merge, merge, True), (merge, root, False), (left, right, False),
    ):  # fmt: skip
        assert is_ancestor(source, old, new) is expected
    assert list(first_parents(source, merge)) == [merge, left, root]


def test_how_far_two_commits_are_apart(source: Objects) -> None:
    tree = source.add(TREE, b"")
    root = source.commit(tree)
    left, right = source.commit(tree, root, message="l"), source.commit(tree, root, message="r")
    further = source.commit(tree, right, message="f")
    merge = source.commit(tree, left, further)
    for one, other, expected in (
        (root, root, (0, 0)), (further, root, (2, 0)), (root, further, (0, 2)), (left, further, (1, 2)),
        (merge, left, (3, 0)), (root, merge, (0, 4)),
    ):  # fmt: skip
        assert ahead_and_behind(source, one, other) == expected
    assert ahead_and_behind(source, further, root, shallow={right}) == (2, 1)
    source.reads.clear()
    assert ahead_and_behind(source, further, right) == (1, 0)
    assert set(source.reads) == {further}


@pytest.mark.parametrize(("number", "found"), [(0, 0), (1, 1), (2, 2), (9, 3), (-1, 3)])
def test_so_many_first_parents_are_walked_and_no_more_commits_read(source: Objects, number: int, found: int) -> None:
    tree = source.add(TREE, b"")
    chain = [source.commit(tree)]
    for message in "ab":
        chain.insert(0, source.commit(tree, chain[0], message=message))
    source.reads.clear()
    assert list(first_parents(source, chain[0], number=number)) == chain[:found]
    assert len(source.reads) == (max(number - 1, 0) if 0 <= number <= 3 else 3)


def test_deep_history_needs_no_stack(source: Objects) -> None:
    tree = source.add(TREE, b"")
    tip = root = source.commit(tree)
    for number in range(5000):
        tip = source.commit(tree, tip, message=str(number))
    assert is_ancestor(source, root, tip)
    assert sum(1 for _ in closure(source, [tip], never)) == 5002


def test_what_is_no_commit_has_no_history(source: Objects) -> None:
    blob = source.add(BLOB, b"x")
    with pytest.raises(GitError, match="not a commit"):
        is_ancestor(source, Oid(bytes(20)), blob)


def test_beyond_what_somebody_has_only_changed_folders_are_looked_into(source: Objects) -> None:
    same = source.add(TREE, build_tree([TreeItem("x", 0o100644, source.add(BLOB, b"same"))]))
    trees, blobs = [], []
    for number in (b"1", b"2", b"3"):
        blobs.append(source.add(BLOB, number))
        trees.append(source.add(TREE, build_tree([TreeItem("a", 0o100644, blobs[-1])])))
    roots = [
        source.add(TREE, build_tree([TreeItem("changed", 0o040000, tree), TreeItem("same", 0o040000, same)]))
        for tree in trees
    ]
    first = source.commit(roots[0])
    second = source.commit(roots[1], first)
    third = source.commit(roots[2], second)
    found = list(beyond(source, [third], lambda oid: oid == first))
    assert len(found) == len(set(found))
    assert set(found) == {third, second, *roots[1:], *trees[1:], *blobs[1:]}
    assert same not in source.reads


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_left_out_however_trees_come_back_in_history(source: Objects, seed: int) -> None:
    dice = random.Random(seed)
    blobs = [source.add(BLOB, b"%d" % number) for number in range(12)]
    folders = [
        source.add(TREE, build_tree([TreeItem(name, 0o100644, dice.choice(blobs)) for name in "ab"])) for _ in range(4)
    ]
    roots = [
        source.add(TREE, build_tree([TreeItem(name, 0o040000, dice.choice(folders)) for name in "xy"]))
        for _ in range(3)
    ]
    commits: list[Oid] = []
    for number in range(8):
        parents = dice.sample(commits, min(len(commits), dice.choice((0, 1, 1, 1, 2))))
        commits.append(source.commit(dice.choice(roots), *parents, message=str(number)))
    wants = dice.sample(commits, 3)
    theirs = set(closure(source, dice.sample(commits, dice.choice((0, 1))), never))
    found = list(beyond(source, wants, lambda oid: oid in theirs and oid in commits))
    assert len(found) == len(set(found))
    assert set(found) | theirs >= set(closure(source, wants, never))


def test_where_two_histories_met_last(source: Objects) -> None:
    tree = source.add(TREE, b"")
    root = source.commit(tree)
    base = source.commit(tree, root, message="base")
    one, other = (source.commit(tree, base, message=text) for text in ("one", "other"))
    assert meeting_points(source, one, other) == (base,)
    assert meeting_points(source, one, base) == (base,)
    joint, across = source.commit(tree, one, other, message="joint"), source.commit(tree, other, one, message="across")
    assert set(meeting_points(source, joint, across)) == {one, other}
    assert meeting_points(source, joint, other) == (other,)
    assert meeting_points(source, joint, source.commit(tree, message="stranger")) == ()
    assert meeting_points(source, one, other, shallow={one}) == ()
