"""DVC's queue as values: what each combination of its files means, and that nothing in them can do harm."""

from __future__ import annotations

import base64
import json
import os
import pickle
import types

import pytest

from assay.engine import layout
from assay.engine.experiments.dvcqueue import Process, Task, tasks

ONE, TWO = "1" * 40, "2" * 40
BASE = bytes.fromhex("ab" * 20)
TASK = "dvc.repo.experiments.queue.tasks.run_exp"


class Exploding:
    """An object that tells when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["EXPLODED"],)


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".dvc/tmp/exps").mkdir(parents=True)
    return types.SimpleNamespace(root=str(tmp_path), layout=layout.dvc())


@pytest.fixture
def exps(project, tmp_path):
    return tmp_path / ".dvc/tmp/exps"


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def message(exps, place, rev, name="one", task=TASK, number="n-1", file="1_x.celery.msg", **more):
    entry = {"stash_rev": rev, "baseline_rev": BASE.hex(), "name": name, **more}
    body = base64.b64encode(json.dumps([[entry], {"copy_paths": []}, {}]).encode()).decode()
    put(exps / f"celery/broker/{place}/{file}", {"body": body, "headers": {"task": task, "id": number}})


def info(exps, rev, **more):
    about = {"baseline_rev": BASE.hex(), "location": "dvc-task", "root_dir": "/r", "dvc_dir": ".dvc", "name": "one"}
    put(exps / f"run/{rev}/{rev}.run", {**about, "result_hash": None, "result_ref": None, "status": 2, **more})


def process(exps, rev, code=None):
    put(exps / f"run/{rev}/{rev}.json", {"pid": 7, "stdin": None, "stdout": "/o", "stderr": None, "returncode": code})


def result(exps, status, number="n-1"):
    put(exps / f"celery/result/celery-task-meta-{number}", {"status": status, "result": None})


def test_a_message_that_nobody_took_waits(project, exps):
    message(exps, "in", ONE)
    assert tasks(project) == [Task("queued", bytes.fromhex(ONE), BASE, "one", "dvc-task")]


def test_messages_are_in_the_order_of_their_files(project, exps):
    message(exps, "in", ONE, "late", file="9_x.celery.msg")
    message(exps, "in", TWO, "early", file="10_x.celery.msg")
    assert [task.name for task in tasks(project)] == ["early", "late"]


def test_a_message_that_was_taken_runs_until_there_is_a_result(project, exps):
    message(exps, "processed", ONE)
    info(exps, ONE)
    process(exps, ONE)
    (task,) = tasks(project)
    assert (task.state, task.place, task.root, task.process) == ("running", "dvc-task", "/r", Process(7, "/o"))


def test_a_task_that_has_hardly_begun_runs_nowhere(project, exps):
    message(exps, "processed", ONE)
    (task,) = tasks(project)
    assert (task.state, task.root, task.process) == ("running", None, None)


def test_a_result_without_an_experiment_is_a_failure(project, exps):
    message(exps, "processed", ONE)
    info(exps, ONE, status=6)
    process(exps, ONE, 255)
    result(exps, "SUCCESS")
    assert tasks(project) == [Task("failed", bytes.fromhex(ONE), BASE, "one", None, Process(7, "/o", 255))]


def test_a_result_with_an_experiment_is_a_success(project, exps):
    message(exps, "processed", ONE)
    info(exps, ONE, result_hash="x", result_ref="refs/exps/a", status=6)
    result(exps, "SUCCESS")
    (task,) = tasks(project)
    assert (task.state, task.result) == ("success", "refs/exps/a")


@pytest.mark.parametrize(("status", "states"), [("FAILURE", ["failed"]), ("SUCCESS", [])])
def test_a_result_of_a_run_that_left_nothing(project, exps, status, states):
    message(exps, "processed", ONE)
    result(exps, status)
    assert [task.state for task in tasks(project)] == states


def test_messages_of_other_kinds_are_none(project, exps):
    message(exps, "in", ONE, task="celery.other")
    message(exps, "in", "short", file="2.msg")
    message(exps, "in", TWO, number="../../../etc", file="3.msg")
    message(exps, "in", TWO, file="4.txt")
    assert tasks(project) == []


def test_a_run_in_the_workspace_counts_while_its_process_lives(project, exps):
    info(exps, "workspace", name="here")
    put(exps / "run/workspace/workspace.json", {"pid": os.getpid(), "returncode": None, "stdout": None})
    (task,) = tasks(project)
    assert (task.state, task.commit, task.name, task.place) == ("running", None, "here", "workspace")
    put(exps / "run/workspace/workspace.json", {"pid": 2**22 + 5, "returncode": None})
    assert tasks(project) == []


def test_a_run_in_a_folder_counts_while_the_folder_is_there(project, exps, tmp_path):
    about = {"baseline_rev": BASE.hex(), "location": "tempdir", "root_dir": str(tmp_path), "name": "t", "status": 2}
    put(exps / f"standalone/run/{ONE}/{ONE}.run", about)
    (task,) = tasks(project)
    assert (task.state, task.place, task.root) == ("running", "tempdir", str(tmp_path))
    put(exps / f"standalone/run/{ONE}/{ONE}.run", {**about, "root_dir": str(tmp_path / "gone")})
    assert tasks(project) == []


@pytest.mark.law(5)
@pytest.mark.parametrize(
    "content",
    ["", "{", "[1]", "null", '{"headers": 3}', "[" * 100_000]
    + [json.dumps({"headers": {"task": TASK, "id": "n"}})]
    + [
        json.dumps({"headers": {"task": TASK, "id": "n"}, "body": body})
        for body in (3, "!", "bnVsbA==", "W10=", "Wzcsl")
    ],
)
def test_whatever_lies_in_the_folders_no_harm_is_done(project, exps, content):
    for place in ("celery/broker/in/1.msg", "celery/broker/processed/1.msg", "run/workspace/workspace.json"):
        put(exps / place, content)
    put(exps / "run/workspace/workspace.run", content)
    put(exps / f"standalone/run/{ONE}/{ONE}.run", content)
    assert tasks(project) == []


@pytest.mark.law(5)
def test_nothing_is_unpickled(project, exps, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLODED", str(tmp_path / "exploded"))
    data = pickle.dumps(Exploding())
    for place in ("in", "processed"):
        folder = exps / "celery/broker" / place
        folder.mkdir(parents=True)
        (folder / "1_x.celery.msg").write_bytes(data)
        body = base64.b64encode(data).decode()
        headers = {"task": TASK, "id": "n"}
        put(folder / "2.msg", {"body": body, "content-type": "application/x-python-serialize", "headers": headers})
    assert tasks(project) == []
    assert not (tmp_path / "exploded").exists()


def test_a_project_that_shares_nothing_with_dvc_has_no_tasks(tmp_path):
    assert tasks(types.SimpleNamespace(root=str(tmp_path), layout=layout.native())) == []
