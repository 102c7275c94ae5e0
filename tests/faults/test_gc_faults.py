"""Collections that are killed, run out of disk, or run beside writers: nothing that is kept is ever missing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.events import silent
from assay.engine.experiments.fsck import fsck as fsck_all
from assay.engine.experiments.gc import gc
from assay.engine.experiments.keeping import Keep
from assay.engine.model import ExpRef, Oid
from assay.engine.project import Project, World, open_project
from assay.engine.store.digest import digest_bytes
from assay.engine.store.verify import fsck
from assay.engine.workspace import undo
from tests.datacommits import commit, data_file, put, set_ref
from tests.stores import LARGE, damage
from tests.workspace import CountingIds, FixedClock, Workspace


def opened(root: Path) -> Project:
    """A project as another process sees it."""
    world = World(FixedClock(), CountingIds(), environment={"PATH": os.environ["PATH"]}, command="assay gc")
    return open_project(str(root), world, silent)


def in_child(act: Callable[[], object]) -> int:
    """Runs something in a process of its own and returns its exit status, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os._exit(0)
        except AssayError:
            os._exit(7)
        except BaseException:  # noqa: BLE001  # a child must not return into the test runner
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def from_step(number: int, act: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """A hook that acts at the n-th step, counted from 0, and at every one after it."""
    left = [number]

    def hook(step, path):
        left[0] -= 1
        if left[0] < 0:
            act(step, path)

    return hook


def kill(step, path):
    os.kill(os.getpid(), signal.SIGKILL)


def no_space(step, path):
    if step not in ("unlink", "rmdir"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


KEPT = [b"kept small", LARGE + b"kept", b"in the trash, and needed again", LARGE + b"in the trash, and needed again"]
GARBAGE = [b"garbage beside what is kept", b"garbage alone", LARGE + b"garbage", LARGE + b"more garbage"]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A project with all that a collection meets: mixed and dead packs, files, a trash whose grace is over."""
    ws = Workspace(tmp_path_factory.mktemp("gc") / "p")
    ws.write(".assay/config", "[gc]\n    fresh = 0\n")
    ws.reopen()
    project = ws.project
    base = commit(project, ref="refs/heads/main")
    later = {"small": KEPT[2], "large": KEPT[3]}
    exp = commit(project, later, parents=[base])
    put(project.cache, b"for good")
    gc(project, Keep(workspace=True))
    (record,) = (ws.root / ".assay/cache/trash").glob("*/record")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"time": 1}))
    set_ref(project, ExpRef(base, "one").refname, exp)
    put(project.cache, GARBAGE[1])
    with project.cache.writer() as writer:
        for data in (KEPT[0], GARBAGE[0], GARBAGE[2], GARBAGE[3], KEPT[1]):
            writer.add_bytes(data)
    ws.write("small.dvc", data_file("small", put(project.cache, KEPT[0])))
    ws.write("large.dvc", data_file("large", put(project.cache, KEPT[1])))
    project.close()
    return ws.root


def has(project: Project, data: bytes) -> bool:
    """Whether the cache itself has something, the trash left aside."""
    return project.cache.has(digest_bytes("xxh128", data))


def collect(root: Path) -> None:
    project = opened(root)
    try:
        gc(project, Keep(experiments=True))
    finally:
        project.close()


def assert_done(root: Path) -> None:
    """The next collection has completed: what is kept is there and nothing else."""
    project = opened(root)
    assert [has(project, data) for data in KEPT] == [True] * len(KEPT)
    assert [has(project, data) for data in GARBAGE] == [False] * len(GARBAGE)
    assert fsck(project.cache) == []
    assert [found.time for found in project.cache.trash.bins() if found.time == 1] == []
    project.close()


def steps_of(root: Path) -> int:
    taken = []
    with disk.injected(lambda *step: taken.append(step)):
        collect(root)
    return len(taken)


@pytest.mark.law(1)
@pytest.mark.law(7)
def test_killed_at_any_step_a_collection_loses_nothing_that_is_kept_and_the_next_one_completes(template, tmp_path, git):
    whole = shutil.copytree(template, tmp_path / "whole", symlinks=True)
    steps = steps_of(whole)
    assert_done(whole)
    assert steps > 30
    killed = 0
    for step in range(steps):
        root = shutil.copytree(template, tmp_path / str(step), symlinks=True)

        def act(root=root, step=step):
            with disk.injected(from_step(step, kill)):
                collect(root)

        killed += in_child(act) == -signal.SIGKILL
        project = opened(root)
        assert [digest for data in KEPT if (digest := digest_bytes("xxh128", data)) not in project.cache] == []
        assert [has(project, data) for data in KEPT[:2]] == [True, True]
        assert fsck(project.cache) == []
        project.close()
        collect(root)
        assert_done(root)
        if step % 10 == 0:
            git("fsck", "--strict", "--no-dangling", cwd=root)
    assert killed >= steps - 3


@pytest.mark.law(1)
def test_a_disk_that_is_full_from_any_step_on_costs_only_a_second_try(template, tmp_path):
    steps = steps_of(shutil.copytree(template, tmp_path / "whole", symlinks=True))
    refused = 0
    for step in range(0, steps, 2):
        root = shutil.copytree(template, tmp_path / str(step), symlinks=True)
        try:
            with disk.injected(from_step(step, no_space)):
                collect(root)
        except AssayError as error:
            refused += "No space left" in error.message or "cannot be written" in error.message
        except OSError as error:  # the command line makes the same sentence of it
            refused += error.errno == errno.ENOSPC
        project = opened(root)
        assert [digest for data in KEPT if (digest := digest_bytes("xxh128", data)) not in project.cache] == []
        project.close()
        collect(root)
        assert_done(root)
    assert refused > steps // 4


@pytest.mark.law(4)
@pytest.mark.law(7)
def test_what_a_writer_finds_at_the_moment_it_is_taken_is_there_when_something_names_it(tmp_path):
    ws = Workspace(tmp_path / "p")
    ws.write(".assay/config", "[gc]\n    fresh = 0\n")
    ws.reopen()
    base = commit(ws.project, ref="refs/heads/main")
    contents = [b"small %d" % number for number in range(20)] + [LARGE + b"%d" % number for number in range(3)]
    for data in contents:
        put(ws.project.cache, data)
    ws.project.close()

    def collect_for_a_while():
        until = time.monotonic() + 3
        while time.monotonic() < until:
            collect(ws.root)

    pid = os.fork()
    if pid == 0:
        try:
            collect_for_a_while()
            os._exit(0)
        except BaseException:  # noqa: BLE001  # a child must not return into the test runner
            os._exit(1)
    project, names = opened(ws.root), {}
    number = 0
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        data = contents[number % len(contents)]
        name = ExpRef(base, f"e{number}").refname
        oid = commit(project, {"d": data, "dir": {"a": data, "b": contents[-number % len(contents)]}}, parents=[base])
        set_ref(project, name, oid)
        names[name] = data
        if number >= 5:  # so that some of it is garbage all the time
            set_ref(project, ExpRef(base, f"e{number - 5}").refname, None)
            del names[ExpRef(base, f"e{number - 5}").refname]
        number += 1
    assert number > 10
    collect(ws.root)
    other = opened(ws.root)
    for data in names.values():
        assert other.cache.read(digest_bytes("xxh128", data)) == data
    assert fsck(other.cache) == []
    other.close()
    project.close()


def test_readers_beside_a_collection_never_miss_what_is_kept(template, tmp_path):
    root = shutil.copytree(template, tmp_path / "p", symlinks=True)
    kept = [b"kept %d" % number for number in range(30)]
    project = opened(root)
    for number, data in enumerate(kept):
        set_ref(project, f"refs/tags/t{number}", commit(project, {"d": data}))
    project.close()

    def churn():
        writer = opened(root)
        for number in range(25):
            with writer.cache.writer() as adding:
                adding.add_bytes(b"garbage %d" % number)
                adding.add_bytes(kept[number])
            gc(writer, Keep(tags=True))

    pid = os.fork()
    if pid == 0:
        try:
            churn()
            os._exit(0)
        except BaseException:  # noqa: BLE001  # a child must not return into the test runner
            os._exit(1)
    reader, turns = opened(root), 0
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        assert [reader.cache.read(digest_bytes("xxh128", data)) for data in kept] == kept
        turns += 1
    assert os.waitstatus_to_exitcode(ended[1]) == 0
    assert turns > 2
    reader.close()


class Model:
    """What a project is said to be: commits with their data, refs, and what the flags must keep of it."""

    def __init__(self) -> None:
        self.data: dict[Oid, frozenset[int]] = {}
        self.parents: dict[Oid, Oid | None] = {}
        self.times: dict[Oid, int] = {}
        self.refs: dict[str, Oid] = {}
        self.here: set[int] = set()

    def ancestors(self, oid: Oid | None, number: int = -1) -> list[Oid]:
        found: list[Oid] = []
        while oid is not None and len(found) != number:
            found.append(oid)
            oid = self.parents[oid]
        return found

    def must_stay(self, keep: Keep) -> set[int]:
        """The numbers of the contents that the flags keep."""
        kept: set[Oid] = set()
        for name, oid in self.refs.items():
            in_history = name.startswith(("refs/heads/", "refs/tags/", "refs/remotes/"))
            if name == "refs/heads/main" or name.startswith("refs/assay/"):
                kept.add(oid)
            if name.startswith("refs/heads/") and keep.branches:
                kept.update(self.ancestors(oid, keep.number))
            if name.startswith("refs/tags/") and keep.tags:
                kept.add(oid)
            if in_history and keep.commits:
                kept.update(self.ancestors(oid))
            if in_history and keep.since is not None:
                kept.update(each for each in self.ancestors(oid) if self.times[each] >= keep.since)
            if name.startswith("refs/exps/") and keep.experiments:
                kept.update(self.ancestors(oid, 2))
            if name in keep.revisions:
                kept.update(self.ancestors(oid, keep.number))
        return self.here.union(*(self.data[oid] for oid in kept))


def content(number: int) -> bytes:
    return (LARGE if number % 5 == 0 else b"small ") + b"%d" % number


KEEPS = st.builds(
    Keep,
    workspace=st.just(True),
    revisions=st.sampled_from([(), ("refs/heads/side",), ("refs/heads/main", "refs/tags/t1")]),
    number=st.just(1),
    branches=st.booleans(),
    tags=st.booleans(),
    commits=st.sampled_from([False, False, True]),
    since=st.sampled_from([None, None, 1_000_050]),
    experiments=st.booleans(),
)
NAMES = ["refs/heads/main", "refs/heads/side", "refs/tags/t1", "refs/tags/t2", "refs/remotes/o/main", "exp/a", "exp/b",
         "refs/assay/queue/1", "refs/assay/kept/1"]  # fmt: skip


def step(data: st.DataObject, model: Model, project: Project, clock: int) -> None:
    """Changes the project and the model in one way."""
    name = data.draw(st.sampled_from(NAMES))
    what = data.draw(st.sampled_from(["commit", "commit", "commit", "delete", "workspace", "garbage"]))
    numbers = data.draw(st.frozensets(st.integers(0, 30), max_size=3))
    if what == "workspace":
        path = Path(project.root) / "w.dvc"
        path.unlink(missing_ok=True)
        if numbers:
            files = {f"f/{number}": content(number) for number in numbers}
            path.write_text(data_file("w", put(project.cache, files)))
        model.here = set(numbers)
    elif what == "garbage":
        for number in numbers:
            put(project.cache, content(number))
    elif what == "delete" and name in model.refs and name != "refs/heads/main":
        set_ref(project, name, None)
        del model.refs[name]
    elif what == "commit":
        parent = model.refs.get("refs/heads/main" if name.startswith("exp/") else name)
        if name.startswith("exp/"):
            if parent is None:
                return
            name = ExpRef(parent, name[4:]).refname
        made = {f"d{number}": content(number) for number in numbers} | {"dir": {str(n): content(n) for n in numbers}}
        oid = commit(project, made if numbers else {}, parents=[parent] if parent else [], time=1_000_000 + clock)
        set_ref(project, name, oid)
        model.data[oid], model.parents[oid], model.times[oid] = numbers, parent, 1_000_000 + clock
        model.refs[name] = oid


@pytest.mark.law(7)
@settings(max_examples=40)
@given(st.data())
def test_whatever_the_project_and_the_flags_what_they_keep_is_there(data):
    """Killed or not; with its grace over or not; and undo gives the rest back."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        ws = Workspace(Path(folder) / "p")
        ws.write(".assay/config", "[gc]\n    fresh = 0\n    grace = 14d\n")
        model, clock = Model(), 0
        for _ in range(data.draw(st.integers(2, 4))):
            ws.reopen()
            for _ in range(data.draw(st.integers(1, 6))):
                clock += 10
                step(data, model, ws.project, clock)
            keep = data.draw(KEEPS)
            if any(name not in model.refs for name in keep.revisions):
                keep = keep._replace(revisions=())
            if keep.branches or keep.revisions:
                keep = keep._replace(number=data.draw(st.sampled_from([1, 2, -1])))
            before = {number for number in range(31) if has(ws.project, content(number))}
            killed_at = data.draw(st.one_of(st.none(), st.integers(0, 60)))
            ws.project.close()

            def act(root=ws.root, keep=keep, killed_at=killed_at):
                project = opened(root)
                with disk.injected(from_step(1000 if killed_at is None else killed_at, kill)):
                    gc(project, keep)

            ended = in_child(act)
            assert ended in (0, -signal.SIGKILL)
            ws.reopen()
            cache = ws.project.cache
            must = model.must_stay(keep)
            absent = {number for number in must if not has(ws.project, content(number))}
            if ended == 0:
                assert absent == set()
                everything = {number for number in range(31) if has(ws.project, content(number))}
                assert everything <= must | {number for number in everything if number not in before}
            assert [number for number in must if digest_bytes("xxh128", content(number)) not in cache] == []
            assert fsck(cache) == []
            if ended == 0 and data.draw(st.booleans()) and any(found.trash for found in undo.records(ws.project)):
                record = next(found for found in undo.records(ws.project) if found.trash)
                undo.undo(ws.project, record.number)
                cache.index.rescan()
                if record == max([*undo.records(ws.project), record], key=lambda found: found.number):
                    assert before <= {number for number in range(31) if has(ws.project, content(number))}
        ws.project.close()


@pytest.mark.law(3)
def test_killed_at_any_step_a_repair_loses_nothing_that_is_sound_and_the_next_one_completes(template, tmp_path):
    def damaged(name):
        root = shutil.copytree(template, tmp_path / name, symlinks=True)
        (root / "small").write_bytes(KEPT[0])
        (root / "large").write_bytes(KEPT[1])
        project = opened(root)
        for data in KEPT[:2]:
            damage(project.cache, digest_bytes("xxh128", data))
        project.close()
        return root

    def repaired(root):
        project = opened(root)
        try:
            return fsck_all(project, repair=True).is_clean
        finally:
            project.close()

    whole, taken = damaged("whole"), []
    with disk.injected(lambda *step: taken.append(step)):
        assert repaired(whole)
    for number in range(len(taken)):
        root = damaged(str(number))

        def act(root=root, number=number):
            with disk.injected(from_step(number, kill)):
                repaired(root)

        in_child(act)
        assert repaired(root)
        project = opened(root)
        assert [project.cache.read(digest_bytes("xxh128", data)) for data in KEPT] == KEPT
        assert fsck(project.cache) == []
        project.close()
