"""Refs under a full disk, a SIGKILL at every step, and four processes at once: each ref old or new, none lost."""

from __future__ import annotations

import errno
import itertools
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import GitError, RefConflict
from assay.engine.git.refs import RefStore
from assay.engine.git.repository import Repository
from assay.engine.model import Oid, Signature

# a child that is to be killed is forked, quickly; it runs nothing that a thread of the parent could hold
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

A, B, C = (Oid(bytes([number]) * 20) for number in (1, 2, 3))
WHO = Signature("Ann", "ann@example.com", 1700000000)
SPAWN = multiprocessing.get_context("spawn")
FORK = multiprocessing.get_context("fork")
GROWING = ("create", "write", "sync", "rename", "link", "mkdir")
BEFORE = {"refs/heads/loose": A, "refs/heads/packed": A, "refs/heads/both": A, "refs/exps/aa/bb/old": A}


@pytest.fixture
def git_dir(tmp_path):
    """A repository with refs that are loose, packed, and both."""
    folder = Repository.init(str(tmp_path / "r")).git_dir
    store = RefStore(folder, folder)
    with store.transaction() as change:
        for name in ("refs/heads/packed", "refs/heads/both", "refs/exps/aa/bb/old"):
            change.put(name, A)
    with store.transaction() as change:
        change.put("refs/heads/both", B)
    store.pack("refs/heads/packed")
    store.pack("refs/exps/")
    with store.transaction() as change:
        change.put("refs/heads/both", A)
        change.put("refs/heads/loose", A)
    return folder


def few(store):
    """A change of every kind, made with loose files: an update, a deletion of each kind, a creation in a new folder."""
    with store.transaction("message", WHO) as change:
        change.update("refs/heads/loose", B, A)
        change.delete("refs/heads/both", A)
        change.delete("refs/heads/packed", A)
        change.create("refs/exps/cc/dd/new", B)


def many(store):
    """As `few`, with so many creations that they are packed."""
    with store.transaction("message", WHO) as change:
        change.update("refs/heads/loose", B, A)
        change.delete("refs/heads/both", A)
        for number in range(25):
            change.create(f"refs/exps/cc/dd/{number}", B)


def pack(store):
    store.pack("refs/")


def refs(git_dir):
    return dict(RefStore(git_dir, git_dir).iterate())


def locks_in(git_dir):
    return [str(path) for path in Path(git_dir).rglob("*.lock")]


def each_is_old_or_new(found, work):
    """Whether each ref has its old or its new value; what is new and gone must be wanted so."""
    new = {few: {"refs/heads/loose": B, "refs/exps/cc/dd/new": B},
           many: {"refs/heads/loose": B, **{f"refs/exps/cc/dd/{number}": B for number in range(25)}},
           pack: BEFORE}[work]  # fmt: skip
    gone = {few: {"refs/heads/both", "refs/heads/packed"}, many: {"refs/heads/both"}, pack: set()}[work]
    for name in {*BEFORE, *new}:
        allowed = {BEFORE.get(name), None if name in gone else new.get(name, BEFORE.get(name))}
        assert found.get(name) in allowed, name


class FullDisk:
    """A disk that is full at its n-th step, once or from then on; removing things works all the same."""

    def __init__(self, number, lasts):
        self.number = number
        self.lasts = lasts
        self.seen = 0

    def __call__(self, step, path):
        self.seen += 1
        if step in GROWING and (self.seen >= self.number if self.lasts else self.seen == self.number):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def attempt(work, folder, disk_of_today):
    """Does the work and returns the sentence of its failure, empty when there is none."""
    with disk.injected(disk_of_today):
        try:
            work(RefStore(folder, folder))
        except GitError as error:
            return str(error)
    return ""


@pytest.mark.law(1)
@pytest.mark.parametrize("lasts", [True, False], ids=["stays-full", "full-once"])
@pytest.mark.parametrize("work", [few, many, pack])
def test_a_disk_that_is_full_at_any_step_changes_nothing_or_all(git_dir, tmp_path, work, lasts):
    failed = 0
    for number in itertools.count(1):
        copy = shutil.copytree(git_dir, str(tmp_path / f"copy{number}"))
        full = FullDisk(number, lasts)
        failure = attempt(work, copy, full)
        found = refs(copy)
        each_is_old_or_new(found, work)
        assert locks_in(copy) == []
        assert os.listdir(f"{copy}/assay/locks") == []
        if failure and not lasts and work is not pack:
            assert found == BEFORE, failure
        if not failure and work is not pack:
            assert found != BEFORE
        failed += bool(failure)
        with RefStore(copy, copy).transaction() as change:
            change.put("refs/heads/loose", C)
        assert refs(copy)["refs/heads/loose"] == C
        if full.seen < number:
            break
    assert failed > 5


def _killed_at(git_dir, work, number):
    seen = 0

    def die(step, path):
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with disk.injected(die):
        work(RefStore(git_dir, git_dir))


@pytest.mark.law(4)
@pytest.mark.parametrize("work", [few, many, pack])
def test_a_process_killed_at_any_step_leaves_each_ref_old_or_new_and_no_lock_for_long(git_dir, tmp_path, work, git):
    killed = left = 0
    for number in itertools.count(1):
        copy = shutil.copytree(git_dir, str(tmp_path / f"copy{number}/.git"))
        child = FORK.Process(target=_killed_at, args=(copy, work, number))
        child.start()
        child.join(120)
        each_is_old_or_new(refs(copy), work)
        left += bool(locks_in(copy))
        with RefStore(copy, copy).transaction() as change:
            change.put("refs/heads/another", C)
        assert locks_in(copy) == []
        assert os.listdir(f"{copy}/assay/locks") == []
        if child.exitcode == 0:
            break
        killed += 1
        if number % 7 == 0:
            git("update-ref", "--no-deref", "-d", "refs/heads/another", cwd=os.path.dirname(copy))
    assert killed > 8
    assert left > 3


def _killed_before_renaming(git_dir):
    def die(step, path):
        if step == "rename":
            os.kill(os.getpid(), signal.SIGKILL)

    with disk.injected(die):
        few(RefStore(git_dir, git_dir))


@pytest.mark.law(4)
def test_a_lock_that_git_has_taken_since_survives_the_recovery_of_ours(git_dir):
    child = FORK.Process(target=_killed_before_renaming, args=(git_dir,))
    child.start()
    child.join(120)
    lock = f"{git_dir}/refs/heads/loose.lock"
    os.unlink(lock)
    with open(lock, "xb"):  # as Git makes it
        pass
    with RefStore(git_dir, git_dir).transaction() as change:
        change.put("refs/heads/another", C)
    assert locks_in(git_dir) == [lock]
    assert os.listdir(f"{git_dir}/assay/locks") == []


def _create_all(git_dir, names, barrier, results, value):
    store = RefStore(git_dir, git_dir)
    won = []
    for name in names:
        barrier.wait(120)
        try:
            with store.transaction() as change:
                change.create(name, value)
            won.append(name)
        except RefConflict:
            pass
    results.put((value, won))


def race(target, git_dir, *more):
    """Runs four processes and returns what each put into the queue."""
    barrier, results = SPAWN.Barrier(4), SPAWN.Queue()
    values = [Oid(bytes([number]) * 20) for number in range(1, 5)]
    racers = [SPAWN.Process(target=target, args=(git_dir, *more, barrier, results, value)) for value in values]
    for racer in racers:
        racer.start()
    found = [results.get(timeout=120) for _ in racers]
    for racer in racers:
        racer.join(120)
        assert racer.exitcode == 0
    assert locks_in(git_dir) == []
    return found


def test_of_four_who_create_a_ref_exactly_one_wins(git_dir):
    names = [f"refs/exps/ab/cd/{number}" for number in range(30)]
    found = race(_create_all, git_dir, names)
    winners = {name: value for value, won in found for name in won}
    assert sum(len(won) for _, won in found) == len(names)
    assert {name: value for name, value in refs(git_dir).items() if name in names} == winners


def _create_batches(git_dir, count, barrier, results, value):
    store, won = RefStore(git_dir, git_dir), []
    for number in range(count):
        barrier.wait(120)
        size = 30 if value[0] % 2 else 3  # half of them go into packed-refs, half into files
        try:
            with store.transaction() as change:
                for name in range(size):
                    change.create(f"refs/exps/ab/{number}/{name}", value)
            won.append((number, size))
        except RefConflict:
            pass
    results.put((value, won))


def test_of_four_batches_with_common_names_exactly_one_is_made_and_whole(git_dir):
    found = race(_create_batches, git_dir, 12)
    now = refs(git_dir)
    for number in range(12):
        winners = [(value, size) for value, won in found for batch, size in won if batch == number]
        assert len(winners) == 1
        value, size = winners[0]
        assert {name: oid for name, oid in now.items() if name.startswith(f"refs/exps/ab/{number}/")} == {
            f"refs/exps/ab/{number}/{name}": value for name in range(size)
        }


def _count_up(git_dir, rounds, barrier, results, value):
    store, done = RefStore(git_dir, git_dir), 0
    barrier.wait(120)
    for turn in range(rounds):
        while True:
            old = store.read("refs/heads/counter")
            new = Oid((int.from_bytes(old, "big") + 1).to_bytes(20, "big"))
            try:
                with store.transaction() as change:
                    change.update("refs/heads/counter", new, old)
                done += 1
                break
            except RefConflict:
                continue
        if turn % 5 == value[0] % 5:
            store.pack("refs/heads/")
    results.put(done)


def test_no_update_is_lost_while_others_pack(git_dir):
    with RefStore(git_dir, git_dir).transaction() as change:
        change.create("refs/heads/counter", Oid((1).to_bytes(20, "big")))
    assert race(_count_up, git_dir, 20) == [20] * 4
    assert int.from_bytes(refs(git_dir)["refs/heads/counter"], "big") == 81


def _come_and_go(git_dir, rounds, barrier, results, value):
    store, errors = RefStore(git_dir, git_dir), 0
    barrier.wait(120)
    for _ in range(rounds):
        name = f"refs/exps/ee/ff/{value[0]}"
        with store.transaction() as change:
            change.create(name, value)
        assert store.read(name) == value
        with store.transaction() as change:
            change.delete(name, value)
        errors += store.read(name) is not None
    results.put(errors)


def test_four_who_create_and_delete_in_one_folder_do_not_disturb_each_other(git_dir):
    assert race(_come_and_go, git_dir, 40) == [0] * 4
    assert refs(git_dir) == BEFORE
    assert not os.path.exists(f"{git_dir}/refs/exps/ee")


def _above_or_below(git_dir, rounds, barrier, results, value):
    store, made = RefStore(git_dir, git_dir), []
    name = "refs/heads/d" if value[0] % 2 else f"refs/heads/d/{value[0]}"
    many = value[0] > 2
    for _ in range(rounds):
        barrier.wait(120)
        try:
            with store.transaction() as change:
                change.create(name, value)
                for number in range(25 if many else 0):
                    change.create(f"refs/heads/{value[0]}/{number}", value)
            made.append(True)
        except RefConflict:
            made.append(False)
        barrier.wait(120)
        present = refs(git_dir)
        made[-1] = (made[-1], "refs/heads/d" in present and any(ref.startswith("refs/heads/d/") for ref in present))
        barrier.wait(120)
        with store.transaction() as change:
            for ref, oid in present.items():
                if oid == value:
                    change.delete(ref)
    results.put(made)


def test_a_ref_and_one_below_it_are_never_both_made(git_dir):
    for made in race(_above_or_below, git_dir, 15):
        assert not any(both for _, both in made)


def _reader_sees(git_dir, stop, results):
    store, missing, reads = RefStore(git_dir, git_dir), 0, 0
    results.put("begins")
    while not stop.is_set():
        reads += 1
        missing += store.read("refs/exps/aa/bb/steady") != A
        missing += ("refs/exps/aa/bb/steady", A) not in list(store.iterate("refs/exps/"))
    results.put((reads, missing))


@pytest.mark.law(4)
def test_a_reader_never_misses_a_ref_that_moves_between_file_and_packed_refs(git_dir):
    stop, results = SPAWN.Event(), SPAWN.Queue()
    reader = SPAWN.Process(target=_reader_sees, args=(git_dir, stop, results))
    store = RefStore(git_dir, git_dir)
    only_loose_and_old = f"{git_dir}/refs/exps/aa/bb/steady"
    with store.transaction() as change:
        change.create("refs/exps/aa/bb/steady", A)
    reader.start()
    assert results.get(timeout=120) == "begins"
    end = time.monotonic() + 2
    while time.monotonic() < end:
        store.pack()
        with store.transaction() as change:
            change.put("refs/exps/aa/bb/other", B)
        os.makedirs(os.path.dirname(only_loose_and_old), exist_ok=True)
        disk.write_atomic(only_loose_and_old, A.hex().encode() + b"\n")
    stop.set()
    reads, missing = results.get(timeout=120)
    reader.join(120)
    assert missing == 0
    assert reads > 20
