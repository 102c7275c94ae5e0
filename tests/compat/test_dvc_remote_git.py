"""Experiments through a Git repository: real DVC and assay push and pull each other's; real Git judges both."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dvcprocess import DvcProcess
from tests.dvcremotes import Git, Place

_RENAME = ("exp", "rename", "-g", "origin")


@pytest.fixture
def place(dvc_process: DvcProcess, assay_dvc: Callable[..., Any], git: Git, tmp_path: Path) -> Iterator[Place]:
    made = Place(dvc_process, assay_dvc, git, tmp_path)
    yield made
    git("fsck", "--strict", "--no-dangling", cwd=made.bare)
    branches = git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/", cwd=made.bare)
    assert branches == f"refs/heads/main {made.head}", "no branch moved, none came"


def test_what_assay_pushed_dvc_lists_and_pulls(place: Place) -> None:
    ref = place.experiment("e1")
    said = place.ours("exp", "push", "origin", "e1")
    assert said.out == "Pushed experiment e1 to Git remote 'origin'.\n1 file uploaded\n"
    assert place.refs(place.bare) == place.refs(place.one)
    assert "e1" in place.theirs("exp", "list", "origin").out
    assert "up to date" in place.theirs("exp", "push", "origin", "e1").out
    there = place.clone()
    place.theirs("exp", "pull", "origin", "e1", folder=there)
    assert place.refs(there) == place.refs(place.one)
    place.theirs("exp", "apply", "-q", "e1", folder=there)
    assert (there / "out").read_text() == (place.one / "out").read_text()
    assert ref in place.refs(there)


def test_what_dvc_pushed_assay_lists_and_pulls(place: Place) -> None:
    place.experiment("e1")
    place.experiment("e2")
    place.theirs("exp", "push", "origin", "e1", "e2")
    there = place.clone()
    assert place.ours("exp", "list", "origin", folder=there).out == "main:\n\te1\n\te2\n"
    assert place.ours("exp", "list", "--name-only", "origin", folder=there).out == "e1\ne2\n"
    said = place.ours("exp", "pull", "origin", folder=there)
    assert said.out == "Pulled experiment '['e1', 'e2']' from Git remote 'origin'.\n"
    assert place.refs(there) == place.refs(place.one)
    place.git("fsck", "--strict", "--no-dangling", cwd=there)
    place.theirs("exp", "apply", "-q", "e2", folder=there)
    assert (there / "out").read_text() == (place.one / "out").read_text()
    assert place.ours("exp", "pull", "origin", folder=there).out == "No experiments to pull.\n"


def test_an_experiment_that_is_another_one_there_stays_unless_forced(place: Place) -> None:
    place.experiment("e1")
    place.ours("exp", "push", "origin")
    before = place.refs(place.bare)
    there = place.clone()
    place.theirs("pull", "-q", folder=there, code=1)  # the data of the first commit was never pushed
    place.theirs("exp", "run", "-q", "-n", "e1", "-S", "x=7", folder=there)
    said = place.ours("exp", "push", "origin", "e1", folder=there, code=1)
    assert "e1 has diverged" in said.err
    assert said.out == "No experiments to push.\n"
    assert place.refs(place.bare) == before
    said = place.ours("exp", "pull", "origin", "e1", folder=there, code=1)
    assert "WARNING: Local experiment '['e1']' has diverged" in said.err
    place.ours("exp", "push", "-f", "origin", "e1", folder=there)
    assert place.refs(place.bare) == place.refs(there) != before
    place.ours("exp", "pull", "-f", "origin", "e1")
    assert place.refs(place.one) == place.refs(there)


def test_experiments_are_removed_there_and_stay_here(place: Place) -> None:
    place.experiment("e1")
    place.experiment("e2")
    place.ours("exp", "push", "origin")
    assert place.ours("exp", "remove", "-g", "origin", "e1").out == "Removed experiments: 'e1'\n"
    assert list(place.refs(place.bare)) == [place.ref("e2")]
    assert len(place.refs(place.one)) == 2
    assert "nope" in place.ours("exp", "remove", "-g", "origin", "nope", code=255).err
    assert place.theirs("exp", "list", "origin", "--name-only").out == "e2\n"


def test_an_experiment_is_renamed_there_and_stays_here(place: Place) -> None:
    for name in ("e1", "e2"):
        place.experiment(name)
    place.ours("exp", "push", "origin")
    here, there = place.refs(place.one), place.refs(place.bare)
    place.theirs("exp", "remove", "e1")
    del here[place.ref("e1")]
    place.git("reflog", "expire", "--expire=now", "--all", cwd=place.one)
    place.git("gc", "-q", "--prune=now", cwd=place.one)
    assert place.ours("exp", "rename", "-g", "origin", "e1", "new").out == "Renamed experiments: 'e1'\n"
    assert place.refs(place.bare) == {place.ref("new"): there[place.ref("e1")], place.ref("e2"): there[place.ref("e2")]}
    assert "conflicts with existing experiment 'e2'" in place.ours(*_RENAME, "new", "e2", code=255).err
    assert place.ours(*_RENAME, "-f", "new", "e2").out == "Renamed experiments: 'new'\n"
    assert place.refs(place.bare) == {place.ref("e2"): there[place.ref("e1")]}
    for words, said in ((("nope", "x"), "'nope' is not a valid experiment name"), (("e2", "a/b"), "it has a '/'")):
        assert said in place.ours(*_RENAME, *words, code=255).err
    assert place.refs(place.one) == here
    assert place.theirs("exp", "list", "origin", "--name-only").out == "e2\n"


@pytest.mark.law
def test_an_experiment_whose_data_is_nowhere_is_not_published_unless_alone(place: Place) -> None:
    place.experiment("e1")
    shutil.rmtree(place.one / ".dvc/cache/files")
    said = place.ours("exp", "push", "origin", "e1", code=255)
    assert "ERROR: e1: It is not published, because of what out needs" in said.err
    assert place.refs(place.bare) == {}
    assert "Pushed experiment e1" in place.ours("exp", "push", "--no-cache", "origin", "e1").out
    assert place.refs(place.bare) == place.refs(place.one)


def test_packed_refs_alternates_and_a_work_tree_on_the_other_side(place: Place, tmp_path: Path) -> None:
    place.experiment("e1")
    place.ours("exp", "push", "origin")
    place.git("pack-refs", "--all", cwd=place.bare)
    other = tmp_path / "other"
    place.git("clone", "-q", "--shared", "-b", "main", str(place.bare), str(other))
    ref = place.experiment("e2")
    before = sum(1 for _ in (other / ".git/objects").rglob("*"))
    place.ours("exp", "push", str(other), "e1")
    assert sum(1 for _ in (other / ".git/objects").rglob("*")) == before, "the alternate has all of it"
    place.ours("exp", "push", f"file://{other}", "e2")
    assert ref in place.refs(other)
    place.git("fsck", "--strict", "--no-dangling", cwd=other)
    assert place.git("status", "--porcelain", cwd=other) == ""
    place.ours("exp", "remove", "-g", "origin", "e1")
    place.ours("exp", "push", "origin", "e1", "e2")
    assert place.refs(place.bare) == place.refs(place.one)


def test_tags_and_notes_travel_with_experiments_beside_their_data(place: Place, assay: Any) -> None:
    place.experiment("e1")
    assay("tag", "e1", "best", cwd=place.one)
    assay("note", "e1", "-m", "looks fine", cwd=place.one)
    place.ours("exp", "push", "origin", "e1")
    there = place.clone()
    place.ours("exp", "pull", "origin", "e1", folder=there)
    assert "best" in assay("list", cwd=there).out
    assert "looks fine" in assay("show", "--json", cwd=there).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exp", "push", "nosuch"], "'nosuch' is not a valid Git remote or URL."),
        (["exp", "pull", "nosuch"], "'nosuch' is not a valid Git remote or URL."),
        (["exp", "list", "nosuch"], "'nosuch' is not a valid Git remote or URL."),
        (["exp", "push", "origin", "nope"], "'nope' is not a valid experiment name"),
        (["exp", "pull", "origin", "nope"], "'nope' is not a valid experiment name"),
        (["exp", "push", "http://127.0.0.1:1/x.git"], "cannot be reached"),
        (["exp", "push", "ssh://127.0.0.1:1/x.git"], "Connection refused"),
    ],
)
def test_what_cannot_be_is_one_sentence(place: Place, words: list[str], said: str) -> None:
    refused = place.ours(*words, code=255)
    assert said in refused.err
    assert refused.out == ""
