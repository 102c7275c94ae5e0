"""Machines that share through one remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sharing import Git, Machine


@pytest.fixture
def remote(tmp_path: Path) -> str:
    """A folder that does not exist yet."""
    return str(tmp_path / "remote")


@pytest.fixture
def here(git: Git, tmp_path: Path, remote: str) -> Iterator[Machine]:
    """A project with a remote, one commit and one experiment."""
    machine = Machine.new(git, tmp_path / "here")
    machine.add_remote(remote)
    machine.experiment("bold-finch")
    yield machine
    machine.close()


@pytest.fixture
def copy(git: Git, tmp_path: Path, here: Machine, remote: str) -> Iterator[Callable[[str], Machine]]:
    """Another machine with the same history as Git gives it: no experiments, an empty cache."""
    made: list[Machine] = []

    def make(name: str = "there") -> Machine:
        git("clone", "-q", "--no-local", str(here.folder), str(tmp_path / name))
        machine = Machine(git, tmp_path / name)
        machine.add_remote(remote)
        made.append(machine)
        return machine

    yield make
    for machine in made:
        machine.close()
