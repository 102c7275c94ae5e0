"""engine/workspace/borrowed.py: when HEAD is not the user's but an experiment's that DVC has checked out."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from types import SimpleNamespace

import pytest

from assay.engine import layout
from assay.engine.errors import Locked
from assay.engine.model import ExpRef
from assay.engine.project import Project
from assay.engine.workspace import borrowed
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.hold import lock_path
from tests.datacommits import commit, set_ref
from tests.workspace import Workspace

PREFIX = "refs/exps/exec/EXEC_"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(borrowed, "PATIENCE", 0.1)
    monkeypatch.setattr(borrowed, "_ENDING", 0.1)


@pytest.fixture
def project(tmp_path):
    """A project with one commit, HEAD detached at it."""
    workspace = Workspace(tmp_path / "project")
    given = workspace.project
    with_locks = given.layout._replace(shared_locks=layout.dvc().shared_locks)
    found = Project(given.root, with_locks, given.config, given.repo, given.world, given.report)
    found.repo.refs.set_head(commit(found, files={"a": "1\n"}))
    yield found
    found.close()


def begin(project):
    with hold_with_head(project):
        pass


def detach_at_experiment(project):
    """HEAD at an experiment of the commit that it was at; returns that commit."""
    head = project.repo.head()
    tip = commit(project, files={"a": "2\n"}, parents=[head], ref=ExpRef(head, "theirs").refname)
    project.repo.refs.set_head(tip)
    return head


def say_that_it_runs(project, pid):
    folder = f"{project.root}/{project.layout.shared_locks}/exps/run/workspace"
    os.makedirs(folder)
    with open(f"{folder}/workspace.json", "w") as file:
        json.dump({"pid": pid}, file)


def test_a_detached_head_of_the_users_is_taken(project):
    begin(project)


def test_a_head_at_the_baseline_of_an_experiment_under_way_is_refused(project):
    set_ref(project, f"{PREFIX}BASELINE", project.repo.head())
    with pytest.raises(Locked, match="DVC has an experiment checked out here"):
        begin(project)


def test_a_head_at_the_new_experiment_is_refused(project):
    set_ref(project, f"{PREFIX}BASELINE", detach_at_experiment(project))
    with pytest.raises(Locked):
        begin(project)


def test_a_head_on_a_branch_is_the_users_whatever_a_killed_dvc_left(project):
    head = project.repo.head()
    set_ref(project, f"{PREFIX}BASELINE", head)
    set_ref(project, "refs/heads/main", head)
    project.repo.refs.set_head("refs/heads/main")
    begin(project)


def test_a_head_elsewhere_is_the_users_whatever_a_killed_dvc_left(project):
    set_ref(project, f"{PREFIX}BASELINE", project.repo.head())
    project.repo.refs.set_head(commit(project, files={"b": "1\n"}))
    begin(project)


def test_a_pipeline_that_dvc_runs_here_is_waited_for_after_its_ref_is_gone(project):
    say_that_it_runs(project, os.getppid())
    with pytest.raises(Locked):
        begin(project)


def test_a_pipeline_whose_process_has_ended_is_not(project):
    process = subprocess.Popen(["true"])
    process.wait()
    say_that_it_runs(project, process.pid)
    begin(project)


def test_an_experiment_checked_out_by_hand_is_taken_after_a_moment(project):
    set_ref(project, f"{PREFIX}HEAD", detach_at_experiment(project))
    begin(project)


def test_a_native_project_asks_nothing(project):
    set_ref(project, f"{PREFIX}BASELINE", project.repo.head())
    own = project.layout._replace(shared_locks="")
    begin(Project(project.root, own, project.config, project.repo, project.world))


def test_while_it_waits_it_holds_no_lock_since_dvc_needs_its_own(project, monkeypatch):
    held, clock = [], borrowed.time
    look = SimpleNamespace(monotonic=clock.monotonic, sleep=lambda _: held.append(os.path.exists(lock_path(project))))
    monkeypatch.setattr(borrowed, "time", look)
    set_ref(project, f"{PREFIX}BASELINE", project.repo.head())
    with pytest.raises(Locked):
        begin(project)
    assert held
    assert not any(held)


def test_what_has_been_waited_for_is_not_taken_for_the_users_when_it_ends(project, monkeypatch):
    states = iter([True, True, False, False, None, None])
    seen = []
    monkeypatch.setattr(borrowed, "_state", lambda _: seen.append(next(states)) or seen[-1])
    ticks = itertools.count(0, 0.06)
    monkeypatch.setattr(borrowed, "PATIENCE", 60)
    monkeypatch.setattr(borrowed, "time", SimpleNamespace(monotonic=lambda: next(ticks), sleep=lambda _: None))
    begin(project)
    assert seen == [True, True, False, False, None, None]
