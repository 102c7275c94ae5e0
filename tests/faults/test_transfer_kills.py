"""Transfers that are killed at drawn moments, told by the bytes that have passed: the same command completes them.

``PYTEST_KILLS=100`` kills so often, half of them pushes; four times otherwise.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from assay.engine.store.verify import fsck
from assay.remotes.clone import clone
from assay.remotes.registry import find, open_store
from assay.remotes.repair.fsck import fsck_remote
from tests.conftest import IDENTITY
from tests.faults.kills import kill_group
from tests.faults.proxy import Proxy, between
from tests.s3server import S3Server
from tests.sharing import Git, Machine, world

KILLS = int(os.environ.get("PYTEST_KILLS", "4")) // 2
OVERHEAD = 60_000
"""Bytes: indexes, refs, lists and the small pack of what nobody could know to have arrived."""
ROOT = Path(__file__).resolve().parents[2]


class Cut(NamedTuple):
    """A command that was stopped: whether it lived until then, and how many bytes had passed of how many."""

    was_alive: bool
    passed: int
    of: int

    @property
    def is_between(self) -> bool:
        return self.was_alive and 0 < self.passed < self.of


class Moved:
    """A project with a few experiments, the bucket, and the way between them."""

    def __init__(self, git: Git, folder: Path, place: tuple[str, dict[str, str]], way: Proxy) -> None:
        self.git, self.folder, self.way = git, folder, way
        self.url, self.settings = place
        self.machine = Machine.new(git, folder / "here")
        self.machine.track("large", {f"{number}.bin": os.urandom(300_000) for number in range(6)})
        self.machine.commit("large files")
        for number in range(3):
            self.machine.experiment(f"exp-{number}", {f"{one}.txt": os.urandom(2_000) for one in range(10)})
        self.refs = self.machine.refs("refs/exps/")
        self.machine.close()
        self.empty = folder / "empty"
        git("clone", "-q", "--no-local", str(self.machine.folder), str(self.empty))

    def copy(self, of: Path, name: str, prefix: str) -> Machine:
        """A machine of its own whose remote is a folder of the bucket, reached through the proxy."""
        shutil.copytree(of, self.folder / name, symlinks=True)
        machine = Machine(self.git, self.folder / name)
        machine.add_remote(f"{self.url}/{prefix}", settings={**self.settings, "endpointurl": self.way.endpoint})
        machine.close()
        return machine

    def start(self, machine: Machine, *words: str) -> subprocess.Popen[bytes]:
        self.way.forget()
        environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, "-m", "assay", *words], cwd=machine.folder, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, machine: Machine, *words: str) -> None:
        process = self.start(machine, *words)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()

    def stop(self, machine: Machine, after: int, of: int, with_signal: int, *words: str) -> Cut:
        """Starts a command and stops it when so many bytes have passed."""
        process = self.start(machine, *words)

        def act() -> None:
            if with_signal == signal.SIGKILL:
                kill_group(process.pid)
            else:
                os.killpg(process.pid, with_signal)

        self.way.after(after, act)
        _, said = process.communicate(timeout=120)
        assert b"Traceback" not in said, said.decode()
        assert process.returncode in (0, -signal.SIGKILL, 252), said.decode()
        return Cut(process.returncode != 0, min(after, self.way.total), of)


@pytest.fixture
def way(s3_server: S3Server) -> Iterator[Proxy]:
    with between(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture
def moved(git: Git, tmp_path: Path, s3: tuple[str, dict[str, str]], way: Proxy) -> Moved:
    return Moved(git, tmp_path, s3, way)


def moments(whole: int, seed: int) -> Iterator[tuple[int, int, int]]:
    """A number, bytes drawn from each part of a whole transfer, and a signal: every fourth time that of Ctrl-C."""
    chance = random.Random(seed)
    for number in range(KILLS):
        yield (
            number,
            int(whole * 0.98 * (number + chance.random()) / KILLS),
            signal.SIGINT if number % 4 == 1 else signal.SIGKILL,
        )


def told(what: str, cuts: list[Cut], again: list[float]) -> None:
    """At least four fifths of the kills came between the first byte and the last."""
    inside = sum(cut.is_between for cut in cuts)
    text = f"{what}: {inside} of {len(cuts)} between first and last byte; {max(again):.0f} bytes again at most\n"
    sys.stderr.write(text)
    assert inside * 5 >= len(cuts) * 4


@pytest.mark.law(1)
@pytest.mark.timeout(3000)
def test_a_killed_push_leaves_nothing_half_there_and_goes_on_where_it_was(moved: Moved) -> None:
    whole = moved.copy(moved.machine.folder, "whole", "whole")
    moved.run(whole, "push", "-A")
    total, sent = moved.way.total, moved.way.sent
    cuts, again = [], []
    for number, after, with_signal in moments(total, seed=1):
        pusher = moved.copy(moved.machine.folder, f"push{number}", f"{number}")
        cuts.append(moved.stop(pusher, after, total, with_signal, "push", "-A"))
        store = open_store(find(pusher.project)._replace(settings=moved.settings))
        there = {info.key: info.size for info in store.list("")}
        store.close()
        data = [key for key in there if key.startswith(("objects/", "packs/")) or key.endswith(".pack")]
        arrived = sum(there[key] for key in data)
        if any(key.startswith("git/refs/") for key in there):  # what has a name is complete
            assert fsck_remote(pusher.project, fast=True).bad == ()
        pusher.close()
        moved.run(pusher, "push", "-A")
        again.append(moved.way.sent - (sent - arrived))
        assert again[-1] < OVERHEAD
        assert fsck_remote(pusher.project).bad == ()
        pusher.fsck()
        folder = moved.folder / f"seen{number}"
        assert clone(f"{moved.url}/{number}", str(folder), world(), settings=moved.settings).report.failed == {}
        seen = Machine(moved.git, folder)
        assert seen.refs("refs/exps/") == moved.refs
        seen.fsck()
        for machine in (seen, pusher):
            machine.close()
            shutil.rmtree(machine.folder)
    told("push", cuts, again)


@pytest.mark.law(1)
@pytest.mark.timeout(3000)
def test_a_killed_pull_leaves_a_whole_project_and_goes_on_where_it_was(moved: Moved) -> None:
    pusher = moved.copy(moved.machine.folder, "pusher", "all")
    moved.run(pusher, "push", "-A")
    whole = moved.copy(moved.empty, "whole", "all")
    moved.run(whole, "pull", "-A")
    total, received = moved.way.total, moved.way.received
    cuts, again = [], []
    for number, after, with_signal in moments(total, seed=2):
        machine = moved.copy(moved.empty, f"pull{number}", "all")
        cuts.append(moved.stop(machine, after, total, with_signal, "pull", "-A"))
        assert machine.refs("refs/exps/").items() <= moved.refs.items()
        machine.fsck()
        assert fsck(machine.project.cache) == []
        cache = Path(machine.project.cache.folder)
        lasting = (path for path in cache.rglob("*") if path.is_file() and path.relative_to(cache).parts[0] != "tmp")
        arrived = sum(path.stat().st_size for path in lasting)
        machine.close()
        moved.run(machine, "pull", "-A")
        again.append(moved.way.received - (received - arrived))
        assert again[-1] < OVERHEAD
        assert machine.refs("refs/exps/") == moved.refs
        machine.fsck()
        assert fsck(machine.project.cache) == []
        for name in ("large/5.bin", "model"):
            assert (machine.folder / name).read_bytes() == (moved.machine.folder / name).read_bytes()
        machine.close()
        shutil.rmtree(machine.folder)
    told("pull", cuts, again)
