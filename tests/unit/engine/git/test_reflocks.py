"""engine/git/reflocks.py: the journal of ref locks, and what it lets us remove after a crash."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from assay.engine import disk
from assay.engine.errors import Locked, RefConflict
from assay.engine.git import reflocks
from assay.engine.git.reflocks import RefLocks, recover
from assay.engine.locks import parse_owner, this_process, to_bytes

DIE_HOLDING = """
import os, sys
from assay.engine.git.reflocks import RefLocks
locks = RefLocks(sys.argv[1], "assay save")
paths = [f"{sys.argv[1]}/refs/heads/{name}" for name in "ab"]
locks.open(paths)
for path in paths:
    locks.take(path, path[len(sys.argv[1]) + 1:])
locks.temp(b"new", sync=False)
os._exit(0)
"""


@pytest.fixture
def common(tmp_path):
    (tmp_path / "refs/heads").mkdir(parents=True)
    return str(tmp_path)


@pytest.fixture
def crashed(common):
    """A repository where a process died while it held the locks of two refs."""
    subprocess.run([sys.executable, "-c", DIE_HOLDING, common], check=True)
    assert sorted(os.listdir(f"{common}/refs/heads")) == ["a.lock", "b.lock"]
    assert len(os.listdir(f"{common}/assay/locks")) == 2
    return common


def dead_record(common):
    """Where a dead process of this machine would have left its record."""
    owner = this_process()._replace(pid=1 << 22)
    return f"{common}/assay/locks/{reflocks._name(owner)}"


def taken(common, name="refs/heads/a"):
    locks = RefLocks(common, "assay run")
    locks.open([f"{common}/{name}"])
    locks.take(f"{common}/{name}", name)
    return locks


@pytest.mark.law(4)
def test_path_and_owner_are_in_the_journal_before_the_lock_exists(common):
    seen = []

    def look(step, path):
        if step == "link":
            (record,) = os.listdir(f"{common}/assay/locks")
            with open(f"{common}/assay/locks/{record}", "rb") as file:
                owner, paths = file.read().splitlines()
            seen.append((parse_owner(owner).pid, json.loads(paths), os.path.exists(path)))

    with disk.injected(look):
        taken(common).close()
    assert seen == [(os.getpid(), ["refs/heads/a"], False)]


def test_a_lock_is_the_same_file_as_its_record(common):
    locks = taken(common)
    (record,) = os.listdir(f"{common}/assay/locks")
    assert os.path.samefile(f"{common}/refs/heads/a.lock", f"{common}/assay/locks/{record}")
    locks.close()


def test_the_journal_is_empty_when_no_lock_is_held(common):
    taken(common).close()
    assert os.listdir(f"{common}/assay/locks") == []
    assert os.listdir(f"{common}/refs/heads") == []


@pytest.mark.law(4)
def test_the_locks_of_a_dead_process_go_with_the_next_one_that_is_taken(crashed):
    taken(crashed, "refs/heads/other").close()
    assert os.listdir(f"{crashed}/refs/heads") == []
    assert os.listdir(f"{crashed}/assay/locks") == []


@pytest.mark.law(4)
def test_a_lock_that_is_somebody_elses_by_now_is_left_alone(crashed):
    os.unlink(f"{crashed}/refs/heads/a.lock")
    with open(f"{crashed}/refs/heads/a.lock", "x"):
        pass
    recover(crashed)
    assert os.listdir(f"{crashed}/refs/heads") == ["a.lock"]
    assert os.listdir(f"{crashed}/assay/locks") == []


@pytest.mark.law(4)
def test_the_locks_of_a_living_process_are_left_alone(common):
    locks = taken(common)
    recover(common)
    assert os.listdir(f"{common}/refs/heads") == ["a.lock"]
    locks.close()


def test_a_dead_process_may_leave_its_locks_while_somebody_waits_for_one(crashed, monkeypatch):
    """The record appears after the waiting began: recovery is tried again at each turn."""
    journal = f"{crashed}/assay/locks"
    os.rename(journal, f"{crashed}/hidden")
    turns = []

    def wait(seconds):
        turns.append(seconds)
        if len(turns) == 2:
            os.rename(journal, f"{crashed}/mine")
            os.rename(f"{crashed}/hidden", journal)
            for name in os.listdir(f"{crashed}/mine"):
                os.rename(f"{crashed}/mine/{name}", f"{journal}/{name}")

    monkeypatch.setattr(reflocks.time, "sleep", wait)
    taken(crashed).close()
    assert len(turns) in (2, 3)


def test_a_record_of_another_machine_is_left_for_ten_minutes(crashed):
    (record,) = (name for name in os.listdir(f"{crashed}/assay/locks") if "." not in name)
    path = f"{crashed}/assay/locks/00000000{record[8:]}"
    os.rename(f"{crashed}/assay/locks/{record}", path)
    recover(crashed)
    assert len(os.listdir(f"{crashed}/refs/heads")) == 2
    old = time.time() - 601
    os.utime(path, (old, old))
    recover(crashed)
    assert os.listdir(f"{crashed}/refs/heads") == []


@pytest.mark.parametrize("content", [b"", b"garbage", to_bytes(this_process()._replace(pid=1 << 22)) + b"[1, null"])
def test_a_record_that_cannot_be_read_harms_nobody(common, content):
    os.makedirs(f"{common}/assay/locks")
    with open(dead_record(common), "wb") as file:
        file.write(content)
    recover(common)
    assert os.listdir(f"{common}/assay/locks") == []


def test_files_of_other_names_in_the_journal_are_left_alone(common):
    os.makedirs(f"{common}/assay/locks")
    for name in ("notes", "0-1-2", "a-b-c-d"):
        with open(f"{common}/assay/locks/{name}", "x"):
            pass
    recover(common)
    assert len(os.listdir(f"{common}/assay/locks")) == 3


def no_links(step, path):
    if step == "link":
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), path)


def test_without_hard_links_a_stale_lock_is_known_by_its_owner(common):
    with disk.injected(no_links):
        locks = taken(common)
    with open(f"{common}/refs/heads/a.lock", "rb") as file:
        assert parse_owner(file.read()).pid == os.getpid()
    locks.close()
    owner = this_process()._replace(pid=1 << 22)
    for name, line in (("a", owner), ("b", owner._replace(nonce="0"))):
        with open(f"{common}/refs/heads/{name}.lock", "wb") as file:
            file.write(to_bytes(line))
    with open(f"{common}/assay/locks/{reflocks._name(owner)}", "wb") as file:
        file.write(to_bytes(owner) + b'["refs/heads/a", "refs/heads/b"]\n')
    recover(common)
    assert os.listdir(f"{common}/refs/heads") == ["b.lock"]


def test_folders_are_made_on_the_way_to_a_lock(common):
    taken(common, "refs/exps/aa/bb/x").close()
    assert os.path.isdir(f"{common}/refs/exps/aa/bb")


def test_a_folder_that_vanishes_at_the_last_moment_is_made_again(common):
    times = []

    def vanish(step, path):
        if step == "link" and len(times) < 3:
            times.append(path)
            for folder in ("refs/exps/aa/bb", "refs/exps/aa", "refs/exps"):
                disk.remove_folder(f"{common}/{folder}")

    with disk.injected(vanish):
        taken(common, "refs/exps/aa/bb/x").close()
    assert len(times) == 3


def test_a_ref_where_a_folder_should_be_is_a_conflict(common):
    with open(f"{common}/refs/heads/a", "x"):
        pass
    with pytest.raises(RefConflict, match="refs/heads/a/b cannot be made because there is a ref refs/heads/a"):
        taken(common, "refs/heads/a/b")


def test_a_lock_that_another_program_keeps_is_named_with_what_to_do(common, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.02)
    with open(f"{common}/refs/heads/a.lock", "x"):
        pass
    with pytest.raises(Locked) as caught:
        taken(common)
    assert f"{common}/refs/heads/a.lock exists" in caught.value.message
    assert "remove that file" in caught.value.hint
