"""The cache under a full disk, a kill, a second process and a bad sector: what a name says is there, or is missing."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptArtifact, StoreError
from assay.engine.store import repack
from assay.engine.store.cache import Cache
from assay.engine.store.checkout import carry_out, plan
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of
from assay.engine.store.verify import fsck
from tests.stores import LARGE, Bench, damage, overwrite, put

FILES = {"data/a": b"one", "data/s/b": b"two", "data/big": LARGE, "data/s/big": LARGE + b"more", "model": LARGE + b"!"}


@pytest.fixture
def bench(tmp_path):
    made = Bench.below(tmp_path)
    made.write(FILES)
    yield made
    made.cache.close()
    made.stat_cache.close()


def from_step(number: int, act: Callable[[str], None]) -> Callable[[str, str], None]:
    """A hook that acts at the n-th step, counted from 0, and at every one after it."""
    left = [number]

    def hook(step, path):
        left[0] -= 1
        if left[0] < 0:
            act(path)

    return hook


def steps_of(act: Callable[[], object]) -> int:
    """How many steps something takes when nothing fails."""
    taken = []
    with disk.injected(lambda *step: taken.append(step)):
        act()
    return len(taken)


def no_space(path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def kill(path):
    os.kill(os.getpid(), signal.SIGKILL)


def start(act: Callable[[], object]) -> int:
    """Runs something in a process of its own, whose id is returned."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os._exit(0)
        except BaseException:  # noqa: BLE001  # a child must not return into the test runner
            os._exit(1)
    return pid


def wait_for(*children: int) -> list[int]:
    """Their exit statuses, negative for a signal."""
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]


def was_killed(act: Callable[[], object], step: int, steps: int) -> bool:
    """Whether something was killed at a step; the last ones need not come, as what the clock says may save a step."""
    return wait_for(start(act)) == [-signal.SIGKILL] or step >= steps - 2


def add_all(bench):
    return [bench.add("data"), bench.add("model")]


def with_packs(folder, count):
    """A workspace to add, and a cache that holds so many small packs already."""
    bench = Bench.below(folder)
    bench.write(FILES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repack, "MANY", count)
        return bench, [put(bench.cache, b"before %d" % number)[0] for number in range(count)]


def assert_complete(bench, artifacts):
    cache = bench.reopened()
    assert fsck(cache) == []
    for artifact in artifacts:
        assert cache.missing(digests_of(cache, artifact)) == set()
    for data in FILES.values():
        assert cache.read(digest_bytes("xxh128", data)) == data


@pytest.mark.law(1)
@pytest.mark.parametrize("packs", [0, 3])
def test_a_disk_that_is_full_from_any_step_on_costs_only_a_second_try(tmp_path, monkeypatch, packs):
    """Merging of small packs included."""
    monkeypatch.setattr(repack, "MANY", 3)
    whole, _ = with_packs(tmp_path / "whole", packs)
    steps = steps_of(lambda: add_all(whole))
    assert steps > 20
    refused = 0
    for step in range(steps):
        bench, before = with_packs(tmp_path / str(step), packs)
        try:
            with disk.injected(from_step(step, no_space)):
                add_all(bench)
        except AssayError as error:
            refused += "No space left" in error.message and "same command again" in error.hint
        cache = bench.reopened()
        assert fsck(cache) == []
        assert cache.missing(before) == set()
        assert_complete(bench, add_all(bench))
        bench.stat_cache.close()
    assert refused > steps // 2


@pytest.mark.law(1)
@pytest.mark.parametrize("packs", [0, 3])
def test_killed_at_any_step_an_add_leaves_a_sound_cache_and_the_next_one_completes(tmp_path, monkeypatch, packs):
    monkeypatch.setattr(repack, "MANY", 3)
    whole, _ = with_packs(tmp_path / "whole", packs)
    steps = steps_of(lambda: add_all(whole))
    for step in range(steps):
        bench, before = with_packs(tmp_path / str(step), packs)

        def act(bench=bench, step=step):
            with disk.injected(from_step(step, kill)):
                add_all(bench)

        assert was_killed(act, step, steps)
        assert fsck(bench.reopened()) == []
        assert bench.reopened().missing(before) == set()
        assert_complete(bench, add_all(bench))
        bench.stat_cache.close()


@pytest.mark.law(1)
@pytest.mark.parametrize("kinds", [("copy",), ("hardlink",)])
def test_killed_at_any_step_a_checkout_leaves_whole_files_and_the_next_one_completes(bench, kinds):
    wanted = {path: data for path, data in FILES.items() if path.startswith("data/")}
    changed = {"data/a": b"ONE", "data/n/new": b"new", "data/big": LARGE + b"other"}
    old = bench.add("data")
    disk.remove_tree(str(bench.root / "data"))
    bench.write(changed)
    new = bench.add("data")

    def check_out(artifact):
        cache = bench.reopened()
        carry_out(plan(str(bench.root), "data", artifact, cache, cache.seen), kinds, force=True)

    def state():
        return {path: data for path, data in bench.tree().items() if path.startswith("data/")}

    check_out(old)
    check_out(new)
    steps = steps_of(lambda: check_out(old))
    assert steps > 5
    for step in range(steps):
        check_out(new)

        def act(step=step):
            with disk.injected(from_step(step, kill)):
                check_out(old)

        assert was_killed(act, step, steps)
        for path, data in state().items():
            assert disk.is_temp(os.path.basename(path)) or data in (wanted.get(path), changed.get(path))
        check_out(old)
        assert state() == wanted


def test_processes_that_add_the_same_objects_at_once_all_succeed(bench):
    contents = [b"object %d" % number for number in range(60)]

    def act():
        cache = bench.reopened()
        for data in contents:
            put(cache, data)
        put(cache, LARGE, LARGE + b"more")

    assert wait_for(*(start(act) for _ in range(3))) == [0, 0, 0]
    cache = bench.reopened()
    assert fsck(cache) == []
    assert [cache.read(digest_bytes("xxh128", data)) for data in contents] == contents
    assert len(cache.packs()) < 3 * repack.MANY
    put(cache, b"one more")
    assert len(cache.packs()) <= repack.MANY + 1


def test_a_reader_never_misses_an_object_while_packs_are_merged(bench):
    contents = [b"object %d" % number for number in range(40)]
    digests = [put(bench.cache, data)[0] for data in contents]

    def merge_for_a_while():
        cache = bench.reopened()
        until = time.monotonic() + 1
        number = 0
        while time.monotonic() < until:
            put(cache, b"more %d" % number)
            number += 1

    child = start(merge_for_a_while)
    cache, turns = bench.reopened(), 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        assert [cache.read(digest) for digest in digests] == contents
        assert cache.missing(digests) == set()
        turns += 1
    assert turns > 2
    assert fsck(bench.reopened()) == []


def test_processes_that_merge_the_same_packs_at_once_lose_nothing(bench, monkeypatch):
    monkeypatch.setattr(repack, "MANY", 1000)
    contents = [b"object %d" % number for number in range(80)]
    digests = [put(bench.cache, data)[0] for data in contents]
    monkeypatch.setattr(repack, "MANY", 5)

    def merge():
        cache = bench.reopened()
        repack.merge_small_packs(cache.index, cache.tmp(), cache.algo)

    assert wait_for(*(start(merge) for _ in range(4))) == [0] * 4
    cache = bench.reopened()
    assert [cache.read(digest) for digest in digests] == contents
    assert fsck(cache) == []


class TestWhatOthersTakeForUpToDate:
    """Damage that a tool which trusts names, modes or manifests reports as in order."""

    @pytest.mark.law(3)
    def test_a_manifest_does_not_vouch_for_its_files(self, bench):
        artifact = bench.add("data")
        digest = digest_bytes("xxh128", FILES["data/big"])
        os.unlink(bench.cache.object_path(digest))
        cache = bench.reopened()
        assert cache.missing(digests_of(cache, artifact)) == {digest}

    @pytest.mark.law(3)
    @pytest.mark.parametrize("path", ["data/a", "data/big"])
    @pytest.mark.parametrize(
        "way",
        [Cache.read, Cache.materialise, lambda cache, digest: shutil.copyfileobj(cache.open(digest), io.BytesIO())],
        ids=["read", "link", "stream"],
    )
    def test_a_damaged_read_only_object_never_leaves_the_cache(self, bench, path, way):
        bench.add("data")
        digest = digest_bytes("xxh128", FILES[path])
        damage(bench.cache, digest)
        with pytest.raises(CorruptArtifact, match=digest.hex):
            way(bench.reopened(), digest)

    @pytest.mark.law(3)
    @pytest.mark.parametrize("left", [0, 1, 4096])
    def test_an_object_that_a_power_cut_left_short_is_not_checked_out(self, bench, left):
        artifact = bench.add("data")
        overwrite(bench.cache.object_path(digest_bytes("xxh128", FILES["data/big"])), LARGE[:left])
        os.unlink(bench.root / "data/big")
        cache = bench.reopened()
        with pytest.raises(StoreError):
            carry_out(plan(str(bench.root), "data", artifact, cache, bench.stat_cache))
        assert not (bench.root / "data/big").exists()

    @pytest.mark.law(3)
    def test_damage_is_healed_by_adding_the_file_again(self, bench):
        artifact = bench.add("data")
        for path in ("data/a", "data/big"):
            damage(bench.cache, digest_bytes("xxh128", FILES[path]))
        cache = bench.reopened()
        assert len(fsck(cache, repair=True)) == 2
        bench.cache.close()
        assert bench.add("data") == artifact
        assert fsck(bench.reopened()) == []
        assert cache.missing(digests_of(cache, artifact)) == set()


def test_every_file_that_a_crash_leaves_behind_is_known_as_such(tmp_path):
    bench = Bench.below(tmp_path)
    bench.write(FILES)

    def act():
        with disk.injected(from_step(8, kill)):
            add_all(bench)

    assert wait_for(start(act)) == [-signal.SIGKILL]
    left = [path for path in Path(bench.folder).rglob("*") if path.is_file()]
    assert all(disk.is_temp(path.name) or path.parent.parent.name == "xxh128" for path in left)
