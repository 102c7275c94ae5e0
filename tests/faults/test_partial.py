"""A part that cannot be done: what is complete without it is published, the rest is listed, the next run ends it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied, RemoteError
from assay.engine.store.digest import object_key
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.stores.memory import MemoryStore
from tests.faults.remotes import FailingAfterStore, Killed, RecordingStore, RefusingStore, Through, WithholdingStore
from tests.sharing import Git, Machine
from tests.stores import overwrite


@pytest.fixture
def here(git: Git, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine.new(git, tmp_path / "here")
    machine.add_remote("memory://here")
    yield machine
    machine.close()


@pytest.fixture
def there(git: Git, tmp_path: Path, here: Machine) -> Iterator[Machine]:
    git("clone", "-q", "--no-local", str(here.folder), str(tmp_path / "there"))
    machine = Machine(git, tmp_path / "there")
    machine.add_remote("memory://here")
    yield machine
    machine.close()


@pytest.fixture
def large(here: Machine) -> str:
    """Two experiments, of which the second needs an object of its own; its key in the cache."""
    here.experiment("bold-finch")
    content = os.urandom(300_000)
    digest = here.store(content).digest
    here.experiment("second", {"a.bin": content})
    return object_key(digest)


def names(refs: object) -> set[str]:
    return {name.rpartition("/")[2] for name in refs}  # type: ignore[attr-defined]


@pytest.mark.law(1)
def test_an_object_that_cannot_be_read_here_keeps_back_only_what_needs_it(
    here: Machine, there: Machine, through: Through, large: str
) -> None:
    store = MemoryStore()
    through(store)
    path = Path(here.project.cache.folder) / large
    sound = path.read_bytes()
    overwrite(path, sound[:-1] + b"?")
    report = push(here.project).report
    assert names(report.failed) == {"second"}
    assert "damaged" in next(iter(report.failed.values()))
    assert names(report.refs) == {"bold-finch", "main", "master"} & names(here.refs())
    assert names(pull(there.project).report.refs) == {"bold-finch"}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sound)
    assert push(here.project).report.failed == {}
    assert names(pull(there.project).report.refs) == {"second"}
    there.fsck()


@pytest.mark.law(1)
def test_a_write_that_is_always_refused_keeps_back_only_what_needs_it(
    here: Machine, there: Machine, through: Through, large: str
) -> None:
    store = MemoryStore()
    through(RefusingStore(store, large))
    report = push(here.project).report
    assert names(report.failed) == {"second"}
    assert "was refused" in next(iter(report.failed.values()))
    assert names(pull(there.project).report.refs) == {"bold-finch"}
    through(store)
    assert push(here.project).report.failed == {}
    assert names(pull(there.project).report.refs) == {"second"}


def test_a_read_that_is_always_refused_keeps_away_only_what_needs_it(
    here: Machine, there: Machine, through: Through, large: str
) -> None:
    store = MemoryStore()
    through(store)
    push(here.project)
    through(WithholdingStore(store, large))
    report = pull(there.project).report
    assert (names(report.refs), names(report.failed)) == ({"bold-finch"}, {"second"})
    assert names(there.refs("refs/exps/")) == {"bold-finch"}
    through(store)
    assert names(pull(there.project).report.refs) == {"second"}


def test_where_nothing_is_taken_any_more_a_push_ends_soon(here: Machine, through: Through) -> None:
    here.experiment("many", {f"{number}.bin": os.urandom(300_000) for number in range(12)})
    refusing = RefusingStore(MemoryStore(), "objects/")
    asked: list[str] = []
    refusing.put_from = lambda key, source: (asked.append(key), refusing._write(key))  # type: ignore[method-assign, assignment]
    through(refusing)
    with pytest.raises(AccessDenied, match="was refused"):
        push(here.project)
    assert len(asked) <= 9, "four in a row, and what was under way meanwhile"


@pytest.mark.law(1)
def test_under_kills_a_name_is_never_written_before_what_it_needs(here: Machine, through: Through, large: str) -> None:
    """What every writer of the order of law 1 must keep, looked at after each kill and in what it left."""
    whole = RecordingStore(MemoryStore())
    through(whole)
    push(here.project)
    ranks = ("objects/", "packs/", "index/", ".pack", ".idx", "git/heads/", "git/refs/")
    for writes in range(len(whole.written)):
        store = MemoryStore()
        killed = FailingAfterStore(store, writes)
        through(killed)
        with pytest.raises((Killed, RemoteError)):
            push(here.project)
        again = RecordingStore(store)
        through(again)
        assert push(here.project).report.failed == {}
        for written in (killed.written, again.written):
            order = [rank for key in written if (rank := _rank(key, ranks)) is not None]
            assert order == sorted(order), written
        assert {info.key for info in store.list("objects/")} == {info.key for info in whole.store.list("objects/")}


def _rank(key: str, ranks: tuple[str, ...]) -> int | None:
    kind = key[-5:].lstrip("0123456789abcdef") if key.startswith("git/packs/") else key
    return next((rank for rank, part in enumerate(ranks) if kind.startswith(part)), None)
