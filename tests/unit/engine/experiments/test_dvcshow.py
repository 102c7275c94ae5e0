"""What `exp show` finds where DVC is no judge: dates, objects that are missing, what the index keeps, what runs."""

from __future__ import annotations

import json
import os

import pytest

from assay.engine.errors import UnknownRevision
from assay.engine.experiments import dvcdata
from assay.engine.experiments.dvcqueue import Task
from assay.engine.experiments.dvcscope import Commits, baselines, described, exp_list
from assay.engine.experiments.dvcshow import exp_show
from assay.engine.model import ExpRef
from tests.dvchistory import BASE

FILES = {path: text for path, text in BASE.items() if not path.startswith(".dvc/")}


def told(base):
    return json.loads(f"{{{base.rev.body}}}")


def test_dates_are_text(built):
    built.baseline({"params.yaml": "day: 2020-01-02\nat: 2020-01-02 03:04:05\n2021-01-01: x\n"})
    (_, base) = exp_show(built.reopened())
    document = told(base)["params"]["params.yaml"]["data"]
    assert document["2021-01-01"] == "x"
    assert document["day"] == "2020-01-02"
    assert document["at"].startswith("2020-01-02")


def test_a_commit_is_read_once(built, monkeypatch):
    built.baseline(FILES)
    built.experiment("one", {"params.yaml": "lr: 1\n"})
    first = exp_show(built.reopened())

    def fail(*_):
        raise AssertionError("read again")

    monkeypatch.setattr(dvcdata.CommitFiles, "special", fail)
    assert exp_show(built.reopened()) == first


def test_what_depends_on_a_missing_object_is_told_anew_when_it_is_back(built):
    built.baseline(FILES)
    built.experiment("one", {"params.yaml": "lr: 1\n"})
    blob = built.project.repo.objects
    commit = blob.read_commit(exp_tip(built))
    assert commit
    whole = exp_show(built.project)
    os.unlink(f"{built.project.state}/records-dvc.db")
    away = [path for path in loose(built) if b"lr: 1\n" in content(path)]
    os.rename(away[0], away[0] + ".away")
    assert told_of_one(exp_show(built.reopened())) != told_of_one(whole)
    os.rename(away[0] + ".away", away[0])
    assert exp_show(built.reopened()) == whole


def told_of_one(bases):
    return bases[1].experiments[0].revs[0]


def exp_tip(built):
    return built.project.repo.refs.read(ExpRef(built.head, "one").refname)


def loose(built):
    folder = built.project.repo.objects.path
    return [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if len(name) == 38]


def content(path):
    import zlib

    with open(path, "rb") as file:
        return zlib.decompress(file.read())


def test_an_experiment_whose_commit_is_gone_is_left_out(built):
    built.baseline(FILES)
    built.ref(ExpRef(built.head, "gone").refname, bytes(range(20)))
    built.experiment("here")
    (_, base) = exp_show(built.reopened())
    assert [found.name for found in base.experiments] == ["here"]


def test_a_task_that_has_not_begun_has_an_error_instead_of_files(built, monkeypatch):
    built.baseline(FILES)
    stash = built.commit({}, built.head)
    task = Task("running", stash, built.head, "new", "dvc-task")
    monkeypatch.setattr("assay.engine.experiments.dvcshow.all_tasks", lambda _: [task])
    (_, base) = exp_show(built.project)
    (rev,) = base.experiments[0].revs
    assert (rev.rev, rev.body) == (stash.hex(), "")
    assert "not begun" in rev.error


def test_commits_go_by_the_branch_in_use_then_tags_then_branches(built):
    first = built.baseline(FILES)
    second = built.commit({"a": "1"}, first)
    third = built.commit({"a": "2"}, first)
    for name, commit in (
        ("refs/tags/v1", first), ("refs/tags/v2", second), ("refs/heads/b", second), ("refs/heads/c", third)
    ):  # fmt: skip
        built.ref(name, commit)
    assert described(built.project, [first, second, third]) == {first: "main", second: "v2", third: "c"}


def test_head_is_what_it_was_before_a_run_in_the_workspace_began(built):
    first = built.baseline(FILES)
    second = built.commit({"a": "1"}, first)
    built.ref("refs/exps/exec/EXEC_BASELINE", second)
    assert baselines(built.project, Commits()) == [second]
    assert baselines(built.project, Commits(("HEAD~1",))) == [first]
    with pytest.raises(UnknownRevision, match="unknown Git revision 'HEAD~2'"):
        baselines(built.project, Commits(("HEAD~2",)))


def test_all_experiments_are_listed_wherever_their_baselines_are(built):
    first = built.baseline(FILES)
    aside = built.commit({"a": "1"}, first)
    built.experiment("one")
    built.experiment("two", base=aside)
    assert {commit: [name for name, _ in group] for commit, group in exp_list(built.project).items()} == {
        first: ["one"]
    }
    assert set(exp_list(built.project, Commits(commits=True))) == {first, aside}
