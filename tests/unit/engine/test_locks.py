"""engine/locks.py: who holds a lock, when it is stale, and that breaking one is safe."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from assay.engine import disk, locks
from assay.engine.errors import AssayError, Locked
from assay.engine.locks import FileLock, is_dead, parse_owner, process_ended, read_owner, this_process, to_bytes

HOLD_AND_DIE = """
import os, sys
from assay.engine.locks import FileLock
FileLock(sys.argv[1], command="assay run").acquire()
os._exit(0)
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "workspace.lock")


def leave_behind(path):
    """A lock whose holder is dead."""
    subprocess.run([sys.executable, "-c", HOLD_AND_DIE, path], check=True)
    assert os.path.exists(path)


def write_owner(path, **changes):
    with open(path, "wb") as file:
        file.write(to_bytes(this_process("assay run")._replace(**changes)))


def test_a_held_lock_names_its_owner_and_goes_with_the_block(path):
    with FileLock(path, command="assay run"):
        owner = read_owner(path)
        assert (owner.pid, owner.host, owner.command) == (os.getpid(), os.uname().nodename, "assay run")
        assert abs(owner.time - time.time()) < 5
    assert os.listdir(os.path.dirname(path)) == []


def test_a_record_holds_host_pid_start_command_and_time(path):
    with FileLock(path, command="assay run"), open(path) as file:
        assert {"host", "pid", "start", "command", "time"} <= json.load(file).keys()


@pytest.mark.law(4)
def test_a_second_holder_fails_at_once_and_names_the_first(path):
    with FileLock(path, command="assay run train"), pytest.raises(Locked) as caught:
        FileLock(path, what="The workspace").acquire()
    host = os.uname().nodename
    assert caught.value.message.startswith(
        f"The workspace is locked by `assay run train` (process {os.getpid()} on {host}) since 20"
    )


def test_waiting_gets_the_lock_once_it_is_free(path):
    first = FileLock(path)
    first.acquire()
    waiting = multiprocessing.get_context("spawn").Process(target=_wait_and_take, args=(path,))
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive()
    first.release()
    waiting.join(120)
    assert waiting.exitcode == 0


def _wait_and_take(path):
    with FileLock(path, wait=120):
        pass


@pytest.mark.law(4)
def test_the_lock_of_a_dead_process_is_taken_over_at_once(path):
    leave_behind(path)
    with FileLock(path):
        assert read_owner(path).pid == os.getpid()
    assert os.listdir(os.path.dirname(path)) == []


def test_a_process_that_has_only_the_number_of_the_owner_is_not_the_owner(path):
    write_owner(path, start=this_process().start - 1)
    with FileLock(path) as lock:
        assert lock.is_held()


def test_a_process_that_nobody_has_waited_for_counts_as_dead():
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    while locks._process(process.pid)[0] not in ("Z", ""):
        time.sleep(0.01)
    assert process_ended(process.pid, 0)
    process.wait()


def test_of_another_machine_nothing_is_known():
    assert is_dead(this_process()._replace(host="elsewhere", pid=1 << 22)) is None
    assert is_dead(this_process()._replace(machine="another boot", pid=1 << 22)) is None
    assert is_dead(this_process()) is False


@pytest.mark.law(4)
def test_a_lock_of_another_machine_holds_for_its_lease(path):
    write_owner(path, host="elsewhere", pid=1 << 22)
    with pytest.raises(Locked, match="on elsewhere"):
        FileLock(path).acquire()
    old = time.time() - 61
    os.utime(path, (old, old))
    with FileLock(path) as lock:
        assert lock.is_held()


def test_a_lock_file_without_an_owner_holds_for_the_lease(path):
    with open(path, "w") as file:
        file.write("not a record")
    with pytest.raises(Locked, match="another process"):
        FileLock(path).acquire()
    os.utime(path, (1, 1))
    FileLock(path).acquire()


def test_a_long_hold_has_a_heartbeat(path):
    with FileLock(path, lease=0.4):
        os.utime(path, (1, 1))
        deadline = time.monotonic() + 120
        while os.stat(path).st_mtime == 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_holder_whose_lock_was_broken_knows_and_leaves_the_new_one_alone(path):
    lock = FileLock(path)
    lock.acquire()
    os.unlink(path)
    with FileLock(path) as other:
        assert not lock.is_held()
        lock.release()
        assert other.is_held()


def test_a_forked_child_does_not_give_back_its_parents_lock(path):
    lock = FileLock(path)
    lock._owner = this_process()  # without a heart: forking a process that has threads is an error of its own
    with open(path, "wb") as file:
        file.write(to_bytes(lock._owner))
    child = os.fork()
    if child == 0:
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert lock.is_held()


def test_a_claim_whose_maker_died_does_not_keep_a_stale_lock_alive(path):
    write_owner(path, pid=1 << 22)
    write_owner(f"{path}.{read_owner(path).nonce}", pid=1 << 22)
    with FileLock(path) as lock:
        assert lock.is_held()
    assert os.listdir(os.path.dirname(path)) == []


def test_any_number_of_breakers_may_have_died(path):
    write_owner(path, pid=1 << 22)
    claim = f"{path}.{read_owner(path).nonce}"
    for _ in range(12):
        write_owner(claim, pid=1 << 22)
        claim = f"{path}.{read_owner(claim).nonce}"
    with FileLock(path, wait=120) as lock:
        assert lock.is_held()
    assert os.listdir(os.path.dirname(path)) == []


def test_a_stale_lock_that_somebody_is_breaking_is_waited_for(path):
    write_owner(path, pid=1 << 22)
    write_owner(f"{path}.{read_owner(path).nonce}")
    with pytest.raises(Locked):
        FileLock(path).acquire()
    os.unlink(f"{path}.{read_owner(path).nonce}")
    FileLock(path).acquire()


def _race(number, path, inside, barrier, broken):
    for _ in range(12):
        if number == 0:
            write_owner(path, pid=1 << 22)
        barrier.wait(120)
        with FileLock(path, wait=120):
            try:
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                broken.set()
            else:
                time.sleep(0.001)
                os.unlink(inside)
        barrier.wait(120)


@pytest.mark.law(4)
def test_of_many_who_break_a_stale_lock_only_one_at_a_time_holds_it(path, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier, broken, inside = spawn.Barrier(4), spawn.Event(), str(tmp_path / "inside")
    racers = [spawn.Process(target=_race, args=(number, path, inside, barrier, broken)) for number in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
    assert [racer.exitcode for racer in racers] == [0, 0, 0, 0]
    assert not broken.is_set()
    assert os.listdir(tmp_path) == []


def test_where_there_are_no_hard_links_a_lock_still_excludes(path):
    def no_links(step, where):
        if step == "link":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM), where)

    with disk.injected(no_links), FileLock(path, command="assay run") as lock:
        assert lock.is_held()
        with pytest.raises(Locked, match="assay run"):
            FileLock(path).acquire()


def test_a_link_that_was_made_although_it_reported_a_failure_counts(path, tmp_path):
    record = tmp_path / "record"
    record.write_bytes(b"x")
    os.link(record, path)
    locks.make_exclusive(str(record), path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(AssayError, match="cannot be written: No such file"):
        FileLock(str(tmp_path / "absent" / "lock")).acquire()


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"host": 1}', b"null\n"])
def test_what_is_no_record_has_no_owner(path, content):
    assert parse_owner(content) is None


def test_a_record_whose_nonce_could_be_a_path_is_no_record():
    assert parse_owner(to_bytes(this_process()._replace(nonce="../x"))) is None


def test_a_lock_that_is_not_there_has_no_owner(path):
    assert read_owner(path) is None
