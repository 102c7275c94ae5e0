"""Whoever says what, in whatever order it is pushed, pulled and joined: in the end all say the same, and all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.model import Oid
from assay.engine.notes import ledger
from assay.engine.notes.remarks import NOTHING, Edit, Remarks, edited, merge
from assay.engine.ports import KeyInfo, RemoteStore, Report
from assay.engine.project import Project
from assay.remotes.bucket import notes as bucket_notes
from assay.remotes.bucket.notes import BucketNotes
from assay.remotes.copies import Copies
from assay.remotes.remarks import send, take
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore
from tests.sharing import Git, Machine

NOBODY = "/dev/null/nowhere"
edits = st.one_of(
    st.dictionaries(st.sampled_from(["best", "v2"]), st.booleans(), min_size=1).map(Edit),
    st.sampled_from([None, "one", "two"]).map(lambda text: Edit({}, True, text)),
)
turns = st.lists(
    st.tuples(st.integers(0, 2), st.one_of(st.sampled_from(["push", "pull"]), st.tuples(st.integers(0, 1), edits))),
    max_size=25,
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Already three files are many."""
    monkeypatch.setattr(bucket_notes, "_MANY", 2)


@pytest.fixture
def three(git: Git, tmp_path: Path, few: None) -> Iterator[list[Machine]]:
    """Three machines that have the experiments one and two."""
    first = Machine.new(git, tmp_path / "0")
    for name in ("one", "two"):
        first.experiment(name)
    git("clone", "-q", "--mirror", str(first.folder), str(tmp_path / "mirror"))
    machines = [first]
    for number in "12":
        git("clone", "-q", str(first.folder), str(tmp_path / number))
        git("fetch", "-q", str(tmp_path / "mirror"), "refs/exps/*:refs/exps/*", cwd=tmp_path / number)
        machines.append(Machine(git, tmp_path / number))
    yield machines
    for machine in machines:
        machine.close()


def forget(project: Project) -> None:
    tip = project.repo.refs.read(ledger.REF)
    if tip is not None:
        with project.repo.refs.transaction() as refs:
            refs.delete(ledger.REF, tip)


@settings(max_examples=15)
@given(turns)
def test_three_machines_agree_in_the_end(three: list[Machine], plan: list[tuple[int, object]]) -> None:
    projects = [machine.project for machine in three]
    refs = dict(projects[0].repo.refs.iterate("refs/exps/"))
    commits = sorted(refs.values())
    done = Report((), tuple(refs), 0, 0, 0, {})
    store = MemoryStore()
    notes = [BucketNotes(store, Copies(f"{project.tmp}/{id(store)}"), "xxh128", 2) for project in projects]
    for project in projects:
        forget(project)
    every: dict[Oid, Remarks] = {}

    def go(who: int, step: object) -> None:
        if step == "push":
            assert send(projects[who], notes[who], refs, done).failed == {}
        elif step == "pull":
            assert take(projects[who], notes[who], "pull", done).failed == {}
        else:
            at, edit = step  # type: ignore[misc]
            ledger.change(projects[who], {commits[at]: edit}, "edit")
            for commit, remarks in ledger.readable(projects[who], commits).items():
                every[commit] = merge(every.get(commit, NOTHING), remarks)

    for who, step in [*plan, *((who, "push") for who in range(3)), *((who, "pull") for who in range(3))]:
        go(who, step)
    for project in projects:
        assert ledger.readable(project, commits) == every
    assert notes[0].read() == every
    assert notes[0].damaged == {}
    assert all(send(project, notes[0], refs, done).remarks == () for project in projects), "nothing is left to say"


class Interrupted(Around):
    """Before its chosen steps, others come and do all that they have to do."""

    def __init__(self, store: RemoteStore, others: dict[int, Remarks]) -> None:
        super().__init__(store)
        self._others = others
        self.step = 0

    def _others_first(self) -> None:
        self.step += 1
        if self.step in self._others:
            BucketNotes(self.store, Copies(NOBODY), "xxh128", 1).write({COMMIT: self._others[self.step]})

    def get(self, key: str) -> bytes:
        self._others_first()
        return super().get(key)

    def put(self, key: str, data: bytes) -> str:
        self._others_first()
        return super().put(key, data)

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        self._others_first()
        return super().list(prefix)

    def delete(self, keys: Iterator[str]) -> None:
        self._others_first()
        super().delete(keys)

    def create(self, key: str, data: bytes) -> bool:
        self._others_first()
        return super().create(key, data)


COMMIT = Oid(b"\xaa" * 20)


def remark(text: str) -> Remarks:
    return edited(NOTHING, Edit({text: True}), 1, "Ann")


@settings(max_examples=120)
@given(st.integers(0, 5), st.sets(st.integers(1, 12), max_size=6))
def test_writers_that_meet_lose_nothing(few: None, before: int, steps: set[int]) -> None:
    store = MemoryStore()
    plain = BucketNotes(store, Copies(NOBODY), "xxh128", 1)
    for number in range(before):
        plain.write({COMMIT: remark(f"before-{number}")})
    busy = Interrupted(store, {step: remark(f"other-{step}") for step in steps})
    BucketNotes(busy, Copies(NOBODY), "xxh128", 1).write({COMMIT: remark("ours")})
    others = {f"other-{step}" for step in steps if step <= busy.step}
    assert plain.read()[COMMIT].tags.keys() == {"ours", *others, *(f"before-{number}" for number in range(before))}
