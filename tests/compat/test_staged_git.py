"""The index compared with a tree: right whatever Git knew of its folders, and cheap where it knew all."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.git.index import read_index
from assay.engine.git.indexdraft import editing
from assay.engine.git.staged import differences
from assay.engine.git.trees import Item, walk_tree
from assay.engine.model import Oid
from tests.gitstatus import opened

Git = Callable[..., str]


class Counted:
    """Objects that are counted when they are read."""

    def __init__(self, objects: object) -> None:
        self._objects = objects
        self.reads = 0

    def read(self, oid: Oid) -> tuple[int, bytes]:
        self.reads += 1
        return self._objects.read(oid)

    def __contains__(self, oid: object) -> bool:
        return oid in self._objects


@pytest.fixture
def root(git: Git, tmp_path: Path) -> Path:
    """A repository with 60 files in 13 folders."""
    folder = tmp_path / "work"
    git("init", "-q", "--template=", str(folder))
    for number in range(60):
        place = folder / f"d{number % 4}" / f"e{number % 3}" / f"f{number}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{number}\n")
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "base", cwd=folder)
    return folder


def compare(root: Path, git: Git) -> tuple[dict[str, tuple[Item | None, Item | None]], int]:
    """What differs between HEAD and the index, and how many trees were read to know it."""
    repo = opened(root)
    objects = Counted(repo.objects)
    tree = Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))
    try:
        return differences(objects, tree, read_index(repo.index_path)), objects.reads
    finally:
        repo.close()


def test_a_clean_index_that_git_wrote_is_compared_without_reading_a_tree(git: Git, root: Path) -> None:
    assert compare(root, git) == ({}, 0)


def test_only_folders_with_a_staged_change_are_read(git: Git, root: Path) -> None:
    (root / "d1/e1/f1").write_text("changed")
    (root / "d1/e1/new").write_text("new")
    git("add", "d1/e1/f1", "d1/e1/new", cwd=root)
    found, reads = compare(root, git)
    assert sorted(found) == ["d1/e1/f1", "d1/e1/new"]
    assert reads == 3


def test_an_index_that_knows_no_trees_leads_to_the_same_answer(git: Git, root: Path) -> None:
    rng = random.Random(1)
    for step in range(12):
        path = f"d{rng.randrange(5)}/e{rng.randrange(3)}/f{rng.randrange(60)}"
        if step % 3 == 0:
            git("rm", "-q", "-f", "--ignore-unmatch", path, cwd=root)
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(f"step {step}")
            git("add", *(["-N"] if step % 3 == 1 else []), path, cwd=root)
        known, _ = compare(root, git)
        with editing(str(root / ".git"), str(root / ".git/index")):
            pass
        assert compare(root, git)[0] == known
        git("reset", "-q", "--mixed", cwd=root) if step == 6 else git("write-tree", cwd=root)


def test_every_path_is_new_where_there_is_no_tree_and_gone_where_there_is_no_index(git: Git, root: Path) -> None:
    repo = opened(root)
    index = read_index(repo.index_path)
    new = differences(repo.objects, None, index)
    assert new == {path: (None, index.item(path)) for path in index.offsets}
    (root / ".git/index").unlink()
    tree = Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))
    gone = differences(repo.objects, tree, read_index(repo.index_path))
    assert gone == {path: ((mode, oid), None) for path, mode, oid in walk_tree(repo.objects, tree)}
    repo.close()
