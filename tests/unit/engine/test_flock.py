"""engine/flock.py: DVC's kind of lock, by flock and by a hard link."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from assay.engine.errors import AssayError, Locked
from assay.engine.flock import Flock

HOLD = """
import sys, time
from assay.engine.flock import Flock
Flock(sys.argv[1], "It", by_links=sys.argv[2] == "links").acquire()
print("held", flush=True)
sys.stdin.read()
"""
KINDS = pytest.mark.parametrize("by_links", [False, True], ids=["flock", "links"])


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lock")


class Elsewhere:
    """Another process that holds the lock until it is killed."""

    def __init__(self, path, by_links):
        words = [sys.executable, "-c", HOLD, path, "links" if by_links else "flock"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"held\n"

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def test_the_file_says_which_process_holds_it_and_stays(path):
    lock = Flock(path, "It")
    lock.acquire()
    assert lock.is_held
    lock.release()
    assert not lock.is_held
    with open(path) as file:
        assert file.read() == f" {os.getpid()}\n"


def test_what_an_earlier_holder_wrote_is_replaced_whole(path):
    with open(path, "w") as file:
        file.write(" 123456789012\n")
    lock = Flock(path, "It")
    lock.acquire()
    lock.release()
    with open(path) as file:
        assert file.read() == f" {os.getpid()}\n"


def test_a_link_goes_with_its_claim(path):
    lock = Flock(path, "It", by_links=True)
    lock.acquire()
    assert len(os.listdir(os.path.dirname(path))) == 2
    assert os.stat(path).st_nlink == 2
    lock.release()
    assert os.listdir(os.path.dirname(path)) == []


@KINDS
def test_a_lock_that_was_given_back_can_be_taken_again(path, by_links):
    for _ in range(2):
        lock = Flock(path, "It", by_links=by_links)
        lock.acquire(0)
        lock.release()


@KINDS
def test_whoever_comes_second_gives_up_after_its_patience(path, by_links):
    with Elsewhere(path, by_links), pytest.raises(Locked):
        Flock(path, "It", by_links=by_links).acquire(0.1)


def test_the_sentence_names_the_process_and_its_command(path):
    with Elsewhere(path, by_links=False) as process, pytest.raises(Locked) as caught:
        Flock(path, "The project").acquire(0)
    assert caught.value.message.startswith(f"The project is locked by process {process.pid} (`")
    assert sys.executable in caught.value.message


def test_a_number_that_is_no_process_is_not_named(path):
    with Elsewhere(path, by_links=False):
        with open(path, "r+") as file:
            file.write(" 999999999\n")
        with pytest.raises(Locked, match="another process"):
            Flock(path, "It").acquire(0)


def test_a_killed_holder_leaves_nothing_in_the_way(path):
    with Elsewhere(path, by_links=False):
        pass
    Flock(path, "It").acquire(0)


def test_a_killed_holder_of_a_link_has_to_be_removed_by_hand_and_the_hint_says_so(path):
    with Elsewhere(path, by_links=True):
        pass
    with pytest.raises(Locked) as caught:
        Flock(path, "It", by_links=True).acquire(0)
    assert path in caught.value.hint


def test_a_link_whose_time_is_over_is_broken(path):
    with Elsewhere(path, by_links=True):
        os.utime(path, (time.time() - 60, time.time() - 60))
        lock = Flock(path, "It", by_links=True)
        lock.acquire(0)
        lock.release()


@KINDS
def test_a_waiting_one_gets_the_lock_when_it_is_given_back(path, by_links):
    first = Flock(path, "It", by_links=by_links)
    first.acquire()
    threading.Timer(0.1, first.release).start()
    second = Flock(path, "It", by_links=by_links)
    second.acquire(5)
    assert second.is_held
    second.release()


def test_whoever_waits_without_end_says_so_once(path, monkeypatch):
    monkeypatch.setattr("assay.engine.flock.PATIENCE", 0.05)
    first = Flock(path, "It")
    first.acquire()
    threading.Timer(0.3, first.release).start()
    said = []
    Flock(path, "It").acquire(None, said.append)
    assert len(said) == 1


def test_a_symlink_is_not_followed(path, tmp_path):
    (tmp_path / "mine").write_text("precious")
    os.symlink(tmp_path / "mine", path)
    with pytest.raises(AssayError):
        Flock(path, "It").acquire(0)
    assert (tmp_path / "mine").read_text() == "precious"
