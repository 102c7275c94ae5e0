"""engine/pipeline/locks.py: lock files while a command works on them."""

from __future__ import annotations

import pytest

from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.spec import load
from tests.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    found = Workspace(tmp_path / "project")
    found.write("dvc.yaml", "stages:\n  one: {cmd: 'true'}\n  two: {cmd: 'true'}\n")
    return found


def names(workspace):
    return [
        line.strip(" :\n")
        for line in workspace.read("dvc.lock").splitlines()
        if line.startswith("  ") and line[2] != " "
    ]


def test_what_somebody_else_recorded_while_a_stage_ran_stays(workspace):
    stages = load(workspace.project).stages
    ours, theirs = Locks(workspace.project), Locks(workspace.project)
    assert ours.entry(stages["one"]) is None
    theirs.put({"dvc.lock": {"two": LockEntry("true")}})
    ours.look_again()
    assert ours.entry(stages["two"]) == LockEntry("true")
    ours.put({"dvc.lock": {"one": LockEntry("true")}})
    assert names(workspace) == ["two", "one"]


def test_what_was_written_here_is_not_read_again(workspace, monkeypatch):
    stages = load(workspace.project).stages
    locks = Locks(workspace.project)
    locks.put({"dvc.lock": {"one": LockEntry("true")}})
    locks.look_again()
    monkeypatch.setattr("assay.engine.pipeline.locks.lock.parse", None)
    assert locks.entry(stages["one"]) == LockEntry("true")
