"""DVC's words for the queue, over ours: queued, carried out, shown, ended, taken away."""

from __future__ import annotations

import base64
import json
import os
import time

import pytest

from tests.filetree import picture, write

TRAIN = """\
. ./params.sh
echo "lr $lr"
[ "$mode" = slow ] && touch "$GATE/begun" && sleep 60
[ "$mode" = bad ] && exit 3
echo "{\\"acc\\": $lr}" > m.json
"""
FILES = {
    ".dvc/config": "",
    ".dvc/.gitignore": "/tmp\n/cache\n",
    "dvc.yaml": "stages: {train: {cmd: sh train.sh, deps: [train.sh], params: [lr, mode], "
    "metrics: [{m.json: {cache: false}}]}}\n",
    "params.yaml": "lr: 1\nmode: ok\n",
}


@pytest.fixture
def project(tmp_path, git):
    """A DVC project with one commit; a stage of the mode "slow" says that it has begun by a file beside it."""
    folder = tmp_path / "project"
    text = TRAIN.replace(
        ". ./params.sh", "lr=$(sed -n 's/lr: //p' params.yaml)\nmode=$(sed -n 's/mode: //p' params.yaml)"
    )
    write(folder, {**FILES, "train.sh": f"GATE={tmp_path}\n{text}"})
    git("init", "-qb", "main", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    return folder


def rows(project, assay_dvc, *words):
    """What `exp show` tells of experiments: by name, with state."""
    shown = json.loads(assay_dvc("exp", "show", "--json", *words, cwd=project).out)
    return {row["name"]: row for row in shown[-1]["experiments"] or ()}


def states(project, assay_dvc):
    """What `queue status` tells of tasks, by name."""
    lines = assay_dvc("queue", "status", cwd=project).out.splitlines()[1:]
    return {line.split()[1]: line.split()[-1] for line in lines[: lines.index("")]} if "" in lines[1:] else {}


def dvcs_own(project, name):
    """A task that waits in DVC's own queue, as a file has it; the commit that it starts from need not be run here."""
    head = (project / ".git/refs/heads/main").read_text().strip()
    about = {"stash_rev": head, "baseline_rev": head, "name": name}
    body = base64.b64encode(json.dumps([[about], {}, {}]).encode()).decode()
    task = {"body": body, "headers": {"task": "dvc.repo.experiments.queue.tasks.run_exp", "id": "1"}}
    write(project, {".dvc/tmp/exps/celery/broker/in/1_1.celery.msg": json.dumps(task)})


REFUSED = [
    ["logs", "nope"],
    ["logs", "one"],
    ["kill", "nope"],
    ["kill", "one"],
    ["kill", "one", "nope"],
    ["remove"],
    ["remove", "nope"],
    ["remove", "one", "nope"],
    ["remove", "one", "--all"],
    ["logs", "theirs"],
    ["kill", "theirs"],
    ["remove", "theirs", "one"],
]


def test_bad_input_changes_nothing(project, assay_dvc):
    assay_dvc("exp", "run", "--queue", "-n", "one", cwd=project)
    dvcs_own(project, "theirs")
    before = picture(project)
    for words in REFUSED:
        said = assay_dvc("queue", *words, cwd=project, code=255)
        assert said.out == ""
        assert said.err.startswith("ERROR: ")
        if "theirs" in words:
            assert "'theirs' is in DVC's own queue" in said.err
            assert f"`dvc queue {words[0]} theirs`" in said.err
    assert picture(project) == before
    for words in (["nope"], ["start", "-j", "x"], ["logs"], ["stop", "one"], ["status", "--nope"]):
        assay_dvc("queue", *words, cwd=project, code=254)


def test_dvcs_own_tasks_are_left_to_dvc(project, assay_dvc):
    dvcs_own(project, "theirs")
    assert states(project, assay_dvc) == {"theirs": "Queued"}
    for words in (["queue", "remove", "--queued"], ["exp", "remove", "--queue"], ["queue", "start", "-j", "0"]):
        assert "DVC's own queue has 1 task as well" in assay_dvc(*words, cwd=project).err
    assert states(project, assay_dvc) == {"theirs": "Queued"}


def test_a_queue_from_its_beginning_to_its_end(project, assay_dvc):
    said = assay_dvc("exp", "run", "--queue", "-n", "g", "-S", "mode=ok,bad", "-S", "lr=0.5", cwd=project)
    assert said.out == (
        "Queueing with overrides '{'params.yaml': ['mode=ok', 'lr=0.5']}'.\n"
        "Queued experiment 'g-1' for future execution.\n"
        "Queueing with overrides '{'params.yaml': ['mode=bad', 'lr=0.5']}'.\n"
        "Queued experiment 'g-2' for future execution.\n"
    )
    waiting = rows(project, assay_dvc)
    for row in waiting.values():
        (rev,) = row["revs"]
        assert row["executor"] == {
            "state": "queued",
            "name": "dvc-task",
            "local": {"root": None, "log": None, "pid": None, "returncode": None, "task_id": rev["rev"]},
        }
        assert rev["data"]["params"]["params.yaml"]["data"]["lr"] == 0.5
    assert rows(project, assay_dvc, "--hide-queued") == {}

    done = assay_dvc("exp", "run", "--run-all", "-j", "2", cwd=project, code=255)
    assert done.out.endswith(
        "\nRan experiment(s): g-1\nTo apply the results of an experiment to your workspace run:\n\n"
        "\tassay-dvc exp apply <exp>\n"
    )
    assert done.out.count("lr 0.5\n") == 2
    assert "Failed to reproduce experiment(s) 'g-2'" in done.err
    assert states(project, assay_dvc) == {"g-2": "Failed", "g-1": "Success"}
    over = rows(project, assay_dvc)
    assert over["g-1"]["executor"]["state"] == "success"
    assert over["g-1"]["executor"]["local"]["returncode"] == 0
    assert over["g-1"]["revs"][0]["data"]["metrics"]["m.json"]["data"] == {"acc": 0.5}
    assert over["g-2"]["executor"]["state"] == "failed"
    assert over["g-2"]["executor"]["local"]["returncode"] == 3
    assert over["g-2"]["revs"][0]["error"] == {"msg": "Experiment run failed", "type": ""}
    assert assay_dvc("queue", "logs", over["g-2"]["revs"][0]["rev"][:7], cwd=project).out == "lr 0.5\n\n"

    assay_dvc("exp", "apply", "g-2", cwd=project)
    assert (project / "params.yaml").read_text() == "lr: 0.5\nmode: bad\n"
    assert assay_dvc("queue", "remove", "g-1", cwd=project).out == "Removed tasks in queue: g-1\n"
    assert assay_dvc("exp", "remove", "g-1", "g-2", cwd=project).out == "Removed experiments: 'g-1' and 'g-2'\n"
    assert rows(project, assay_dvc) == {}
    assert assay_dvc("exp", "run", "--run-all", cwd=project).out == ""


def test_a_running_task_is_shown_as_it_is_and_ends_when_it_is_killed(project, assay_dvc, tmp_path):
    assay_dvc("exp", "run", "--queue", "-n", "slow", "-S", "mode=slow", cwd=project)
    assert assay_dvc("queue", "start", cwd=project).out == "Started '1' new experiments task queue worker.\n"
    assert assay_dvc("queue", "start", cwd=project).out == "Started '0' new experiments task queue worker.\n"
    try:
        until((tmp_path / "begun").exists)
        assert assay_dvc("queue", "status", cwd=project).out.endswith("\nWorker status: 1 active, 0 idle\n")
        row = rows(project, assay_dvc)["slow"]
        local = row["executor"]["local"]
        assert (row["executor"]["state"], row["executor"]["name"]) == ("running", "dvc-task")
        assert os.path.isdir(local["root"])
        os.kill(local["pid"], 0)
        assert row["revs"][0]["data"]["params"]["params.yaml"]["data"]["mode"] == "slow"
        assay_dvc("queue", "remove", "slow", cwd=project, code=255)
        assay_dvc("exp", "remove", "slow", cwd=project, code=255)
    finally:
        killed = assay_dvc("queue", "kill", "-f", local["task_id"][:8], cwd=project)
        assay_dvc("queue", "stop", cwd=project)
    assert killed.out == "slow has been killed.\n"
    assert states(project, assay_dvc) == {"slow": "Failed"}


def test_new_experiments_of_the_queue_are_pushed_where_that_is_asked_for(project, assay_dvc, git, monkeypatch):
    git("init", "-q", "--bare", "../origin.git", cwd=project)
    git("remote", "add", "origin", "../origin.git", cwd=project)
    git("push", "-q", "origin", "main", cwd=project)
    assay_dvc("remote", "add", "-d", "store", "../../store", cwd=project)
    monkeypatch.setenv("DVC_EXP_AUTO_PUSH", "1")
    assay_dvc("exp", "run", "--queue", "-n", "one", cwd=project)
    assay_dvc("exp", "run", "--run-all", cwd=project)
    pushed_to(project.parent / "origin.git", git, "one")
    assay_dvc("queue", "stop", cwd=project)

    git("remote", "set-url", "origin", "../nowhere.git", cwd=project)
    assay_dvc("exp", "run", "--queue", "-n", "two", cwd=project)
    assay_dvc("exp", "run", "--run-all", cwd=project)
    assert states(project, assay_dvc) == {"one": "Success", "two": "Success"}
    until(lambda: "warning: two was not pushed: " in assay_dvc("queue", "logs", "two", cwd=project).out)
    assay_dvc("queue", "stop", cwd=project)


def until(is_so):
    """Waits for what a worker does."""
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def pushed_to(folder, git, name):
    """Waits until an experiment is there."""
    until(lambda: f"/{name}\n" in git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder) + "\n")
