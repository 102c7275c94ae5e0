"""What people wish of a queue reaches who it is meant for, and nobody else; and whose queue it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from assay.engine.queue import wishes
from tests.filetree import write

PATIENCE = 120  # seconds


def jobs(project, assay):
    """The queue as programs see it, by experiment."""
    return {job["name"]: job for job in json.loads(assay("queue", "status", "--json", cwd=project).out)["jobs"]}


def until(is_so):
    """Waits until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


_HEARING = """\
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under `nohup` it would be ignored
os.execv(sys.executable, [sys.executable, "-m", "assay", *sys.argv[1:]])
"""


@pytest.fixture
def background(project):
    """Starts a command in the background."""
    started = []

    def start(*words):
        command = [sys.executable, "-c", _HEARING, *words]
        process = subprocess.Popen(command, cwd=project, start_new_session=True, stdout=subprocess.DEVNULL)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_who_keeps_workers_at_work_stops_with_them(project, assay, background):
    write(project, {".gitignore": "/go\n", "wait.sh": "while ! test -e $DVC_ROOT/go; do sleep 0.05; done; touch o\n"})
    for name in ("one", "two"):
        assay("run", "--queue", "-n", name, "--outs", "o", "--", "sh", "wait.sh", cwd=project)
    crew = background("queue", "start")
    until(lambda: jobs(project, assay)["one"]["state"] == "running")
    assay("queue", "stop", cwd=project)
    write(project, {"go": ""})
    assert crew.wait(PATIENCE) == 0
    assert {name: job["state"] for name, job in jobs(project, assay).items()} == {"one": "success", "two": "queued"}
    assay("worker", cwd=project)
    assert jobs(project, assay)["two"]["state"] == "success"


def test_a_run_of_its_own_is_killed_like_a_job(project, assay, background):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as it is in the background of a script
    run = background("run", "--temp", "-n", "apart", "--outs", "o", "--", "sleep", "600")
    signal.signal(signal.SIGINT, before)
    until(lambda: jobs(project, assay).get("apart", {}).get("state") == "running")
    assay("queue", "kill", "apart", cwd=project)
    assert run.wait(PATIENCE) == 252
    job = jobs(project, assay)["apart"]
    assert (job["state"], job["problem"]) == ("failed", "It was killed.")
    assert wishes.asked(f"{project}/.git/assay/queue") == []


def test_a_run_of_its_own_outlives_the_workers(project, assay, background):
    write(project, {".gitignore": "/go\n", "wait.sh": "while ! test -e $DVC_ROOT/go; do sleep 0.05; done; touch o\n"})
    run = background("run", "--temp", "-n", "apart", "--outs", "o", "--", "sh", "wait.sh")
    until(lambda: jobs(project, assay).get("apart", {}).get("state") == "running")
    assay("queue", "stop", "--kill", cwd=project)
    write(project, {"go": ""})
    assert run.wait(PATIENCE) == 0


_STOPPED_AT_THE_CLAIM = """\
import subprocess, sys
from assay.cli.main import main
from assay.engine import disk

did = []

def hook(step, path):
    if step == "rename" and "/assay/queue/" in path and not did:
        did.append(path)
        subprocess.run([sys.executable, "-m", "assay", "queue", "stop", "--kill"], check=True, stdout=sys.stderr)

with disk.injected(hook):
    code = main(["worker"])
sys.exit(code if did else 99)
"""


def test_a_job_that_is_being_taken_as_its_worker_is_to_end_ends_too(project, assay):
    for name in ("one", "two"):
        assay("run", "--queue", "-n", name, "--outs", "o", "--", "sleep", "600", cwd=project)
    done = subprocess.run([sys.executable, "-c", _STOPPED_AT_THE_CLAIM], cwd=project, check=False, timeout=300)
    assert done.returncode == 0
    assert {name: job["state"] for name, job in jobs(project, assay).items()} == {"one": "failed", "two": "queued"}
    assert jobs(project, assay)["one"]["problem"] == "It was killed."


def test_a_wish_that_came_too_late_does_not_end_the_next_attempt(project, assay):
    write(project, {".gitignore": "/flag\n", "flag": "no"})
    words = ("-C", "flag", "--outs", "o", "--", "sh", "-c", "sleep 0.5; grep -q yes flag && touch o")
    assay("run", "--queue", "-n", "again", *words, cwd=project)
    assay("worker", cwd=project)
    number = jobs(project, assay)["again"]["number"]
    write(project, {"flag": "yes"})
    assay("queue", "retry", "again", cwd=project)
    wishes.ask(f"{project}/.git/assay/queue", "kill", number)
    assay("worker", cwd=project)
    assert jobs(project, assay)["again"]["state"] == "success"


def test_a_job_that_is_to_end_does_not_come_back_when_its_worker_died(project, assay, background):
    assay("run", "--queue", "-n", "one", "--outs", "o", "--", "sleep", "600", cwd=project)
    worker = background("worker")
    until(lambda: jobs(project, assay)["one"]["state"] == "running")
    os.kill(worker.pid, signal.SIGSTOP)
    assay("queue", "kill", "one", cwd=project)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assay("worker", cwd=project)
    job = jobs(project, assay)["one"]
    assert (job["state"], [one["end"] for one in job["attempts"]]) == ("failed", ["killed"])
    assert wishes.asked(f"{project}/.git/assay/queue") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_worker_whose_terminal_goes_gives_its_job_back(project, assay, background, number):
    assay("run", "--queue", "-n", "one", "--outs", "o", "--", "sleep", "600", cwd=project)
    worker = background("worker")
    until(lambda: jobs(project, assay)["one"]["state"] == "running")
    worker.send_signal(number)
    assert worker.wait(PATIENCE) == 252
    job = jobs(project, assay)["one"]
    assert (job["state"], [one["end"] for one in job["attempts"]]) == ("queued", ["stopped"])


STAGE = "stages:\n  who:\n    cmd: {} > o\n    deps:\n    - data\n    outs:\n    - o:\n        cache: false\n"


def test_projects_of_one_repository_have_a_queue_each(tmp_path, assay, git):
    git("init", "-q", cwd=tmp_path)
    for name in ("one", "two/deep"):
        (tmp_path / name).mkdir(parents=True)
        assay("init", cwd=tmp_path / name)
        write(tmp_path / name, {"dvc.yaml": STAGE.format(f"echo {name}"), "data": name})
    git("add", ".", cwd=tmp_path)
    git("commit", "-qm", "two projects", cwd=tmp_path)
    assay("run", "--queue", "-n", "a", cwd=tmp_path / "one")
    assert assay("worker", cwd=tmp_path / "two/deep").out == "Nothing is queued.\n"
    assay("run", "--temp", "-n", "b", cwd=tmp_path / "two/deep")
    assay("worker", cwd=tmp_path / "one")
    assert git("cat-file", "blob", git("rev-parse", "--glob=refs/exps/*/*/a") + ":one/o", cwd=tmp_path) == "one"
    assert git("cat-file", "blob", git("rev-parse", "--glob=refs/exps/*/*/b") + ":two/deep/o", cwd=tmp_path)
    assert list(jobs(tmp_path / "two/deep", assay)) == ["b"]


def test_a_job_is_run_for_the_work_tree_in_which_it_was_queued(project, assay, git, tmp_path):
    git("worktree", "add", "-q", str(tmp_path / "beside"), "-b", "beside", cwd=project)
    write(tmp_path / "beside", {".gitignore": "/secret\n", "secret": "beside\n"})
    words = ("-C", "secret", "--outs", "o", "--", "cp", "secret", "o")
    assay("run", "--queue", "-n", "one", *words, cwd=tmp_path / "beside")
    assert assay("worker", cwd=project).out == "Nothing is queued.\n"
    assay("worker", cwd=tmp_path / "beside")
    assay("apply", "one", cwd=tmp_path / "beside")
    assert (tmp_path / "beside" / "o").read_text() == "beside\n"
    assert git("worktree", "list", cwd=project).count("\n") == 1


def test_files_that_are_no_jobs_keep_nobody_at_work(project, assay):
    assay("run", "--queue", "-n", "one", "-S", "seed=9", cwd=project)
    write(project, {".git/assay/queue/queued/00000000000000-0/000000.0": "no job"})
    assert assay("queue", "start", cwd=project).out.endswith("1 experiment made, 0 jobs failed.\n")
    assert "is no job; remove it" in assay("queue", "status", cwd=project).err
