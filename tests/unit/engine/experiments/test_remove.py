"""Removing: by name, baseline, query, or everything else; always in one step that undo takes back."""

from __future__ import annotations

import pytest

from assay.engine.errors import RefConflict, UnknownRevision, UsageError
from assay.engine.experiments.chosen import Which, every
from assay.engine.experiments.remove import doomed, remove
from assay.engine.model import ExpRef
from assay.engine.workspace import undo
from tests.unit.engine.conftest import DVC_YAML


@pytest.fixture
def many(built):
    """Two baselines; the older has x and shared, HEAD has low, high and shared, told apart by lr."""
    built.old = built.baseline({"dvc.yaml": DVC_YAML, "params.yaml": "lr: 0\n"})
    built.experiment("x", {"params.yaml": "lr: 9\n"})
    built.experiment("shared", {"params.yaml": "lr: 3\n"})
    built.new = built.baseline({"dvc.yaml": DVC_YAML, "params.yaml": "lr: 0\n"}, base=built.old, message="new\n")
    for number, name in enumerate(("low", "high", "shared"), 1):
        built.experiment(name, {"params.yaml": f"lr: {number}\n"})
    return built


def names(refs):
    return sorted(ref.rpartition("/")[2] for ref in refs)


def left(built):
    return names(every(built.project))


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Which(["low", "x"]), ["low", "x"]),
        (Which(everything=True), ["high", "low", "shared", "shared", "x"]),
        (Which(revisions=["HEAD"]), ["high", "low", "shared"]),
        (Which(revisions=["HEAD~1"]), ["shared", "x"]),
        (Which(revisions=["HEAD", "HEAD~1"]), ["high", "low", "shared", "shared", "x"]),
        (Which(revisions=["HEAD"], number=2), ["high", "low", "shared", "shared", "x"]),
        (Which(revisions=["HEAD"], number=-1), ["high", "low", "shared", "shared", "x"]),
        (Which(where="lr > 1"), ["high", "shared"]),
        (Which(where="lr > 1", number=2), ["high", "shared", "shared", "x"]),
        (Which(where="lr > 1", revisions=["HEAD~1"]), ["shared", "x"]),
        (Which(where="lr > 2", everything=True), ["shared", "shared", "x"]),
        (Which(where="lr > 100"), []),
    ],
)
def test_a_selection_is_removed_and_nothing_else(many, which, expected):
    everything = left(many)
    refs = doomed(many.project, which)
    assert names(refs) == expected
    assert left(many) == everything
    remove(many.project, refs)
    for name in expected:
        everything.remove(name)
    assert left(many) == everything


@pytest.mark.law(2)
def test_one_undo_brings_everything_back(many):
    before = every(many.project)
    remove(many.project, doomed(many.project, Which(everything=True)), "remove -A")
    assert every(many.project) == {}
    assert undo.undo(many.project).what == "remove -A"
    assert every(many.project) == before


def test_of_several_experiments_of_a_name_that_of_head_goes(many):
    assert list(doomed(many.project, Which(["shared"]))) == [ExpRef(many.new, "shared").refname]
    full = ExpRef(many.old, "shared").refname
    assert list(doomed(many.project, Which([full]))) == [full]


def test_a_name_of_several_other_baselines_is_refused(many):
    many.baseline({"dvc.yaml": DVC_YAML}, base=many.new)
    with pytest.raises(UnknownRevision, match="several") as raised:
        doomed(many.project, Which(["shared"]))
    assert ExpRef(many.old, "shared").refname in raised.value.hint


@pytest.mark.parametrize(
    ("which", "kept"),
    [
        (Which(["low"]), ["low"]),
        (Which(["shared"]), ["shared", "shared"]),
        (Which(revisions=["HEAD"]), ["high", "low", "shared"]),
        (Which(where="lr > 2"), ["shared", "shared", "x"]),
        (Which(where="lr > 2", revisions=["HEAD"]), ["shared"]),
        (Which(everything=True), ["high", "low", "shared", "shared", "x"]),
    ],
)
def test_keep_removes_every_other_experiment_of_the_repository(many, which, kept):
    remove(many.project, doomed(many.project, which, keep=True))
    assert left(many) == kept


def test_keeping_nothing_is_refused(many):
    with pytest.raises(UsageError, match="no experiment at all"):
        doomed(many.project, Which(where="lr > 100"), keep=True)


@pytest.mark.parametrize("keep", [False, True])
def test_an_unknown_name_removes_nothing(many, keep):
    with pytest.raises(UnknownRevision, match="hihg") as raised:
        doomed(many.project, Which(["low", "hihg"]), keep=keep)
    assert "high" in raised.value.hint


@pytest.mark.parametrize(
    "which",
    [
        Which(),
        Which(number=3),
        Which(["low"], everything=True),
        Which(["low"], revisions=["HEAD"]),
        Which(["low"], where="lr = 1"),
        Which(revisions=["HEAD"], everything=True),
    ],
)
def test_ways_to_choose_that_do_not_go_together_are_refused(many, which):
    for keep in (False, True):
        with pytest.raises(UsageError):
            doomed(many.project, which, keep=keep)


def test_refs_of_other_tools_below_refs_exps_stay(many):
    many.ref("refs/exps/exec/EXEC_HEAD", many.head)
    many.ref("refs/exps/stash", many.head)
    remove(many.project, doomed(many.project, Which(everything=True)))
    assert [name for name, _ in many.project.repo.refs.iterate("refs/exps/")] == [
        "refs/exps/exec/EXEC_HEAD",
        "refs/exps/stash",
    ]


def test_what_changed_meanwhile_is_not_removed(many):
    refs = doomed(many.project, Which(["low", "high"]))
    many.ref(ExpRef(many.new, "low").refname, many.old)
    with pytest.raises(RefConflict):
        remove(many.project, refs)
    assert "high" in left(many)
    assert undo.records(many.project) == []


def test_removing_nothing_leaves_nothing_to_undo(many):
    remove(many.project, {})
    assert undo.records(many.project) == []
