"""Switching: files, index, HEAD and data go together, or nothing does."""

from __future__ import annotations

import pytest

from assay.cli.wiring import Surroundings
from assay.engine.errors import AssayError
from assay.engine.experiments.switch import forward
from assay.engine.model import Oid
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


def go_on(folder, git):
    """Moves the branch to where with-data is; returns what is said when that is refused."""
    opened = Surroundings().open_project(str(folder))
    try:
        forward(opened, Oid(bytes.fromhex(git("rev-parse", "with-data", cwd=folder))), "pull")
    except AssayError as error:
        return error.message
    finally:
        opened.close()
    return ""


def test_a_branch_goes_on_with_files_index_data_and_a_line_in_its_log(two, assay, git):
    assay("switch", "main", cwd=two)
    assert go_on(two, git) == ""
    assert git("rev-parse", "main", cwd=two) == git("rev-parse", "with-data", cwd=two)
    assert git("symbolic-ref", "HEAD", cwd=two) == "refs/heads/main"
    assert git("status", "--porcelain", cwd=two) == ""
    assert (two / "model.bin").read_text() == "HELLO\n0.1\n"
    assert git("reflog", "-1", "--format=%gs", "main", cwd=two) == "pull: Fast-forward"


def test_a_branch_stays_where_files_would_be_lost(two, assay, git):
    assay("switch", "main", cwd=two)
    write(two, {"metrics.json": "mine"})
    before = picture(two)
    assert "metrics.json" in go_on(two, git)
    assert picture(two) == before


def test_a_branch_goes_only_forwards_and_only_when_head_is_on_it(two, assay, git):
    assay("switch", "main", cwd=two)
    git("commit", "-q", "--allow-empty", "-m", "elsewhere", cwd=two)
    before = picture(two)
    assert "does not go on from main" in go_on(two, git)
    assert picture(two) == before
    git("checkout", "-q", "--detach", cwd=two)
    before = picture(two)
    assert "HEAD is on no branch" in go_on(two, git)
    assert picture(two) == before


def test_a_branch_that_one_remote_has_is_made_here(two, assay, git):
    for name in ("origin/theirs", "origin/both", "other/both"):
        git("update-ref", f"refs/remotes/{name}", "main", cwd=two)
    told = assay("switch", "theirs", cwd=two)
    assert "The branch theirs is new here, and starts at origin/theirs." in told.err
    assert git("symbolic-ref", "HEAD", cwd=two) == "refs/heads/theirs"
    assert git("rev-parse", "theirs", cwd=two) == git("rev-parse", "main", cwd=two)
    before = picture(two)
    assert "no commit, branch" in assay("switch", "both", cwd=two, code=255).err
    assert picture(two) == before
