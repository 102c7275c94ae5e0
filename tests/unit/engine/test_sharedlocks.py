"""engine/sharedlocks.py, and `hold` with it: which of DVC's locks a command has, and when."""

from __future__ import annotations

import fcntl
import json
import os
import threading

import pytest

from assay.engine import layout
from assay.engine.errors import AssayError, Locked
from assay.engine.events import Warned
from assay.engine.experiments import gc
from assay.engine.project import Project
from assay.engine.sharedlocks import SharedLocks
from assay.engine.workspace.hold import hold
from tests.workspace import Workspace


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "locks"


@pytest.fixture
def said():
    return []


@pytest.fixture
def locks(tmp_path, said):
    return SharedLocks(str(tmp_path), "locks", "assay run", said.append)


def is_free(path):
    """Whether another process could take a flock on a file."""
    with open(path) as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def written(folder):
    return sorted(json.loads((folder / "rwlock").read_text()).get("write", {}))


def test_the_project_is_locked_and_the_experiments_are_told(locks, folder):
    with locks.hold():
        assert not is_free(folder / "lock")
        assert written(folder / "exps") == ["refs/exps/exec", "workspace"]
    assert is_free(folder / "lock")
    assert written(folder / "exps") == []


def test_whoever_waits_for_the_experiments_does_not_keep_the_project_locked(locks, folder, monkeypatch):
    monkeypatch.setattr("assay.engine.sharedlocks.PATIENCE", 0.2)
    (folder / "exps").mkdir(parents=True)
    (folder / "exps/rwlock").write_text(json.dumps({"write": {"workspace": {"pid": 1, "cmd": "dvc exp save"}}}))
    free = []
    monkeypatch.setattr("assay.engine.sharedlocks.time.sleep", lambda _: free.append(is_free(folder / "lock")))
    with pytest.raises(Locked, match="workspace is in use by process 1"), locks.hold():
        pass
    assert free
    assert all(free)
    assert is_free(folder / "lock")


def test_while_it_is_released_only_the_list_of_the_experiments_stays(locks, folder):
    with locks.hold():
        with locks.released():
            assert is_free(folder / "lock")
            assert written(folder / "exps") == ["refs/exps/exec", "workspace"]
        assert not is_free(folder / "lock")


def test_what_is_not_held_is_not_taken_by_releasing_it(locks, folder):
    with locks.released():
        pass
    assert not folder.exists()


def test_a_failure_while_released_takes_the_lock_back_first(locks, folder):
    with locks.hold():
        with pytest.raises(KeyboardInterrupt), locks.released():
            raise KeyboardInterrupt
        assert not is_free(folder / "lock")


def test_paths_are_told_as_absolute_ones(locks, folder, tmp_path):
    with locks.using(read=["a/b", "../up", ""], write=["out"]):
        table = json.loads((folder / "rwlock").read_text())
    assert list(table["write"]) == [f"{tmp_path}/out"]
    assert list(table["read"]) == [f"{tmp_path}/a/b", f"{tmp_path.parent}/up", str(tmp_path)]


def test_refs_are_told_in_the_list_of_the_experiments(locks, folder):
    with locks.changing(["refs/exps/aa/bb/name"]):
        assert written(folder / "exps") == ["refs/exps/aa/bb/name"]
    assert not (folder / "rwlock").exists()


def test_what_a_killed_process_left_is_said(locks, folder, said):
    (folder / "exps").mkdir(parents=True)
    gone = {"pid": 999_999_999, "cmd": "dvc exp run"}
    (folder / "exps/rwlock").write_text(json.dumps({"write": {"workspace": gone}}))
    with locks.hold():
        pass
    assert [type(event) for event in said] == [Warned]


def test_a_project_without_such_locks_writes_nothing(tmp_path, said):
    locks = SharedLocks(str(tmp_path), "", "assay run", said.append)
    with locks.hold(), locks.released(), locks.using(read=["a"], write=["b"]), locks.changing(["refs/exps/x"]):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, locks):
    (tmp_path / "locks").write_text("a file")
    with pytest.raises(AssayError, match="cannot be made"), locks.hold():
        pass


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "project")


@pytest.fixture
def project(workspace):
    """The same project as DVC's layout has it."""
    given = workspace.project
    with_locks = given.layout._replace(shared_locks=layout.dvc().shared_locks)
    found = Project(given.root, with_locks, given.config, given.repo, given.world, given.report)
    yield found
    found.close()


def test_hold_takes_both_tools_locks_and_what_is_used_until_the_end(project):
    folder = f"{project.root}/{project.layout.shared_locks}"
    with hold(project) as held:
        held.using(read=["in"], write=["out"])
        assert not is_free(f"{folder}/lock")
        with open(f"{folder}/rwlock") as file:
            assert list(json.load(file)["write"]) == [f"{project.root}/out"]
    assert is_free(f"{folder}/lock")
    with open(f"{folder}/rwlock") as file:
        assert json.load(file) == {}


def test_assays_own_lock_answers_first_and_at_once(project):
    with hold(project), pytest.raises(Locked, match="The workspace is locked"), hold(project):
        pass


def test_the_patient_wait_for_whoever_holds_the_workspace(project):
    world = project.world._replace(patient=True)
    other = Project(project.root, project.layout, project.config, project.repo, world, project.report)
    got = threading.Event()

    def wait():
        with hold(other):
            got.set()

    waiting = threading.Thread(target=wait)
    with hold(project):
        waiting.start()
        assert not got.wait(0.2)
    waiting.join(120)
    assert got.is_set()
    other.close()


def test_a_native_project_has_none_of_dvcs_locks(workspace):
    with hold(workspace.project) as held:
        held.using(write=[""])
    assert not os.path.exists(f"{workspace.project.root}/{layout.dvc().shared_locks}")


@pytest.mark.law(4)
def test_a_collection_keeps_dvcs_writers_out(project):
    with gc.collecting(project):
        assert not is_free(f"{project.root}/{project.layout.shared_locks}/lock")
