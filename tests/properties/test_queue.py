"""The board of the queue against a simple model, and the files of jobs: whatever happens, a job is in one state."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from assay.engine.errors import BadInput
from assay.engine.locks import this_process, to_bytes
from assay.engine.model import Oid
from assay.engine.queue.board import STATES, Board, Claim
from assay.engine.queue.jobs import Attempt, Job, State, decode, encode

oids = st.binary(min_size=20, max_size=20).map(Oid)
texts = st.text(max_size=8)
times = st.integers(0, 2**40)
attempts = st.builds(
    Attempt, texts, times, times, st.sampled_from(["", "success", "failed", "killed", "stopped", "lost"])
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
jobs = st.builds(
    Job,
    st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    texts,
    oids,
    oids,
    times,
    st.dictionaries(texts, plain, max_size=3),
    st.lists(texts, max_size=3).map(tuple),
    st.lists(attempts, max_size=3).map(tuple),
    st.none() | oids,
    st.none() | oids,
    texts,
    st.none() | st.integers(-64, 255),
    texts,
)


@given(jobs)
def test_a_job_is_read_back_as_it_was_written(job: Job) -> None:
    assert decode("a job", encode(job)) == job
    assert encode(job).count(b"\n") == 1


@settings(max_examples=300)
@given(jobs, st.data())
def test_a_file_that_is_no_job_is_said_to_be_none(job: Job, data: st.DataObject) -> None:
    members = json.loads(encode(job))
    name = data.draw(st.sampled_from(sorted(members)))
    if data.draw(st.booleans()):
        members[name] = data.draw(plain)
    else:
        del members[name]
    with contextlib.suppress(BadInput):
        decode("a job", json.dumps(members).encode())


@given(st.binary(max_size=40))
def test_any_bytes_are_a_job_or_bad_input(data: bytes) -> None:
    with contextlib.suppress(BadInput):
        decode("a job", data)


class Queue(RuleBasedStateMachine):
    """Jobs are queued, claimed, ended, given back and lost, in any order."""

    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.board = Board(f"{self.folder.name}/queue", "a test")
        self.model: dict[str, State] = {}
        self.order: list[str] = []
        self.claimed: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def found(self) -> dict[str, tuple[State, str]]:
        """Where each job is, by its number."""
        return {job.number: (state, place) for state, place, job in self.board.jobs()}

    @rule(size=st.integers(1, 4))
    def publish(self, size: int) -> None:
        numbers = [f"{self.count + at:016x}" for at in range(size)]
        self.count += size
        blank = Oid(bytes(20))
        self.board.publish([Job(one, one, blank, blank, 0) for one in numbers], 1000 + self.count, f"{self.count:016x}")
        self.model.update(dict.fromkeys(numbers, "queued"))
        self.order += numbers

    @rule(target=claims, at=st.integers(0, 5), state=st.sampled_from(STATES))
    def claim(self, at: int, state: State) -> Any:
        places = self.board.places(state)
        if at >= len(places):
            return None
        number = places[at].rpartition(".")[2]
        claim = self.board.claim(state, places[at])
        assert (claim is None) == (number in self.claimed)
        if claim is not None:
            self.claimed.add(number)
        return claim

    @rule(claim=consumes(claims), state=st.sampled_from(STATES))
    def move(self, claim: Claim | None, state: State) -> None:
        if claim is None:
            return
        assert claim.holds
        if state != claim.state:
            claim.move(claim.job._replace(problem=state), state)
        claim.release()
        self.model[claim.job.number] = state
        self.claimed.discard(claim.job.number)

    @rule(claim=consumes(claims))
    def take_away(self, claim: Claim | None) -> None:
        if claim is None:
            return
        claim.remove()
        claim.release()
        del self.model[claim.job.number]
        self.order.remove(claim.job.number)
        self.claimed.discard(claim.job.number)

    @rule(claim=consumes(claims))
    def die(self, claim: Claim | None) -> None:
        """The holder of a claim is gone without a word."""
        if claim is None:
            return
        number = claim.job.number
        (place,) = [name for name in os.listdir(f"{self.board.folder}/leases") if name.endswith(number)]
        owner = this_process("dead")._replace(pid=2**22 + 1, start=1)
        Path(self.board.folder, "leases", place).write_bytes(to_bytes(owner))
        self.claimed.discard(number)

    @rule()
    def tidy(self) -> None:
        self.board.tidy()

    @invariant()
    def every_job_is_in_one_state(self) -> None:
        if hasattr(self, "board"):
            assert {number: state for number, (state, _) in self.found().items()} == self.model

    @invariant()
    def what_waits_is_in_order(self) -> None:
        if hasattr(self, "board"):
            waiting = [place.rpartition(".")[2] for place in self.board.places("queued")]
            assert waiting == [number for number in self.order if self.model[number] == "queued"]


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
