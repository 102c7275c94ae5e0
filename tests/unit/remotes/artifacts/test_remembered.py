"""A push with nothing to do does not look into directories that it knows; whatever is not there any more, it finds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.model import Digest
from assay.remotes.artifacts import remembered
from assay.remotes.artifacts.contents import Contents
from assay.remotes.clone import clone
from assay.remotes.collect import claims as collecting
from assay.remotes.collect.claims import Doomed
from assay.remotes.push import push
from assay.remotes.stores.local import LocalStore
from tests.sharing import Git, Machine, world


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Digest]:
    """Directories that somebody looked into."""
    found: list[Digest] = []
    below = Contents.below

    def noted(self: Contents, digest: Digest) -> tuple[Digest, ...] | None:
        if digest.is_dir:
            found.append(digest)
        return below(self, digest)

    monkeypatch.setattr(remembered, "_MANY", 4)
    monkeypatch.setattr(Contents, "below", noted)
    return found


@pytest.fixture
def known(here: Machine, remote: str, looked: list[Digest]) -> Path:
    """The folder of a remote of which everything is known: small files, and a large one in the same directory."""
    here.track("data", {"a": b"a", "b": b"b", "deep/c": b"c", "large": os.urandom(300_000)})
    here.commit("data")
    for _ in range(2):
        push(here.project)
        here.close()
    looked.clear()
    return Path(remote)


def largest(remote: Path, below: str) -> Path:
    return max((path for path in remote.glob(below) if path.is_file()), key=lambda path: path.stat().st_size)


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_a_push_with_nothing_to_do_looks_into_nothing(here: Machine, known: Path, looked: list[Digest]) -> None:
    before = {path: path.stat().st_mtime_ns for path in known.rglob("*") if path.is_file()}
    report = push(here.project).report
    assert (report.refs, report.artifacts, report.failed) == ((), 0, {})
    assert looked == []
    assert {path: path.stat().st_mtime_ns for path in known.rglob("*") if path.is_file()} == before


@pytest.mark.law(3)
@pytest.mark.parametrize("where", ["packs/*", "index/*", "objects/*/*/*"])
@pytest.mark.parametrize("how", [delete, truncate, flip])
def test_what_is_not_there_any_more_is_found_and_sent_again(
    here: Machine, known: Path, git: Git, tmp_path: Path, where: str, how: Callable[[Path], None]
) -> None:
    key = largest(known, where)
    whole = key.stat().st_size
    how(key)
    push(here.project)
    here.close()
    assert clone(str(known), str(tmp_path / "clone"), world()).report.failed == {}
    assert (tmp_path / "clone/data/large").stat().st_size == 300_000
    assert where == "index/*" or key.stat().st_size == whole


def test_what_a_collection_names_is_not_taken_for_there(here: Machine, known: Path) -> None:
    store = LocalStore(str(known))
    named = {info.key for info in store.list("packs/")}
    collecting.begin(store, Doomed(frozenset(named), 1, 0, "0" * 16), "xxh128")
    assert push(here.project).report.artifacts > 0


@pytest.mark.parametrize("place", [0, 20, -1])
def test_where_what_is_remembered_is_damaged_everything_is_looked_at(
    here: Machine, known: Path, looked: list[Digest], place: int
) -> None:
    [path] = here.folder.glob(".assay/tmp/remotes/*/whole")
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    report = push(here.project).report
    assert (report.artifacts, report.failed) == (0, {})
    assert looked
