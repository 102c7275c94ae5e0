"""Renaming: the commit and the baseline stay, the name changes, and undo takes all of it back."""

from __future__ import annotations

import pytest

from assay.engine.errors import NameTaken, Refused, UnknownRevision, UsageError
from assay.engine.experiments.chosen import every
from assay.engine.experiments.rename import rename
from assay.engine.model import ExpRef
from assay.engine.workspace import undo


@pytest.fixture
def two(built):
    """A baseline with the experiments one and two."""
    built.baseline({"params.yaml": "lr: 0\n"})
    built.one = built.experiment("one", {"params.yaml": "lr: 1\n"})
    built.two = built.experiment("two", {"params.yaml": "lr: 2\n"})
    return built


def here(built):
    return {ref.rpartition("/")[2]: commit for ref, commit in every(built.project).items()}


@pytest.mark.law(2)
def test_the_commit_stays_and_undo_takes_the_name_back(two):
    assert rename(two.project, "one", "first") == ExpRef(two.head, "first")
    assert here(two) == {"first": two.one, "two": two.two}
    undo.undo(two.project)
    assert here(two) == {"one": two.one, "two": two.two}
    undo.undo(two.project)
    assert here(two) == {"first": two.one, "two": two.two}


def test_an_experiment_of_another_baseline_stays_there(two):
    old, _ = two.head, two.baseline({"params.yaml": "lr: 5\n"}, base=two.head)
    rename(two.project, "one", "first")
    assert ExpRef(old, "first").refname in every(two.project)


def test_a_clash_is_refused_unless_it_is_forced(two):
    with pytest.raises(NameTaken, match="'two' already"):
        rename(two.project, "one", "two")
    assert here(two) == {"one": two.one, "two": two.two}
    assert undo.records(two.project) == []


@pytest.mark.law(2)
def test_what_a_forced_rename_replaced_comes_back(two):
    rename(two.project, "one", "two", force=True)
    assert here(two) == {"two": two.one}
    undo.undo(two.project)
    assert here(two) == {"one": two.one, "two": two.two}
    undo.undo(two.project)
    assert here(two) == {"two": two.one}


@pytest.mark.law(2)
def test_undoing_does_not_take_away_what_was_made_since(two):
    rename(two.project, "one", "first")
    two.ref(ExpRef(two.head, "first").refname, two.two)
    with pytest.raises(NameTaken, match="another experiment 'first'"):
        undo.undo(two.project)
    assert here(two) == {"first": two.two, "two": two.two}


@pytest.mark.parametrize("name", ["", "a/b", "a b", "-x", "a..b", "x.lock", "@"])
def test_a_forbidden_name_is_refused(two, name):
    with pytest.raises(UsageError):
        rename(two.project, "one", name, force=True)
    assert here(two) == {"one": two.one, "two": two.two}


def test_the_same_name_is_refused(two):
    with pytest.raises(Refused, match="already"):
        rename(two.project, "one", "one", force=True)
    assert here(two) == {"one": two.one, "two": two.two}


def test_an_unknown_one_is_refused(two):
    with pytest.raises(UnknownRevision, match="ono") as raised:
        rename(two.project, "ono", "x")
    assert "one" in raised.value.hint


def test_an_ambiguous_one_is_refused_unless_head_has_it(two):
    old = two.head
    middle = two.baseline({"params.yaml": "lr: 5\n"}, base=old)
    mine = two.experiment("one", {"params.yaml": "lr: 6\n"})
    rename(two.project, "one", "first")
    assert every(two.project)[ExpRef(middle, "first").refname] == mine
    two.experiment("one", {"params.yaml": "lr: 7\n"})
    two.baseline({"params.yaml": "lr: 8\n"}, base=middle)
    with pytest.raises(UnknownRevision, match="several"):
        rename(two.project, "one", "second")
    assert rename(two.project, ExpRef(old, "one").refname, "second") == ExpRef(old, "second")
