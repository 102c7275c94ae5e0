"""What people and workers do with a queue, in any order, against a simple model: states, attempts, experiments."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import assay
from assay.engine.errors import AssayError
from assay.engine.locks import this_process, to_bytes
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import Job
from assay.engine.workers.carry import carry
from assay.engine.workers.control import kill, remove, retry
from assay.engine.workers.lost import ATTEMPTS, take_back
from tests.conftest import IDENTITY, in_this_process

PIPELINE = "stages:\n  s:\n    cmd: sh -c 'exit $(cat status)'\n    deps:\n    - status\n    params:\n    - n\n"


class _Known:
    """A job as the model has it."""

    def __init__(self, state: str, status: int) -> None:
        self.state = state
        self.status = status
        self.ends: list[str] = []


class Verbs(RuleBasedStateMachine):
    """A queue whose jobs end well or badly, lose their workers, are killed, done again, and taken away."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.environment = patch.dict(os.environ, {**IDENTITY, "HOME": self.folder.name})
        self.environment.start()
        root = Path(self.folder.name, "project")
        root.mkdir()
        from assay.cli.main import main

        command = in_this_process(main, root)
        command("init")
        for name, text in {"dvc.yaml": PIPELINE, "params.yaml": "n: 0\n", "status": "0\n"}.items():
            (root / name).write_text(text)
        command("baseline", "-m", "first")
        self.root, self.lab = root, assay.open(root)
        self.board = board_of(self.lab.project)
        self.model: dict[str, _Known] = {}
        self.made: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.lab.close()
            self.environment.stop()
            self.folder.cleanup()

    def names(self, *states: str) -> list[str]:
        return [name for name, known in self.model.items() if known.state in states]

    @rule(size=st.integers(1, 3), status=st.sampled_from([0, 0, 3]))
    def queue(self, size: int, status: int) -> None:
        (self.root / "status").write_text(f"{status}\n")
        self.count += 1
        numbers = [10 * self.count + at for at in range(size)]
        for name in self.lab.queue(grid={"n": numbers}, name=f"q{self.count}"):
            self.model[name] = _Known("queued", status)

    @precondition(lambda self: self.names("queued"))
    @rule()
    def work(self) -> None:
        claim = self.board.claim("queued", self.board.places("queued")[0])
        assert claim is not None
        known = self.model[claim.job.name]
        try:
            carry(self.lab.project, claim, "a test")
        except AssayError:
            assert known.status
        claim.release()
        known.state, end = ("failed", "failed") if known.status else ("success", "success")
        known.ends.append(end)
        if not known.status:
            self.made.add(claim.job.name)

    @precondition(lambda self: self.names("queued"))
    @rule(is_to_end=st.booleans())
    def die(self, is_to_end: bool) -> None:
        """A worker takes a job and dies, perhaps after somebody wished that the job ends; another one looks."""
        place = self.board.places("queued")[0]
        claim = self.board.claim("queued", place)
        assert claim is not None
        claim.move(claim.job.begun("a test", 1), "running")
        if is_to_end:
            kill(self.lab.project, [claim.job.name])
        owner = this_process("dead")._replace(pid=2**22 + 1, start=1)
        Path(self.board.folder, "leases", place).write_bytes(to_bytes(owner))
        known = self.model[claim.job.name]
        known.ends.append("killed" if is_to_end else "lost")
        known.state = "failed" if is_to_end or known.ends.count("lost") >= ATTEMPTS else "queued"
        assert take_back(self.lab.project) == 1

    @precondition(lambda self: self.names("failed"))
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.names("failed")))
        assert [job.name for job in retry(self.lab.project, [name])] == [name]
        self.model[name].state = "queued"

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        assert [job.name for job in remove(self.lab.project, [name])] == [name]
        del self.model[name]

    @invariant()
    def the_board_is_the_model(self) -> None:
        if hasattr(self, "board"):
            jobs: dict[str, tuple[str, Job]] = {job.name: (state, job) for state, _, job in self.board.jobs()}
            found = {name: (state, [one.end for one in job.attempts]) for name, (state, job) in jobs.items()}
            assert found == {name: (known.state, known.ends) for name, known in self.model.items()}
            assert {row.name for row in self.lab.show(hidden=["queued", "running", "failed"])} == self.made
            pinned = {name.split("/")[3] for name, _ in self.lab.project.repo.refs.iterate("refs/assay/queue/")}
            assert pinned == {job.number for state, job in jobs.values() if state != "success"}
            kept = {name.split("/")[3] for name, _ in self.lab.project.repo.refs.iterate("refs/assay/kept/")}
            assert kept <= {job.number for state, job in jobs.values() if state != "success"}
            leases = f"{self.board.folder}/leases"
            assert not os.path.isdir(leases) or os.listdir(leases) == []


TestVerbs = Verbs.TestCase
TestVerbs.settings = settings(
    max_examples=int(os.environ.get("PYTEST_QUEUE_EXAMPLES", "3")), stateful_step_count=10, deadline=None
)
