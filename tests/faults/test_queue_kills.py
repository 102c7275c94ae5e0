"""Workers and stages are killed every moment, and every job is done, once as far as anybody can tell.

Each attempt writes into a ledger that assay knows nothing of. ``PYTEST_QUEUE_JOBS`` says how many jobs there are.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.queue import roster
from tests.filetree import write

JOBS = int(os.environ.get("PYTEST_QUEUE_JOBS", "12"))
QUEUED = max(5 * JOBS, 200)
WORKERS = 4
STAGE = """\
import json, os, sys, time

number = json.load(open("params.json"))["number"]
ledger = open(os.environ["DVC_ROOT"] + "/../ledger", "ab", buffering=0)
ledger.write(f"begin {number} {os.getpid()}\\n".encode())
time.sleep(0.05 + number % 7 / 10)
json.dump({"squared": number * number}, open("metrics.json", "w"))
ledger.write(f"end {number} {os.getpid()}\\n".encode())
sys.exit(3 if number % 10 == 9 else 0)
"""
PIPELINE = """\
stages:
  square:
    cmd: python3 stage.py
    deps: [stage.py]
    params:
    - params.json:
      - number
    metrics:
    - metrics.json:
        cache: false
"""


@pytest.fixture
def new_project(tmp_path, assay, git) -> Path:
    root = tmp_path / "squares"
    git("init", "-q", "-b", "main", str(root))
    assay("init", cwd=root)
    return root


@pytest.fixture
def grid(new_project, assay, git) -> Path:
    write(new_project, {"stage.py": STAGE, "dvc.yaml": PIPELINE, "params.json": '{"number": 0}\n'})
    git("add", ".", cwd=new_project)
    git("commit", "-qm", "squares", cwd=new_project)
    assay("run", "--queue", "-n", "n", "-S", f"params.json:number=range({JOBS})", cwd=new_project)
    return new_project


def status(project, assay):
    return json.loads(assay("queue", "status", "--json", cwd=project).out)


def processes(folder):
    """The processes that work in a folder, or below it."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and f"{os.readlink(f'/proc/{name}/cwd')}/".startswith(f"{folder}/"):
                found.append(int(name))
        except OSError:
            continue
    return found


def stages(project):
    """The commands of stages, and what these started."""
    return processes(f"{project}/.assay/tmp/runs")


def strike(project, chance):
    """Kills a worker, or what a stage runs."""
    workers = [one.owner.pid for one in roster.workers(f"{project}/.git/assay/queue")]
    victims = chance.choice([workers, stages(project)]) or workers
    if victims:
        try:
            os.kill(chance.choice(victims), signal.SIGKILL)
        except ProcessLookupError:
            return 0
        return 1
    return 0


def carry_out(project, chance, seconds):
    """Has the queue carried out while somebody strikes; how often they struck."""
    strikes = 0
    words = [sys.executable, "-m", "assay", "queue", "start", "-j", str(WORKERS)]
    crew = subprocess.Popen(words, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 150 + JOBS * 3
    try:
        while crew.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(seconds * chance.uniform(0.5, 1.5))
            strikes += strike(project, chance)
    finally:
        crew.terminate()
        crew.wait()
    return strikes


def ledger(project):
    """What each number wrote: its begins and its ends, by process."""
    found = defaultdict(lambda: {"begin": set(), "end": set()})
    for line in (project.parent / "ledger").read_text().splitlines():
        word, number, pid = line.split()
        found[int(number)][word].add(pid)
    return found


@pytest.mark.law(1)
@pytest.mark.timeout(300 + 6 * JOBS)
def test_every_job_is_done_whoever_is_killed(grid, assay, git):
    chance = random.Random(20)
    strikes = carry_out(grid, chance, 0.4)
    for _ in range(20):
        killed = [job["name"] for job in status(grid, assay)["jobs"] if job["state"] == "failed" and job["status"] != 3]
        if not killed:
            break
        assay("queue", "retry", *killed, cwd=grid)
        strikes += carry_out(grid, chance, 2.0)
    assert strikes >= min(JOBS // 8, 20)

    jobs = {int(job["name"].split("-")[1]) - 1: job for job in status(grid, assay)["jobs"]}
    written = ledger(grid)
    (baseline,) = json.loads(assay("show", "--json", "--hide-failed", cwd=grid).out)["baselines"]
    rows = {row["params"]["params.json"]["number"]: row for row in baseline["experiments"]}
    for number in range(JOBS):
        job, said = jobs[number], written[number]
        assert job["state"] == ("failed" if number % 10 == 9 else "success")
        assert said["end"], f"{number} never ended, but is {job['state']}"
        assert len(job["attempts"]) >= len(said["begin"]), f"{number} began more often than attempts were counted"
        if job["state"] == "success":
            assert rows[number]["metrics"]["metrics.json"] == {"squared": number * number}
            assert rows[number]["commit"] == job["commit"]
    assert len(rows) == sum(job["state"] == "success" for job in jobs.values()) == len(baseline["experiments"])

    assert git("fsck", "--strict", "--no-dangling", cwd=grid) == ""
    assert git("worktree", "list", cwd=grid).count("\n") == 0
    assert stages(grid) == []
    left = [
        path
        for name in ("leases", "wishes", "running", "queued")
        for path in (grid / ".git/assay/queue" / name).iterdir()
        if not disk.is_temp(path.name)  # half-written locks go after an hour
    ]
    assert left == []
    assert [path for path in (grid / ".git/assay/runs").iterdir() if not disk.is_temp(path.name)] == []
    assert status(grid, assay)["workers"] == []


def test_the_queue_goes_on_after_everything_was_killed_and_temporary_files_are_gone(grid, assay):
    words = [sys.executable, "-m", "assay", "queue", "start", "-j", "2"]
    crew = subprocess.Popen(words, cwd=grid, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not stages(grid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    crew.kill()
    crew.wait()
    while alive := processes(grid):
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    subprocess.run(["rm", "-rf", str(grid / ".assay" / "tmp")], check=True)
    assay("queue", "start", "-j", "2", cwd=grid, code=None)
    states = [job["state"] for job in status(grid, assay)["jobs"]]
    assert states.count("success") + states.count("failed") == JOBS
    assert states.count("failed") <= JOBS // 10 + 2  # a stage that was killed before its worker counts as failed


def test_what_was_queued_is_there_after_a_kill(new_project, assay, git):
    write(new_project, {"stage.py": STAGE, "dvc.yaml": PIPELINE, "params.json": '{"number": 0}\n'})
    git("add", ".", cwd=new_project)
    git("commit", "-qm", "squares", cwd=new_project)
    words = [sys.executable, "-m", "assay", "run", "--queue", "-S", f"params.json:number=range({QUEUED})"]
    process = subprocess.Popen(words, cwd=new_project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert [job["state"] for job in status(new_project, assay)["jobs"]] == ["queued"] * QUEUED
    assert git("for-each-ref", "refs/assay/queue", cwd=new_project).count("\n") == QUEUED - 1
    assert git("fsck", "--strict", "--no-dangling", cwd=new_project) == ""
