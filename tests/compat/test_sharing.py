"""A project goes through a folder and through a real S3 server, and real Git finds the same on the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine.store.manifest import digests_of
from assay.remotes.clone import clone
from assay.remotes.pull import pull
from assay.remotes.push import push
from assay.remotes.workspace import tracked_here
from tests.sharing import Machine, world

Place = tuple[str, dict[str, str]]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A URL and the settings that reach it."""
    if request.param == "folder":
        return str(tmp_path / "remote"), {}
    found: Place = request.getfixturevalue("s3")
    return found


@pytest.fixture
def here(git: Callable[..., str], tmp_path: Path, place: Place) -> Iterator[Machine]:
    machine = Machine.new(git, tmp_path / "here")
    machine.add_remote(place[0], settings=place[1])
    machine.track("many", {f"{number % 7}/{number}.txt": f"file {number}".encode() for number in range(300)})
    machine.commit("many files")
    for name in ("one", "two", "three"):
        machine.experiment(name)
    yield machine
    machine.close()


def test_a_clone_is_the_same_to_git_and_to_every_digest(here: Machine, place: Place, tmp_path: Path) -> None:
    url, settings = place
    assert push(here.project).report.failed == {}
    report = clone(url, str(tmp_path / "clone"), world(), settings=settings).report
    assert report.failed == {}
    cloned = Machine(here.git, tmp_path / "clone")
    cloned.fsck()
    assert cloned.refs("refs/exps/") == here.refs("refs/exps/")
    assert cloned.refs("refs/heads/") == here.refs("refs/heads/")
    everything = ("rev-list", "--all", "--objects", "--no-object-names")
    assert sorted(cloned.git(*everything, cwd=cloned.folder).split()) == sorted(
        here.git(*everything, cwd=here.folder).split()
    )
    assert cloned.git("status", "--porcelain=v2", cwd=cloned.folder) == ""
    for artifact in tracked_here(cloned.project).outs.values():
        for digest in digests_of(cloned.project.cache, artifact):
            cloned.project.cache.read(digest)
    for number in range(300):
        path = f"many/{number % 7}/{number}.txt"
        assert (cloned.folder / path).read_text() == f"file {number}"
    cloned.close()


def test_work_goes_to_and_fro(here: Machine, place: Place, tmp_path: Path) -> None:
    url, settings = place
    push(here.project)
    clone(url, str(tmp_path / "clone"), world(), settings=settings)
    cloned = Machine(here.git, tmp_path / "clone")
    name = cloned.experiment("theirs", {"a.txt": b"theirs" * 100_000, "b.txt": b"small"})
    assert push(cloned.project).report.refs == (name,)
    assert pull(here.project).report.refs == (name,)
    here.fsck()
    cloned.commit("on the branch")
    assert push(cloned.project).report.refs == ("refs/heads/main",)
    assert pull(here.project).report.failed == {}
    assert here.refs("refs/remotes/")["refs/remotes/origin/main"] == cloned.head.hex()
    here.git("merge", "-q", "--ff-only", "refs/remotes/origin/main", cwd=here.folder)
    here.fsck()
    cloned.close()
