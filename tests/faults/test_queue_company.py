"""The queue in company: another machine that serves it and dies, and somebody who runs experiments in the workspace.

``PYTEST_QUEUE_RUNS`` says how many runs there are in the workspace, ``PYTEST_QUEUE_LEASE=1`` that the locks of the
machine that died are waited for; else they are made old.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from assay.engine.locks import LEASE, read_owner
from tests.conftest import IDENTITY
from tests.filetree import write
from tests.programs import find_bubblewrap

RUNS = int(os.environ.get("PYTEST_QUEUE_RUNS", "5"))
STAGE = """\
import json, os, time

number = json.load(open("params.json"))["number"]
ledger = open(os.environ["DVC_ROOT"] + "/ledger", "ab", buffering=0)
ledger.write(f"begin {number}\\n".encode())
while not os.path.exists(os.environ["DVC_ROOT"] + "/go"):
    time.sleep(0.05)
time.sleep(0.3)
json.dump({"squared": number * number}, open("metrics.json", "w"))
ledger.write(f"end {number}\\n".encode())
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
START = (sys.executable, "-m", "assay", "queue", "start", "-j", "2")


@pytest.fixture
def squares(tmp_path, assay, git) -> Path:
    root = tmp_path / "squares"
    git("init", "-q", "-b", "main", str(root))
    assay("init", cwd=root)
    write(
        root,
        {"stage.py": STAGE, "dvc.yaml": PIPELINE, "params.json": '{"number": 0}\n', ".gitignore": "/ledger\n/go\n"},
    )
    git("add", ".", cwd=root)
    git("commit", "-qm", "squares", cwd=root)
    return root


def status(project, assay):
    return json.loads(assay("queue", "status", "--json", cwd=project).out)


def results(project, assay):
    """The metric of each experiment by its parameter; no parameter twice."""
    (baseline,) = json.loads(assay("show", "--json", cwd=project).out)["baselines"]
    rows = [row for row in baseline["experiments"] if row["state"] == "success"]
    found = {row["params"]["params.json"]["number"]: row["metrics"]["metrics.json"]["squared"] for row in rows}
    assert len(found) == len(rows)
    return found


def host(bubblewrap, name, project):
    """A machine of its own that shares the project's folder alone, which it has elsewhere: a process of its crew."""
    code = Path(__file__).resolve().parents[2]
    words = [bubblewrap, "--unshare-all", "--uid", "4321", "--gid", "4321", "--hostname", name, "--die-with-parent"]
    words += ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/media", "--tmpfs", "/home"]
    words += ["--tmpfs", str(project.parent), "--bind", str(project), f"/media/{name}", "--chdir", f"/media/{name}"]
    for key, value in {**IDENTITY, "HOME": "/home", "PYTHONPATH": str(code)}.items():
        words += ["--setenv", key, value]
    return subprocess.Popen([*words, *START], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def grow_old(project, name):
    """What nobody on a machine has touched for longer than a lease."""
    folder = project / ".git" / "assay"
    for path in (*folder.glob("queue/leases/*"), *folder.glob("queue/workers/*"), *folder.glob("runs/*.lock")):
        owner = read_owner(str(path))
        if owner is not None and owner.host == name:
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, (time.time() - 2 * LEASE,) * 2)


def machines(project, assay):
    """Where jobs have been taken so far."""
    attempts = (one for job in status(project, assay)["jobs"] for one in job["attempts"])
    return {one["worker"].rpartition(" ")[2] for one in attempts}


@pytest.mark.timeout(600)
def test_two_machines_serve_one_queue_and_one_of_them_dies(squares, assay, git):
    bubblewrap = find_bubblewrap()
    if bubblewrap is None:
        pytest.skip("needs bubblewrap")
    assay("run", "--queue", "-n", "n", "-S", "params.json:number=range(10)", cwd=squares)
    hosts = {name: host(bubblewrap, name, squares) for name in ("first", "second")}
    try:
        deadline = time.monotonic() + 200
        while machines(squares, assay) != {"first", "second"}:
            assert time.monotonic() < deadline
        hosts["first"].kill()
        hosts["first"].wait()
        write(squares, {"go": ""})
        hosts["second"].wait(200)
    finally:
        for process in hosts.values():
            process.kill()
            process.wait()
    if os.environ.get("PYTEST_QUEUE_LEASE"):
        time.sleep(LEASE + 6)
    else:
        grow_old(squares, "first")
    assay("queue", "start", "-j", "2", cwd=squares)
    jobs = status(squares, assay)["jobs"]
    assert {job["state"] for job in jobs} == {"success"}
    assert results(squares, assay) == {number: number * number for number in range(10)}
    begun = Counter(line.split()[1] for line in (squares / "ledger").read_text().splitlines() if line[0] == "b")
    for number, job in enumerate(jobs_in_order(jobs)):
        assert begun[str(number)] <= len(job["attempts"])
    assert git("worktree", "list", cwd=squares).count("\n") == 0
    assert list((squares / ".git/assay/queue/leases").iterdir()) == []


def jobs_in_order(jobs):
    return sorted(jobs, key=lambda job: int(job["name"].rpartition("-")[2]))


@pytest.mark.law(2)
@pytest.mark.timeout(300 + 6 * RUNS)
def test_runs_in_the_workspace_and_the_queue_do_not_disturb_each_other(squares, assay, git):
    assay("run", "--queue", "-n", "q", "-S", f"params.json:number=range(1000,{1000 + max(RUNS // 2, 4)})", cwd=squares)
    write(squares, {"go": ""})
    crew = subprocess.Popen(START, cwd=squares, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for number in range(1, RUNS + 1):
            assay("run", "-n", f"w-{number}", "-S", f"params.json:number={number}", cwd=squares)
            assert json.loads((squares / "metrics.json").read_text()) == {"squared": number * number}
        assert crew.wait(200 + RUNS) == 0
    finally:
        crew.terminate()
        crew.wait()
    numbers = [*range(1, RUNS + 1), *range(1000, 1000 + max(RUNS // 2, 4))]
    assert results(squares, assay) == {number: number * number for number in numbers}
    assert json.loads((squares / "params.json").read_text()) == {"number": RUNS}
    assert git("fsck", "--strict", "--no-dangling", cwd=squares) == ""
    assert {job["state"] for job in status(squares, assay)["jobs"]} == {"success"}
    assert {len(job["attempts"]) for job in status(squares, assay)["jobs"]} == {1}
