"""A remote on which something is damaged or missing: every verb says so, and whoever has it mends it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import AssayError
from assay.engine.experiments.fsck import Checked
from assay.engine.ports import RemoteStore
from assay.engine.store.verify import fsck
from assay.remotes.clone import clone
from assay.remotes.comparison import compared
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.registry import find, open_store
from assay.remotes.repair.fsck import fsck_remote
from tests.sharing import Git, Machine, world

Damaging = Callable[[RemoteStore, str], None]


def delete(store: RemoteStore, key: str) -> None:
    store.delete([key])


def flip(store: RemoteStore, key: str) -> None:
    """The same size, another bit."""
    data = store.get(key)
    middle = len(data) // 2
    store.put(key, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def truncate(store: RemoteStore, key: str) -> None:
    data = store.get(key)
    store.put(key, data[: len(data) // 2])


def nonsense(store: RemoteStore, key: str) -> None:
    store.put(key, b"nonsense")


CASES: dict[str, tuple[str, Damaging]] = {
    "object deleted": ("objects/", delete),
    "object corrupted": ("objects/", flip),
    "object truncated": ("objects/", truncate),
    "pack deleted": ("packs/", delete),
    "pack corrupted": ("packs/", flip),
    "pack truncated": ("packs/", truncate),
    "index deleted": ("index/", delete),
    "index corrupted": ("index/", flip),
    "index truncated": ("index/", truncate),
    "Git pack deleted": ("git/packs/*.pack", delete),
    "Git pack corrupted": ("git/packs/*.pack", flip),
    "Git pack truncated": ("git/packs/*.pack", truncate),
    "Git index deleted": ("git/packs/*.idx", delete),
    "Git index corrupted": ("git/packs/*.idx", flip),
    "Git index truncated": ("git/packs/*.idx", truncate),
    "branch damaged": ("git/heads/", nonsense),
    "branch gone": ("git/heads/", delete),
    "HEAD damaged": ("git/HEAD", nonsense),
    "HEAD gone": ("git/HEAD", delete),
    "statement damaged": ("git/refs/", flip),
    "marker damaged": ("format", nonsense),
    "marker gone": ("format", delete),
}
FEW = ("object corrupted", "pack truncated", "index deleted", "Git pack deleted", "Git index corrupted")
ALL = os.environ.get("PYTEST_FAULTS") == "all"


class Shared:
    """A project that was pushed, and somebody else's copy of it that has nothing of its own."""

    def __init__(self, git: Git, folder: Path, url: str, settings: dict[str, str]) -> None:
        self.folder, self.url, self.settings = folder, url, settings
        self.here = Machine.new(git, folder / "here")
        self.here.add_remote(url, settings=settings)
        self.here.experiment("bold-finch")
        self.here.experiment("second", {"a.txt": b"x" * 3_000, "b.txt": b"small"})
        assert push(self.here.project).report.failed == {}
        git("clone", "-q", "--no-local", str(self.here.folder), str(folder / "there"))
        self.there = Machine(git, folder / "there")
        self.there.add_remote(url, settings=settings)
        self.store = open_store(find(self.here.project))

    def harm(self, where: str, how: Damaging) -> str:
        start, _, end = where.partition("*")
        key = max((info.size, info.key) for info in self.store.list(start) if info.key.endswith(end))[1]
        how(self.store, key)
        return key

    def check(self, machine: Machine, *, repair: bool = False, fast: bool = False) -> Checked:
        machine.close()
        return fsck_remote(machine.project, repair=repair, fast=fast)

    def is_whole_elsewhere(self) -> None:
        name = self.folder / f"clone{len(list(self.folder.iterdir()))}"
        assert clone(self.url, str(name), world(), settings=self.settings).report.failed == {}
        seen = Machine(self.here.git, name)
        seen.fsck()
        assert seen.refs("refs/exps/") == self.here.refs("refs/exps/")
        for name in ("model", "data/a.txt"):
            assert (seen.folder / name).read_bytes() == (self.here.folder / name).read_bytes()
        seen.close()


def made(kind: str, request: pytest.FixtureRequest, git: Git, folder: Path) -> Iterator[Shared]:
    url, settings = (str(folder / "remote"), {}) if kind == "folder" else request.getfixturevalue("s3")
    both = Shared(git, folder, url, settings)
    yield both
    both.store.close()
    both.here.close()
    both.there.close()


@pytest.fixture(params=["folder", "s3"])
def shared(request: pytest.FixtureRequest, git: Git, tmp_path: Path) -> Iterator[Shared]:
    yield from made(request.param, request, git, tmp_path)


@pytest.fixture(params=["folder", "s3"] if ALL else ["folder"])
def shared_somewhere(request: pytest.FixtureRequest, git: Git, tmp_path: Path) -> Iterator[Shared]:
    yield from made(request.param, request, git, tmp_path)


@pytest.mark.parametrize("case", CASES if ALL else FEW)
def test_a_check_names_what_is_damaged_and_mends_it_from_whoever_has_it(shared: Shared, case: str) -> None:
    assert shared.check(shared.here).bad == ()
    key = shared.harm(*CASES[case])
    found = shared.check(shared.there)
    assert not found.is_clean
    named = "\n".join(f"{bad.name} {bad.text}" for bad in found.bad)
    assert key in named or case in ("object deleted", "index deleted", "Git index deleted"), named
    if key.startswith(("objects/", "packs/", "git/packs/")):
        assert {"bold-finch", "second"} & {need.name for bad in found.bad for need in bad.needs}, found.bad
    again = shared.check(shared.there, repair=True)
    mended = shared.check(shared.here, repair=True)
    assert mended.is_clean, mended.bad
    assert all(bad.advice for bad in again.bad if not bad.is_repaired)
    assert shared.check(shared.here).bad == ()
    assert shared.check(shared.there, repair=True).bad == ()
    shared.is_whole_elsewhere()


def tries(act: Callable[[], Any]) -> dict[str, str]:
    """What is left, with a sentence each."""
    try:
        return dict(act().report.failed)
    except AssayError as error:
        return {"": error.message}


@pytest.mark.law(3)
@pytest.mark.parametrize("case", CASES if ALL else FEW)
def test_a_push_that_says_everything_is_there_has_mended_it(shared_somewhere: Shared, case: str) -> None:
    key = shared_somewhere.harm(*CASES[case])
    shared_somewhere.here.close()
    shared_somewhere.here.events.clear()
    left = tries(lambda: push(shared_somewhere.here.project))
    if left:
        assert key.rpartition("/")[2] in "\n".join([*left, *left.values()])
    else:
        assert CASES[case][1] is not flip or f"{key} had been overwritten" in shared_somewhere.here.said()
        shared_somewhere.is_whole_elsewhere()


NOT_PULLED = ("branch gone", "HEAD damaged", "HEAD gone")
"""What a pull has nothing to do with."""


@pytest.mark.law(3)
@pytest.mark.parametrize("case", [case for case in (CASES if ALL else FEW) if case not in NOT_PULLED])
def test_a_pull_names_what_is_damaged_and_lets_nothing_wrong_in(shared_somewhere: Shared, case: str) -> None:
    key = shared_somewhere.harm(*CASES[case])
    left = tries(lambda: pull(shared_somewhere.there.project))
    said = "\n".join([*left, *left.values(), shared_somewhere.there.said()])
    assert left, said
    assert key.rpartition("/")[2].partition(".")[0][-20:] in said or case == "index deleted", said
    shared_somewhere.there.fsck()
    assert fsck(shared_somewhere.there.project.cache) == []
    shared_somewhere.check(shared_somewhere.here, repair=True)
    shared_somewhere.there.close()
    assert tries(lambda: pull(shared_somewhere.there.project)) == {}
    assert shared_somewhere.there.refs("refs/exps/") == shared_somewhere.here.refs("refs/exps/")


@pytest.mark.law(3)
@pytest.mark.parametrize("case", CASES if ALL else FEW)
def test_a_comparison_never_says_that_a_damaged_remote_is_in_order(shared_somewhere: Shared, case: str) -> None:
    key = shared_somewhere.harm(*CASES[case])
    shared_somewhere.here.close()
    try:
        found = compared(shared_somewhere.here.project)
    except AssayError:
        return
    assert CASES[case][1] is not flip or (key in found.damaged and not found.is_sound), found
    words = {state.word for state in found.experiments.values()}
    branch = found.branch is not None and found.branch[1] != found.branch[2]
    assert not found.is_sound or words - {"both"} or found.data or branch or case.startswith("HEAD"), found
