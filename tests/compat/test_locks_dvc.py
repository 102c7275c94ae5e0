"""Real DVC and assay in one project at once: each sees the other's locks, says who holds them, and loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.engine.project import World, open_project
from assay.engine.workspace.hold import hold
from tests.conftest import IDENTITY
from tests.programs import ROOT, find_dvc
from tests.workspace import CountingIds, FixedClock

PIPELINE = """\
stages:
  slow:
    cmd: sh slow.sh
    deps:
    - slow.sh
    params:
    - lr
    outs:
    - slow.txt
  fast:
    cmd: echo fast > fast.txt
    outs:
    - fast.txt
"""
SLOW = """\
touch started
while [ ! -e go ]; do sleep 0.02; done
echo done > slow.txt
"""


@pytest.fixture
def project(dvc_process, git):
    """A DVC project whose stage ``slow`` runs until there is a file ``go``."""
    root = dvc_process.new()
    for name, text in {"dvc.yaml": PIPELINE, "slow.sh": SLOW, "params.yaml": "lr: 1\n", "more.csv": "1\n"}.items():
        (root / name).write_text(text)
    (root / ".gitignore").write_text("/started\n/go\n/slow.txt\n/fast.txt\n/more.csv\n")
    git("init", "-q", cwd=root)
    git("add", "-A", cwd=root)
    git("commit", "-qm", "first", cwd=root)
    yield root
    dvc_process.drop(root)


def until(there):
    """Waits until something is so."""
    deadline = time.monotonic() + 120
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def meanwhile(act, root):
    """Does something in a thread whose stage ``slow`` runs while the block does; what it gave is in the list."""
    found = []
    thread = threading.Thread(target=lambda: found.append(act()))
    thread.start()
    try:
        until((root / "started").exists)
        yield found
    finally:
        (root / "go").touch()
        thread.join()


@contextmanager
def assay_running(root, *words):
    """Assay in a process of its own, whose stage ``slow`` runs while the block does."""
    environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT), "SHELL": "/bin/sh"}
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", *words],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        until((root / "started").exists)
        yield process
    finally:
        (root / "go").touch()
        process.communicate()


def used(root: Path, folder: str = ".dvc/tmp") -> dict[str, object]:
    path = root / folder / "rwlock"
    return json.loads(path.read_text()) if path.exists() else {}


def nothing_is_held(root):
    for folder in (".dvc/tmp", ".dvc/tmp/exps"):
        found = used(root, folder)
        assert not found.get("write"), folder
        assert not found.get("read"), folder


def test_assay_waits_for_dvc_and_then_says_who_holds_the_project(dvc_process, project, assay):
    pid = dvc_process.ask("lock", project)["pid"]
    try:
        began = time.monotonic()
        said = assay("repro", "fast", cwd=project, code=255)
        assert time.monotonic() - began >= 2.9
    finally:
        dvc_process.ask("unlock")
    assert f"locked by process {pid} (`" in said.err
    assert "dvcserver.py" in said.err
    assert not (project / "fast.txt").exists()


def test_assay_goes_on_when_dvc_is_done_soon(dvc_process, project, assay):
    dvc_process.ask("lock", project)
    threading.Timer(0.5, dvc_process.ask, ["unlock"]).start()
    assay("repro", "fast", cwd=project)
    assert (project / "fast.txt").exists()


def test_reading_asks_for_no_lock_of_dvcs(dvc_process, project, assay):
    dvc_process.ask("lock", project)
    try:
        for words in (["show"], ["status"], ["data", "status"], ["diff"], ["dag"], ["params", "show"]):
            assay(*words, cwd=project)
    finally:
        dvc_process.ask("unlock")


def test_dvc_says_in_its_own_words_that_assay_is_at_work(dvc_process, project):
    opened = open_project(str(project), World(FixedClock(), CountingIds()))
    with hold(opened):
        refused = dvc_process.run(project, "repro", "fast")
    opened.close()
    assert refused.code == 255
    assert "Unable to acquire lock" in refused.err
    assert dvc_process.run(project, "repro", "fast").code == 0


def test_dvc_works_while_assay_runs_a_stage_and_assay_loses_nothing_of_it(dvc_process, project):
    with assay_running(project, "repro", "slow"):
        table = used(project)
        assert list(table["write"]) == [f"{project}/slow.txt"]
        assert sorted(table["read"]) == [f"{project}/params.yaml", f"{project}/slow.sh"]
        assert dvc_process.run(project, "repro", "fast").code == 0
        busy = dvc_process.run(project, "repro", "slow")
        assert busy.code == 255
        assert f"'{project}/slow.txt' is busy, it is being blocked by" in busy.err
    lock = (project / "dvc.lock").read_text()
    assert "slow:" in lock
    assert "fast:" in lock
    assert dvc_process.run(project, "status").out.strip() == "Data and pipelines are up to date."
    nothing_is_held(project)


def test_dvc_does_not_stash_the_workspace_away_under_a_stage_that_assay_runs(dvc_process, project, git):
    (project / "params.yaml").write_text("lr: 2\n")
    with assay_running(project, "run", "-n", "ours", "slow"):
        refused = dvc_process.run(project, "exp", "run", "fast")
        assert refused.code == 255
        assert "is busy, it is being blocked by" in refused.err
        assert "assay run -n ours slow" in refused.err
        assert (project / "params.yaml").read_text() == "lr: 2\n"
    assert "/ours" in git("for-each-ref", "refs/exps", cwd=project)
    nothing_is_held(project)


def test_assay_works_while_dvc_runs_a_stage_but_leaves_its_files_alone(dvc_process, project, assay):
    with meanwhile(lambda: dvc_process.run(project, "repro", "slow"), project) as found:
        assay("add", "more.csv", cwd=project)
        assay("repro", "fast", cwd=project)
        for words in (["save", "-n", "half"], ["repro", "slow"], ["commit", "-f", "slow"], ["run", "-S", "lr=3"]):
            said = assay(*words, cwd=project, code=255)
            assert "is in use by process" in said.err, words
    assert found[0].code == 0
    assert (project / "params.yaml").read_text() == "lr: 1\n"
    assay("save", "-n", "whole", cwd=project)
    assert dvc_process.run(project, "status").out.strip() == "Data and pipelines are up to date."
    assert "half" not in dvc_process.run(project, "exp", "list", "--name-only").out
    assert "whole" in dvc_process.run(project, "exp", "list", "--name-only").out
    nothing_is_held(project)


def test_no_experiment_of_assays_begins_at_a_commit_that_dvc_has_checked_out(
    dvc_process, project, assay, git, monkeypatch
):
    monkeypatch.setattr("assay.engine.workspace.borrowed.PATIENCE", 0.2)
    branch = git("rev-parse", "HEAD", cwd=project)
    with meanwhile(lambda: dvc_process.run(project, "exp", "run", "-n", "theirs", "-S", "lr=7"), project) as found:
        for words in (["save", "-n", "ours"], ["run", "fast"], ["apply", "HEAD"], ["baseline", "-m", "x"]):
            said = assay(*words, cwd=project, code=255)
            assert "DVC has an experiment checked out here" in said.err, words
        assay("add", "more.csv", cwd=project)
    assert found[0].code == 0, found[0].err
    assay("save", "-n", "ours", cwd=project)
    refs = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=project).splitlines()
    mine = [ref for ref in refs if ref.endswith(("/theirs", "/ours"))]
    assert mine == [f"refs/exps/{branch[:2]}/{branch[2:]}/{name}" for name in ("ours", "theirs")]
    nothing_is_held(project)


def test_a_killed_assay_leaves_nothing_that_stops_dvc(dvc_process, project):
    with assay_running(project, "run", "-n", "ours", "slow") as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert used(project)["write"]
    assert used(project, ".dvc/tmp/exps")["write"]
    assert dvc_process.run(project, "repro").code == 0
    assert dvc_process.run(project, "exp", "save", "-n", "theirs").code == 0
    assert "write" not in used(project)  # what was only read stays written there until it is in somebody's way


def test_a_killed_dvc_leaves_nothing_that_stops_assay(project, assay):
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "CI": "true", "SHELL": "/bin/sh"}
    words = [find_dvc(), "repro", "slow"]
    with subprocess.Popen(
        words, cwd=project, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        until((project / "started").exists)
        os.killpg(process.pid, signal.SIGKILL)
    assert used(project)["write"]
    (project / "go").touch()
    said = assay("repro", cwd=project)
    assert "ended without giving back" in said.err
    nothing_is_held(project)


@pytest.fixture
def by_links(project):
    (project / ".dvc/config").write_text("[core]\n    hardlink_lock = true\n")
    return project


def test_both_lock_by_a_hard_link_where_the_project_says_so(dvc_process, by_links, assay, monkeypatch):
    monkeypatch.setattr("assay.engine.flock.PATIENCE", 0.2)
    monkeypatch.setattr("assay.engine.flock.Flock.acquire.__defaults__", (0.2, None))
    dvc_process.ask("lock", by_links)
    try:
        said = assay("repro", "fast", cwd=by_links, code=255)
    finally:
        dvc_process.ask("unlock")
    assert "The project is locked by another process" in said.err
    assay("repro", "fast", cwd=by_links)
    with assay_running(by_links, "repro", "slow"):
        assert dvc_process.run(by_links, "repro", "fast").code == 0
        assert "is busy" in dvc_process.run(by_links, "repro", "slow").err
    assert not (by_links / ".dvc/tmp/lock").exists()
    assert not list((by_links / ".dvc/tmp").glob("*.lock"))
