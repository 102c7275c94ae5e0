"""Switching: files, index, HEAD and data go together, or nothing does."""

from __future__ import annotations

import pytest

from tests.filetree import picture, write


@pytest.fixture
def two(project, assay):
    """A project on main with no outputs, and a branch `with-data` that has run."""
    assay("run", "-n", "one", cwd=project)
    assay("branch", "one", "with-data", cwd=project)
    assay("switch", "with-data", cwd=project)
    return project


def test_data_comes_with_a_branch_and_goes_with_it(two, assay, git):
    assert (two / "model.bin").exists()
    assay("switch", "main", cwd=two)
    assert not (two / "model.bin").exists()
    assert not (two / "data").exists()
    assert git("status", "--porcelain", cwd=two) == ""
    assay("switch", "with-data", cwd=two)
    assert (two / "model.bin").read_text() == "HELLO\n0.1\n"
    assert (two / "data/upper.txt").read_text() == "HELLO\n"


def test_an_output_that_was_changed_stays(two, assay):
    (two / "model.bin").unlink()
    (two / "model.bin").write_text("mine")
    assay("switch", "main", cwd=two)
    assert (two / "model.bin").read_text() == "mine"
    before = picture(two)
    assert "model.bin" in assay("switch", "with-data", cwd=two, code=1).err
    assert picture(two) == before


def test_local_changes_are_not_overwritten(two, assay):
    write(two, {"metrics.json": "mine"})
    before = picture(two)
    assert "metrics.json" in assay("switch", "main", cwd=two, code=1).err
    assert picture(two) == before


def test_data_that_the_cache_has_not_is_told(two, assay):
    assay("switch", "main", cwd=two)
    for pack in (two / ".assay/cache/packs").iterdir():
        pack.unlink()
    assert "assay pull" in assay("switch", "with-data", cwd=two).err
    assert "On branch with-data" in assay("status", cwd=two).out


def test_a_branch_of_another_worktree_is_left_to_it(project, assay, git):
    git("branch", "other", cwd=project)
    git("worktree", "add", "-q", "../linked", "other", cwd=project)
    assert "another worktree" in assay("switch", "other", cwd=project, code=1).err
    assert "another worktree" in assay("switch", "main", cwd=project.parent / "linked", code=1).err
    assay("switch", "main", cwd=project)


@pytest.mark.parametrize("name", ["../../HEAD", "a b", "", "-x~", "refs/heads/", "@{1}", "no\nway"])
def test_a_name_that_names_nothing(project, assay, name):
    before = picture(project)
    assert assay("switch", "--", name, cwd=project, code=255).err.startswith("error: ")
    assert picture(project) == before
