"""DVC and assay run and save experiments in one workspace at once, beside Git's own commits and collections.

What either of them reported to have made has to be there afterwards, whole, on the baseline that it was made on. That
one refuses because the other is at work is as it should be. PYTEST_AT_ONCE_SECONDS makes it longer.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import threading
import time
from pathlib import Path

import pytest

from tests.filetree import write

SECONDS = float(os.environ.get("PYTEST_AT_ONCE_SECONDS", "8"))

FILES = {
    "dvc.yaml": """\
stages:
  one:
    cmd: sleep 0.1; cat params.yaml in.txt > out.txt
    deps:
    - in.txt
    params:
    - lr
    outs:
    - out.txt
  two:
    cmd: mkdir -p d && cp out.txt d/a && wc -c < out.txt > m.json
    deps:
    - out.txt
    outs:
    - d
    metrics:
    - m.json:
        cache: false
""",
    "params.yaml": "lr: 0\n",
    "in.txt": "in\n",
}
REFUSALS = [
    "is locked by",
    "is in use by",
    "DVC has an experiment checked out",
    "Unable to acquire lock",
    "is being blocked by",
]
OUTRUN = [".git/HEAD.lock", ".git/refs/exps", ".git/index.lock"]
"""DVC does not wait where real Git has locked HEAD, or has packed refs and removed their folder."""


class Worker(threading.Thread):
    """Does something again and again until the time is over and something is made; keeps that, and what went wrong."""

    def __init__(self, act, until):
        super().__init__()
        self.made, self.refused, self.wrong = {}, [], []
        self._act, self._until = act, until

    def run(self):
        number = 0
        while (now := time.monotonic()) < self._until or (not self.made and now < self._until + 60):
            number += 1
            try:
                self._act(self, number)
            except BaseException as error:  # noqa: BLE001  # told in the main thread
                self.wrong.append(repr(error))
                return

    def report(self, name, value, said):
        """Notes what one command came to."""
        if said.code == 0:
            self.made[name] = value
        else:
            assert any(text in said.err for text in (*REFUSALS, *(OUTRUN if "dvc" in name else ()))), said.err
            self.refused.append(said.err)


@pytest.mark.law(4)
def test_both_run_and_save_experiments_in_one_workspace(dvc_process, assay_process, git, tmp_path):
    root = dvc_process.new()
    git("init", "-q", "-b", "main", cwd=root)
    write(root, FILES)
    dvc_process.run(root, "repro")
    git("add", "-A", cwd=root)
    git("commit", "-qm", "first", cwd=root)
    baseline = git("rev-parse", "HEAD", cwd=root)
    beside = tmp_path / "beside"
    git("worktree", "add", "-q", "-b", "other", str(beside), cwd=root)
    rng = random.Random(7)

    def theirs(worker, number):
        value = f"0.{number}1"
        words = ["-n", f"dvc-{number}", "-S", f"lr={value}"] if number % 3 else ["-n", f"dvc-{number}"]
        verb = "run" if number % 3 else "save"
        said = dvc_process.run(root, "exp", verb, *words)
        worker.report(f"dvc-{number}", value if number % 3 else None, said)
        if said.code and not git("symbolic-ref", "-q", "HEAD", cwd=root, check=False):
            git("symbolic-ref", "HEAD", "refs/heads/main", cwd=root)  # outrun by Git, it has left HEAD where it was

    def ours(worker, number):
        value = f"0.{number}2"
        words = ["run", "-S", f"lr={value}"] if number % 3 else ["save"]
        said = assay_process(*words, "-n", f"assay-{number}", cwd=root, code=None, env={"SHELL": "/bin/sh"})
        worker.report(f"assay-{number}", value if number % 3 else None, said)
        time.sleep(rng.random())

    def gits(worker, number):
        (beside / "notes.txt").write_text(f"{number}\n")
        git("add", "-A", cwd=beside)
        git("commit", "-qm", f"note {number}", cwd=beside)
        worker.made[number] = git("rev-parse", "HEAD", cwd=beside)
        if number % 10 == 0:
            git("gc", "-q", cwd=beside)
        time.sleep(rng.uniform(0.1, 0.4))

    until = time.monotonic() + SECONDS
    workers = [Worker(act, until) for act in (theirs, ours, gits)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.wrong for worker in workers] == [[], [], []]

    refs = dict(line.split()[::-1] for line in git("show-ref", cwd=root).splitlines())
    for worker in workers[:2]:
        assert worker.made, f"only refusals: {worker.refused}"
        for name, value in worker.made.items():
            ref = f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}"
            assert ref in refs, [other for other in refs if other.endswith(f"/{name}")]
            assert git("rev-parse", f"{ref}^", cwd=root) == baseline
            is_whole(git, root, ref, value)
    assert git("rev-list", "other", "--not", "main", cwd=root).split()[::-1] == list(workers[2].made.values())
    assert git("symbolic-ref", "HEAD", cwd=root) == "refs/heads/main"
    assert git("rev-parse", "HEAD", cwd=root) == baseline
    git("fsck", "--strict", "--no-dangling", cwd=root)
    names = set(dvc_process.run(root, "exp", "list", "--name-only").out.split())
    assert names >= {*workers[0].made, *workers[1].made}
    assert all(name.startswith("dvc") for name in names - {*workers[0].made, *workers[1].made})
    assert set(assay_process("list", "--name-only", cwd=root).out.split()) == names
    nothing_is_locked(root)
    assert dvc_process.run(root, "exp", "run", "-n", "last", "-S", "lr=0.9").code == 0
    assay_process("run", "-n", "very-last", "-S", "lr=0.99", cwd=root)


def is_whole(git, root: Path, ref: str, value: str | None) -> None:
    """An experiment's lock file, params and outputs agree with one another, and the cache has what it names."""
    lock = git("show", f"{ref}:dvc.lock", cwd=root)
    recorded = re.findall(r"lr: (\S+)", lock)
    params = git("show", f"{ref}:params.yaml", cwd=root).removeprefix("lr: ")
    assert recorded == [params]
    assert value in (None, params)
    for digest in re.findall(r"md5: (\S+)", lock):
        path = root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        if digest.endswith(".dir"):
            assert [item["relpath"] for item in json.loads(path.read_bytes())] == ["a"]
    out = re.search(r"path: out.txt\n\s+hash: md5\n\s+md5: (\S+)", lock[lock.index("outs:") :])
    assert out is not None
    content = (root / ".dvc/cache/files/md5" / out[1][:2] / out[1][2:]).read_text()
    assert value is None or content == f"lr: {value}\nin\n"


def nothing_is_locked(root: Path) -> None:
    """No entry of a path in use is left, and every lock file can be locked."""
    for folder in (".dvc/tmp", ".dvc/tmp/exps"):
        assert not any(json.loads((root / folder / "rwlock").read_text()).values())
    for name in ("lock", "rwlock.lock", "exps/rwlock.lock"):
        with open(root / ".dvc/tmp" / name) as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not list((root / ".git").rglob("*.lock"))
