"""Linked worktrees that are made here are as good to Git as its own, and leave nothing when they go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import GitError, MissingObject
from assay.engine.git import linked
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from tests.gitstatus import opened

Git = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path, git: Git) -> Path:
    root = tmp_path / "repository"
    git("init", "-q", "-b", "main", str(root))
    (root / "sub").mkdir()
    (root / "a").write_text("1\n")
    (root / "sub" / "run").write_text("#!/bin/sh\n")
    (root / "sub" / "run").chmod(0o755)
    (root / "link").symlink_to("a")
    git("add", ".", cwd=root)
    git("commit", "-qm", "first", cwd=root)
    return root


def added(root: Path, name: str = "one") -> tuple[Repository, Repository]:
    repo = opened(root)
    head = repo.head()
    assert head is not None
    return repo, linked.add(repo, str(root / "runs" / name), head, name=name, why="a run")


@pytest.fixture(autouse=True)
def _runs(root: Path) -> None:
    (root / "runs").mkdir()
    (root / ".git" / "info" / "exclude").write_text("/runs\n")


def test_git_finds_it_clean_and_its_head_detached(root: Path, git: Git) -> None:
    added(root)
    folder = root / "runs" / "one"
    assert git("status", "--porcelain", cwd=folder) == ""
    assert git("rev-parse", "HEAD", cwd=folder) == git("rev-parse", "HEAD", cwd=root)
    assert git("rev-parse", "--symbolic-full-name", "HEAD", cwd=folder).strip() == "HEAD"
    assert os.readlink(folder / "link") == "a"
    assert os.access(folder / "sub" / "run", os.X_OK)


def test_the_repository_around_it_stays_as_it_is(root: Path, git: Git) -> None:
    before = git("for-each-ref", cwd=root), git("status", "--porcelain", "-b", cwd=root)
    added(root)
    assert (git("for-each-ref", cwd=root), git("status", "--porcelain", "-b", cwd=root)) == before


def test_git_lists_it_as_locked_and_says_why(root: Path, git: Git) -> None:
    added(root)
    lines = git("worktree", "list", "--porcelain", cwd=root).splitlines()
    assert {f"worktree {root / 'runs' / 'one'}", "locked a run"} <= set(lines)


def test_git_commits_in_it(root: Path, git: Git) -> None:
    added(root)
    folder = root / "runs" / "one"
    (folder / "a").write_text("2\n")
    git("commit", "-qam", "second", cwd=folder)
    assert git("log", "--format=%s", cwd=folder).split() == ["second", "first"]
    assert git("fsck", "--strict", cwd=root).strip() == ""


def test_no_pruning_takes_it_while_it_is_locked(root: Path, git: Git) -> None:
    repo, made = added(root)
    shutil.rmtree(root / "runs" / "one")
    git("worktree", "prune", "--expire=now", cwd=root)
    git("gc", "-q", "--prune=now", cwd=root)
    assert [one.name for one in linked.all_linked(repo)] == ["one"]
    made.close()


def test_nothing_is_left_when_it_is_removed(root: Path, git: Git) -> None:
    repo, made = added(root)
    made.close()
    read_only = root / "runs" / "one" / "sub"
    read_only.chmod(0o500)
    for one in linked.all_linked(repo):
        linked.remove(repo, one)
    assert list(linked.all_linked(repo)) == []
    assert not (root / "runs" / "one").exists()
    assert len(git("worktree", "list", cwd=root).splitlines()) == 1


def test_a_name_is_taken_once(root: Path) -> None:
    added(root)
    with pytest.raises(GitError, match="already, at"):
        added(root)
    assert (root / "runs" / "one" / "a").read_text() == "1\n"


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x", "x.lock", "x."])
def test_an_odd_name_is_refused(root: Path, name: str) -> None:
    with pytest.raises(GitError, match="cannot be the name"):
        added(root, name)
    assert not (root / ".git" / "worktrees").exists()


def test_nothing_is_left_of_one_that_cannot_be_filled(root: Path) -> None:
    repo = opened(root)
    with pytest.raises(MissingObject):
        linked.add(repo, str(root / "runs" / "x"), Oid(b"\1" * 20), name="x", why="")
    assert list(linked.all_linked(repo)) == []
    assert not (root / "runs" / "x").exists()
