"""One step of a worker's on the disk fails, whichever it is: the job is in one state, and the next worker finishes it.

``PYTEST_QUEUE_STEPS`` says how many of the steps fail that assay knows of. With ``PYTEST_QUEUE_STRACE=1`` each system
call of the worker's that writes, syncs or renames fails once, by strace, which sees its main thread alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from assay.engine import disk
from tests.conftest import IDENTITY

STEPS = int(os.environ.get("PYTEST_QUEUE_STEPS", "4"))
CALLS = "write,pwrite64,rename,renameat,renameat2,fsync,fdatasync,syncfs,link,linkat,mkdir,mkdirat,unlink,unlinkat"
PIPELINE = "stages:\n  s:\n    cmd: echo it ran; cp data o\n    deps:\n    - data\n    outs:\n    - o\n"


@pytest.fixture
def queued(tmp_path, assay, git) -> Path:
    root = tmp_path / "first"
    git("init", "-q", str(root))
    assay("init", cwd=root)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "data").write_text("data\n")
    git("add", ".", cwd=root)
    git("commit", "-qm", "first", cwd=root)
    assay("run", "--queue", "-n", "one", cwd=root)
    return root


def job_of(project, assay):
    (job,) = json.loads(assay("queue", "status", "--json", cwd=project).out)["jobs"]
    return job


def finishes(project, assay, git):
    """The next workers finish what one left that could not go on; in the end there is one experiment, and no more."""
    states = [path.parent.name for path in (project / ".git/assay/queue").glob("*/*") if path.name.count(".") == 2]
    states += ["queued" for _ in (project / ".git/assay/queue/queued").glob("*/*")]
    assert len([state for state in states if state in ("queued", "running", "failed", "success")]) == 1
    assay("worker", cwd=project)
    if job_of(project, assay)["state"] == "failed":
        assert assay("queue", "logs", "one", cwd=project, code=None).code in (0, 1)
        assay("queue", "retry", "one", cwd=project)
        assay("worker", cwd=project)
    job = job_of(project, assay)
    assert job["state"] == "success"
    assert git("for-each-ref", "--format=%(objectname)", "refs/exps", cwd=project) == job["commit"]
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""
    assert git("worktree", "list", cwd=project).count("\n") == 0
    assert git("status", "--porcelain", cwd=project) == ""
    for place in ("queue/leases", "runs", "queue/running", "queue/queued"):
        assert [path for path in (project / ".git/assay" / place).iterdir() if not disk.is_temp(path.name)] == []


WORKER = """
import errno, os, sys
from assay.cli.main import main
from assay.engine import disk

steps = []

def hook(step, path):
    steps.append(path)
    if len(steps) == int(sys.argv[1]):
        if sys.argv[2:]:
            raise KeyboardInterrupt
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

with disk.injected(hook):
    code = main(["worker"])
print(*(number for number, path in enumerate(steps, 1) if "/assay/queue/running" in path))
print(len(steps))
sys.exit(code)
"""


def worker(project, *words):
    """A worker in a process of its own, which these words start."""
    environment = {**os.environ, **IDENTITY, "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode in (0, 120, 252, 255), (words, done)
    assert "Traceback" not in done.stderr, (words, done)
    assert "mistake in assay" not in done.stderr, (words, done)
    return done


@pytest.mark.timeout(300 + 10 * STEPS)
def test_a_step_fails_and_the_next_worker_goes_on(queued, assay, git):
    shutil.copytree(queued, queued.with_name("counted"), symlinks=True)
    steps = int(worker(queued.with_name("counted"), sys.executable, "-c", WORKER, "0").stdout.split()[-1])
    for number in range(1, steps + 1, max(steps // STEPS, 1)):
        project = queued.with_name(f"step-{number}")
        shutil.copytree(queued, project, symlinks=True)
        worker(project, sys.executable, "-c", WORKER, str(number))
        finishes(project, assay, git)
        shutil.rmtree(project)


def test_an_interrupt_while_a_job_is_being_taken_gives_it_back(queued, assay, git):
    shutil.copytree(queued, queued.with_name("counted"), symlinks=True)
    said = worker(queued.with_name("counted"), sys.executable, "-c", WORKER, "0").stdout.splitlines()
    for number in said[-2].split()[:2]:  # the rename, and the sync after it
        project = queued.with_name(f"step-{number}")
        shutil.copytree(queued, project, symlinks=True)
        worker(project, sys.executable, "-c", WORKER, number, "interrupt")
        job = job_of(project, assay)
        assert (job["state"], [one["end"] for one in job["attempts"]]) == ("queued", ["stopped"])
        finishes(project, assay, git)


if os.environ.get("PYTEST_QUEUE_STRACE"):

    @pytest.mark.timeout(3000)
    def test_a_system_call_fails_and_the_next_worker_goes_on(queued, assay, git, tmp_path):
        assay_worker = (sys.executable, "-m", "assay", "worker")
        shutil.copytree(queued, tmp_path / "counted", symlinks=True)
        worker(tmp_path / "counted", "strace", "-o", str(tmp_path / "calls"), "-e", f"trace={CALLS}", *assay_worker)
        calls = Counter(re.findall(r"^(\w+)\(", (tmp_path / "calls").read_text(), re.MULTILINE))
        for call, count in calls.items():
            error = "EIO" if "sync" in call else "ENOSPC"
            for number in range(1, count + 1):
                project = tmp_path / f"{call}-{number}"
                shutil.copytree(queued, project, symlinks=True)
                inject = f"inject={call}:error={error}:when={number}"
                worker(project, "strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *assay_worker)
                finishes(project, assay, git)
                shutil.rmtree(project)
