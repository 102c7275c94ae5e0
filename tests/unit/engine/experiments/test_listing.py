"""Which experiments belong to which commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine.errors import UnknownRevision
from assay.engine.experiments.listing import Scope, listing
from assay.engine.git.objects import TAG
from assay.engine.model import ExpRef, Oid


def names(built, **scope):
    found = listing(built.project, Scope(**scope))
    return {baseline.label: [name for name, _ in baseline.experiments] for baseline in found}


@pytest.fixture
def history(built):
    """Three commits with experiments; main is at the last, a tag and a branch at others."""
    first = built.baseline({"a": "1"}, time=1_000)
    built.experiment("one", {"a": "2"})
    second = built.baseline({"a": "3"}, base=first, time=2_000)
    built.experiment("two", {"a": "4"})
    third = built.baseline({"a": "5"}, base=second, time=3_000)
    built.experiment("three", {"a": "6"})
    built.experiment("another", {"a": "7"})
    built.ref("refs/tags/v1", first)
    return first, second, third


def test_without_a_commit_there_is_nothing(built):
    assert listing(built.project) == []


def test_head_is_meant_when_nothing_else_is_said(built, history):
    assert names(built) == {"main": ["another", "three"]}


def test_a_baseline_without_experiments_is_there_too(built):
    built.baseline({"a": "1"})
    assert names(built) == {"main": []}


def test_revisions_are_shown_in_the_order_given_and_once(built, history):
    found = names(built, revisions=("v1", "main", "v1~0"))
    assert list(found.items()) == [("v1", ["one"]), ("main", ["another", "three"])]


def test_a_commit_without_a_name_is_called_by_its_short_id(built, history):
    assert names(built, revisions=("main~1",)) == {history[1].hex()[:7]: ["two"]}


def test_so_many_first_parents_are_shown(built, history):
    assert list(names(built, number=2)) == ["main", history[1].hex()[:7]]
    assert list(names(built, number=-1)) == ["main", history[1].hex()[:7], "v1"]


def test_a_clone_without_older_commits_is_shown_as_far_as_it_goes(built, history):
    (Path(built.project.repo.common_dir) / "shallow").write_text(history[1].hex() + "\n")
    assert list(names(built, number=-1)) == ["main", history[1].hex()[:7]]


def test_everything_is_every_commit_that_has_experiments(built, history):
    elsewhere = built.commit({"b": "1"})
    built.experiment("far", {"b": "2"}, base=elsewhere)
    found = names(built, everything=True)
    assert next(iter(found)) == "main"
    assert found == {
        "main": ["another", "three"], history[1].hex()[:7]: ["two"], "v1": ["one"], elsewhere.hex()[:7]: ["far"]
    }  # fmt: skip


def test_branches_and_tags_can_be_asked_for(built, history):
    built.ref("refs/heads/side", history[1])
    assert set(names(built, branches=True)) == {"main", "side"}
    assert set(names(built, tags=True)) == {"v1"}


def test_the_branch_that_head_is_on_wins_over_others_and_a_branch_over_a_tag(built, history):
    for name in ("heads/aaa", "heads/zzz", "tags/t"):
        built.ref(f"refs/{name}", history[2])
    assert list(names(built)) == ["main"]


def test_an_annotated_tag_names_the_commit_it_leads_to(built, history):
    text = f"object {history[1].hex()}\ntype commit\ntag v2\ntagger A <a@b> 1 +0000\n\nm\n"
    built.ref("refs/tags/v2", built.project.repo.objects.write(TAG, text.encode()))
    assert list(names(built, revisions=("main~1",))) == ["v2"]
    assert set(names(built, tags=True)) == {"v1", "v2"}


def test_refs_of_other_shapes_are_left_alone(built, history):
    odd = ("stash", "exec/EXEC_HEAD", "celery/stash", "temp/head-x", f"ab/{'c' * 37}/short", f"zz/{'z' * 38}/odd")
    for name in odd:
        built.ref(f"refs/exps/{name}", history[0])
    assert sum(map(len, names(built, everything=True).values())) == 4


def test_an_unknown_revision_is_refused(built, history):
    with pytest.raises(UnknownRevision):
        listing(built.project, Scope(revisions=("nope",)))


def test_an_experiment_whose_commit_is_missing_is_listed(built, history):
    built.ref(ExpRef(history[0], "lost").refname, Oid(b"\x11" * 20))
    assert names(built, revisions=("v1",)) == {"v1": ["lost", "one"]}
