"""The rows of the table, and that neither the index nor its loss changes them."""

from __future__ import annotations

import json
import os

import pytest

from assay.engine.errors import UsageError
from assay.engine.experiments.listing import Scope
from assay.engine.experiments.records import Records, remember
from assay.engine.experiments.select import Selection
from assay.engine.experiments.show import show
from assay.engine.model import ExpRef, Oid
from tests.unit.engine.conftest import DVC_YAML

BASE = {"dvc.yaml": DVC_YAML, "params.yaml": "lr: 0.1\n", "metrics.json": '{"acc": 0.5}'}


def metrics(acc):
    return {"metrics.json": json.dumps({"acc": acc}), "params.yaml": f"lr: {acc / 10:.2f}\n"}


@pytest.fixture
def history(built):
    """Two baselines with two experiments each; main is at the newer one."""
    old = built.baseline(BASE, time=1_000)
    built.experiment("low", metrics(0.1), time=1_100)
    built.experiment("best", metrics(0.9), time=1_200)
    built.baseline({"new": "file"}, base=old, time=2_000)
    built.experiment("b", metrics(0.6), time=2_200)
    built.experiment("a", metrics(0.7), time=2_100, who="Bob")
    built.write(BASE)
    return old


def names(table):
    return [(group.baseline.name, [row.name for row in group.experiments]) for group in table.groups]


def members(row):
    return json.loads("{" + row.body)


def test_experiments_are_shown_newest_first_below_head(built, history):
    table = show(built.project)
    assert names(table) == [("main", ["b", "a"])]
    assert [row.state for row in table.rows()] == ["workspace", "baseline", "success", "success"]


def test_rows_hold_what_their_commits_say(built, history):
    row = show(built.project).groups[0].experiments[1]
    assert members(row) == {
        "created": "1970-01-01T00:35:00Z", "author": "Bob <bob@example.com>", "message": "message\n",
        "params": {"params.yaml": {"lr": 0.07}}, "metrics": {"metrics.json": {"acc": 0.7}},
        "deps": {}, "outs": {}, "errors": {},
    }  # fmt: skip


def test_the_workspace_row_is_what_the_files_say_now(built, history):
    built.write({"params.yaml": "lr: 42\n"})
    workspace = show(built.project).workspace
    assert members(workspace)["params"] == {"params.yaml": {"lr": 42}}
    assert members(workspace)["created"] is None
    assert show(built.project, workspace=False).workspace is None


def test_everything_is_shown_head_first_then_the_newest_baseline(built, history):
    newest = built.commit({"x": "1"}, time=9_000)
    built.experiment("far", {"x": "2"}, base=newest)
    found = names(show(built.project, Scope(everything=True)))
    assert found == [("main", ["b", "a"]), (newest.hex()[:7], ["far"]), (history.hex()[:7], ["best", "low"])]


def test_the_best_of_all_baselines_bring_their_baselines_along_in_their_order(built, history):
    table = show(built.project, Scope(everything=True), Selection(sort_by="acc", top=2))
    assert names(table) == [(history.hex()[:7], ["best"]), ("main", ["a"])]


def test_a_filter_leaves_out_baselines_without_a_match_only_when_everything_is_shown(built, history):
    where = Selection(where="acc > 0.8")
    assert names(show(built.project, Scope(everything=True), where)) == [(history.hex()[:7], ["best"])]
    assert names(show(built.project, Scope(), where)) == [("main", [])]


def test_sorting_is_within_each_baseline(built, history):
    table = show(built.project, Scope(everything=True), Selection(sort_by="lr"))
    assert names(table) == [("main", ["b", "a"]), (history.hex()[:7], ["low", "best"])]


def test_an_experiment_whose_commit_is_missing_is_a_row_with_an_error(built, history):
    built.ref(ExpRef(built.head, "lost").refname, Oid(b"\x11" * 20))
    rows = {row.name: row for row in show(built.project).groups[0].experiments}
    assert list(members(rows["lost"])["errors"]) == ["(commit)"]
    assert members(rows["a"])["errors"] == {}


def test_two_experiments_at_one_commit_are_two_rows(built, history):
    commit = built.experiment("first", metrics(0.3), time=3_000)
    built.ref(ExpRef(built.head, "second").refname, commit)
    table = show(built.project, selection=Selection(where="name = 'second'"))
    assert names(table) == [("main", ["second"])]


def test_without_a_commit_there_is_the_workspace_alone(built):
    built.write(BASE)
    table = show(built.project)
    assert table.groups == ()
    assert members(table.workspace)["metrics"] == {"metrics.json": {"acc": 0.5}}


QUESTIONS = [
    (Scope(everything=True), Selection()),
    (Scope(), Selection(sort_by="acc", top=1)),
    (Scope(everything=True), Selection(where="lr > 0.05 and author ~ 'Ann'")),
]


@pytest.mark.law(7)
@pytest.mark.parametrize(("scope", "selection"), QUESTIONS)
def test_the_table_is_the_same_cold_indexed_and_without_an_index(built, history, scope, selection):
    cold = show(built.project, scope, selection)
    index = f"{built.project.state}/records.db"
    assert os.path.exists(index)
    assert show(built.reopened(), scope, selection) == cold
    os.unlink(index)
    os.mkdir(index)
    built.world = built.world._replace(user_cache="")
    assert show(built.reopened(), scope, selection) == cold


@pytest.mark.law(7)
@pytest.mark.parametrize(("scope", "selection"), QUESTIONS)
def test_an_index_that_breaks_while_it_is_used_changes_nothing(built, history, scope, selection, monkeypatch):
    wanted = show(built.project, scope, selection)
    for broken in ("bodies", "values", "fields", "authors"):

        def fail(self, *words, broken=broken):
            with self._guarded():
                self._db.execute(f"SELECT * FROM no_{broken}")

        with monkeypatch.context() as patch:
            patch.setattr(f"assay.engine.experiments.index.RecordIndex.{broken}", fail)
            assert show(built.reopened(), scope, selection) == wanted


def test_the_index_lies_in_the_users_cache_where_the_repository_cannot_hold_it(built, history):
    wanted = show(built.project)
    state = built.project.state
    os.unlink(f"{state}/records.db")
    os.mkdir(f"{state}/records.db")
    assert show(built.reopened()) == wanted
    assert len(os.listdir(f"{built.world.user_cache}/records")) == 1


def test_a_record_with_an_error_that_may_go_away_is_not_kept(built, history):
    commit = Oid(built.commit({"new": "thing"}, built.head))
    path = built.project.repo.objects.path + f"/{commit.hex()[:2]}/{commit.hex()[2:]}"
    with open(path, "rb") as file:
        data = file.read()
    built.ref(ExpRef(built.head, "shaky").refname, commit)
    os.chmod(path, 0o600)
    os.rename(path, path + ".away")
    assert "(commit)" in members(show(built.reopened()).groups[0].experiments[-1])["errors"]
    os.rename(path + ".away", path)
    assert data
    errors = [members(row)["errors"] for row in show(built.reopened()).groups[0].experiments]
    assert errors == [{}, {}, {}]


def test_what_was_remembered_is_not_read_again(built, history, monkeypatch):
    commit = built.experiment("new", metrics(0.2))
    remember(built.project, [commit])

    def fail(*_):
        raise AssertionError("read again")

    monkeypatch.setattr("assay.engine.experiments.records.read_records", fail)
    with Records(built.project) as records:
        assert commit in records.headers([commit])


def test_a_query_that_is_none_is_refused(built, history):
    with pytest.raises(UsageError):
        show(built.project, selection=Selection(where="acc >"))
