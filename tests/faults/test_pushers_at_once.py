"""Many processes publish experiments to one remote at the same moment; everything of everybody is there.

``PYTEST_PUSHERS=8x50`` has eight of them with fifty experiments each.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from assay.engine.experiments.needs import Needs
from assay.remotes.clone import clone
from tests.conftest import IDENTITY
from tests.sharing import Git, Machine, world

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, EXPERIMENTS = map(int, os.environ.get("PYTEST_PUSHERS", "3x4").split("x"))


@pytest.fixture(params=["folder", "s3", "rclone_s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Mapping[str, str]]:
    """A URL and the settings that reach it: a folder, a real S3 server, one that ignores conditions."""
    if request.param == "folder":
        return str(tmp_path / "remote"), {}
    url, settings = request.getfixturevalue(request.param)
    return url, settings


@pytest.fixture
def machines(git: Git, tmp_path: Path, place: tuple[str, Mapping[str, str]]) -> Iterator[list[Machine]]:
    """Projects with one history, each with experiments of its own that have data of their own."""
    first = Machine.new(git, tmp_path / "m0")
    made = [first]
    for number in range(1, PROCESSES):
        git("clone", "-q", "--no-local", str(first.folder), str(tmp_path / f"m{number}"))
        made.append(Machine(git, tmp_path / f"m{number}"))
    for number, machine in enumerate(made):
        if number:
            machine.store((first.folder / "model").read_bytes())
            machine.store({"a.txt": b"a", "deep/b.txt": b"b"})
        for one in range(EXPERIMENTS):
            machine.experiment(f"p{number}-{one}", {"own": f"{number} {one}".encode(), "deep/b.txt": b"b"})
        machine.add_remote(place[0], settings=place[1])
        machine.close()
    yield made
    for machine in made:
        machine.close()


@pytest.mark.timeout(0 if PROCESSES * EXPERIMENTS > 50 else 300)
def test_all_that_processes_publish_at_once_is_there(
    machines: list[Machine], place: tuple[str, Mapping[str, str]], tmp_path: Path
) -> None:
    environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT)}
    pushers = []
    for machine in machines:
        names = [name.rpartition("/")[2] for name in machine.refs("refs/exps/")]
        words = [sys.executable, "-m", "tests.pusher", str(machine.folder), *names]
        pushers.append(
            subprocess.Popen(
                words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )
        )  # fmt: skip
    for pusher in pushers:
        assert pusher.stdout is not None
        assert pusher.stdout.readline() == "ready\n"
    for pusher in pushers:
        assert pusher.stdin is not None
        pusher.stdin.write("go\n")
        pusher.stdin.flush()
    said = [pusher.communicate()[0] for pusher in pushers]
    assert [pusher.returncode for pusher in pushers] == [0] * PROCESSES, "\n".join(said)[-3000:]

    done = clone(place[0], str(tmp_path / "clone"), world(), settings=place[1])
    assert done.report.failed == {}
    everything = {name: oid for machine in machines for name, oid in machine.refs("refs/exps/").items()}
    assert len(everything) == PROCESSES * EXPERIMENTS
    cloned = Machine(machines[0].git, tmp_path / "clone")
    assert cloned.refs("refs/exps/") == everything
    cloned.fsck()
    needs = Needs(cloned.project)
    digests = {digest for oid in everything.values() for digest in needs.of_commit(bytes.fromhex(oid))}  # type: ignore[arg-type]
    assert cloned.project.cache.missing(digests) == set()
    cloned.close()
