"""Undoing: it toggles, for files and for experiments, and never takes what came in between."""

from __future__ import annotations

import pytest

from tests.filetree import picture


def names(assay, project):
    return set(assay("list", "--name-only", "-A", cwd=project).out.split())


@pytest.fixture
def two(project, assay):
    """A project with the experiments one and two; two is in the workspace."""
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=project)
    return project


@pytest.mark.law(2)
def test_undoing_a_removal_twice_removes_again(two, assay):
    assay("remove", "one", cwd=two)
    assert names(assay, two) == {"two"}
    assert assay("undo", cwd=two).out == "Undid remove one.\n"
    assert names(assay, two) == {"one", "two"}
    assert assay("undo", cwd=two).out == "Did remove one again.\n"
    assert names(assay, two) == {"two"}
    assay("undo", cwd=two)
    assert names(assay, two) == {"one", "two"}


@pytest.mark.law(2)
def test_a_removed_experiment_does_not_push_aside_one_made_since(two, assay):
    assay("remove", "one", cwd=two)
    assay("save", "-n", "one", "-m", "another", cwd=two)
    before = picture(two)
    assert "another experiment 'one'" in assay("undo", cwd=two, code=1).err
    assert picture(two) == before


def test_an_apply_that_is_refused_leaves_nothing_to_undo(two, assay):
    (two / "train.sh").unlink()
    (two / "train.sh").mkdir()
    (two / "train.sh/mine").write_text("mine")
    assay("apply", "one", cwd=two, code=1)
    assert assay("undo", "--list", cwd=two).out == ""


def test_there_may_be_nothing_to_undo(project, assay):
    assert "nothing to undo" in assay("undo", cwd=project, code=1).err
    assert "no undo record 7" in assay("undo", "7", cwd=_applied(project, assay), code=1).err


def _applied(project, assay):
    (project / "raw.txt").write_text("changed")
    assay("apply", "HEAD", cwd=project)
    return project


def test_the_last_twenty_are_kept(project, assay):
    for number in range(22):
        (project / "raw.txt").write_text(str(number))
        assay("apply", "HEAD", cwd=project)
    listed = assay("undo", "--list", cwd=project).out.splitlines()
    assert [line.split()[0] for line in listed] == [str(number) for number in range(22, 2, -1)]
    assay("undo", "3", cwd=project)
    assert (project / "raw.txt").read_text() == "2"


def test_a_damaged_record_is_told(project, assay, git):
    _applied(project, assay)
    git("update-ref", "refs/assay/undo/1", "HEAD", cwd=project)
    assert "undo record 1 is damaged" in assay("undo", cwd=project, code=1).err
