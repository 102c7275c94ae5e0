"""How stages are gone through: after failures, with data missing, asked about, forced, and what data they read."""

from __future__ import annotations

import os

import pytest

from assay.engine.errors import AssayError, BadInput, StageFailed
from assay.engine.events import Warned
from assay.engine.pipeline import datafile
from assay.engine.pipeline.choice import OWN, Choice, Manner
from assay.engine.pipeline.lock import parse as parse_lock
from assay.engine.pipeline.repro import Reproduced, check, reproduce, statuses
from assay.engine.pipeline.spec import load
from tests.workspace import Workspace

# Each stage says in the ledger that it ran, and fails when there is a file of its name.
CHAIN = """\
    stages:
      a: {cmd: 'echo a >> ledger; test ! -e a && cp in x', deps: [in], outs: [x]}
      b: {cmd: 'echo b >> ledger; test ! -e b && cp x y', deps: [x], outs: [y]}
      c: {cmd: 'echo c >> ledger; cp y z', deps: [y], outs: [z]}
      d: {cmd: 'echo d >> ledger; cp in w', deps: [in], outs: [w]}
    """


@pytest.fixture
def chain(work: Workspace) -> Workspace:
    work.write("dvc.yaml", CHAIN)
    work.write("in", "1\n")
    return work


def repro(work: Workspace, choice: Choice = OWN, **manner: object) -> Reproduced:
    work.reopen()
    return reproduce(work.project, load(work.project), choice, Manner(**manner))  # type: ignore[arg-type]


def ledger(work: Workspace) -> str:
    """What ran since the last time it was asked."""
    path = work.root / "ledger"
    text = path.read_text() if path.exists() else ""
    path.unlink(missing_ok=True)
    return "".join(text.split())


def warnings(work: Workspace) -> list[str]:
    return [event.text for event in work.events if isinstance(event, Warned)]


def test_the_first_failure_ends_it(chain: Workspace) -> None:
    chain.write("b", "")
    with pytest.raises(StageFailed):
        repro(chain)
    assert ledger(chain) == "ab"
    assert chain.read(".gitignore") == "/x\n"


def test_what_does_not_need_a_failed_stage_goes_on(chain: Workspace) -> None:
    chain.write("b", "")
    done = repro(chain, keep_going=True)
    assert (done.ran, done.failed, done.not_run) == (("a", "d"), ("b",), ("c",))
    assert ledger(chain) == "abd"
    assert chain.skipped == {"c": "behind a stage that failed"}
    assert warnings(chain) == ["Stage 'b' failed: its command exited with 1."]
    assert set(parse_lock(chain.read("dvc.lock"), "dvc.lock").stages) == {"a", "d"}
    assert chain.read(".gitignore") == "/x\n/w\n"


def test_errors_can_be_ignored(chain: Workspace) -> None:
    repro(chain)
    ledger(chain)
    chain.write("in", "2\n")
    chain.write("a", "")
    done = repro(chain, ignore_errors=True)
    assert (done.ran, done.failed, done.not_run) == (("d",), ("a", "b"), ())
    assert ledger(chain) == "ad"


def test_a_missing_input_is_a_failure_among_others(chain: Workspace) -> None:
    chain.write("dvc.yaml", CHAIN.replace("cp in w', deps: [in]", "cp in w', deps: [nowhere]"))
    with pytest.raises(BadInput, match="'nowhere' is not there"):
        repro(chain)
    assert ledger(chain) == ""
    done = repro(chain, keep_going=True)
    assert (done.ran, done.failed) == (("a", "b", "c"), ("d",))


def test_an_interrupt_is_not_a_failure_to_go_on_after(chain: Workspace) -> None:
    def ask(_question: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repro(chain, keep_going=True, ask=ask)


def test_asking_stops_at_a_no(chain: Workspace) -> None:
    questions: list[str] = []

    def ask(question: str) -> bool:
        questions.append(question)
        return "'b'" not in question

    with pytest.raises(AssayError, match="Stopped before stage 'b'"):
        repro(chain, ask=ask)
    assert questions == ["Run stage 'a'?", "Run stage 'b'?"]
    assert ledger(chain) == "a"
    questions.clear()
    assert repro(chain, ask=ask, keep_going=True).not_run == ("c",)
    assert questions == ["Run stage 'b'?", "Run stage 'd'?"]


def test_what_needs_a_stage_that_ran_can_be_forced(chain: Workspace) -> None:
    repro(chain)
    chain.write("dvc.yaml", CHAIN.replace("cp in x", "cp  in x"))
    ledger(chain)
    assert repro(chain).ran == ("a",)
    chain.write("dvc.yaml", CHAIN.replace("cp in x", "cp   in x"))
    assert repro(chain, force_downstream=True).ran == ("a", "b", "c")
    assert repro(chain, force_downstream=True).ran == ()


def test_a_dry_run_looks_past_what_is_not_there_yet(chain: Workspace) -> None:
    assert repro(chain, dry=True).ran == ("a", "b", "c", "d")
    assert ledger(chain) == ""


def test_data_that_is_not_there_can_be_let_pass(chain: Workspace) -> None:
    repro(chain)
    for name in "xyz":
        (chain.root / name).unlink()
    assert repro(chain, allow_missing=True).skipped == ("a", "b", "c", "d")
    assert not (chain.root / "x").exists()
    (chain.root / "in").unlink()
    assert repro(chain, allow_missing=True).skipped == ("a", "b", "c", "d")
    ledger(chain)
    chain.write("dvc.yaml", CHAIN.replace("cp in x", "cp  in x"))
    with pytest.raises(BadInput, match="'in' is not there"):
        repro(chain, allow_missing=True)
    assert ledger(chain) == ""


def test_missing_data_that_is_known_to_have_changed_is_a_change(chain: Workspace) -> None:
    repro(chain)
    chain.write("in", "2\n")
    repro(chain, Choice(("a",)))
    (chain.root / "x").unlink()
    ledger(chain)
    with pytest.raises(BadInput, match="'x' is not there"):
        repro(chain, Choice(("b",), single=True), allow_missing=True)


def added(work: Workspace, text: str) -> None:
    """Puts ``in`` under a .dvc file, as it is with this text."""
    work.write("in", text)
    work.write("in.dvc", "outs:\n- path: in\n")
    work.write(".gitignore", "/in\n")
    repro(work, Choice(("in.dvc",)))


def recorded(work: Workspace) -> object:
    (out,) = datafile.parse(work.read("in.dvc"), "in.dvc").outs
    return out.artifact.digest if out.artifact else None


def test_edited_data_is_recorded_before_it_is_read(chain: Workspace) -> None:
    added(chain, "1\n")
    first = recorded(chain)
    chain.write("in", "2\n")
    done = repro(chain, Choice(("d",)))
    assert done.data_written == ("in.dvc",)
    assert recorded(chain) == parse_lock(chain.read("dvc.lock"), "dvc.lock").stages["d"].deps["in"].digest != first  # type: ignore[union-attr]
    assert not chain.project.cache.missing([recorded(chain)])  # type: ignore[list-item]


@pytest.mark.parametrize("how", [{"dry": True}, {"no_commit": True}])
def test_data_is_not_recorded_when_nothing_is(chain: Workspace, how: dict[str, bool]) -> None:
    added(chain, "1\n")
    first = recorded(chain)
    chain.write("in", "2\n")
    assert repro(chain, **how).data_written == ()
    assert recorded(chain) == first
    assert repro(chain, Choice(("d",), single=True)).data_written == ()


def test_missing_data_says_where_it_comes_from(chain: Workspace) -> None:
    added(chain, "1\n")
    (chain.root / "in").unlink()
    with pytest.raises(BadInput) as caught:
        check(chain.project, load(chain.project))
    assert "assay checkout in.dvc" in caught.value.hint


def test_a_frozen_stages_edited_output_is_recorded_and_not_what_it_read(chain: Workspace) -> None:
    repro(chain)
    before = parse_lock(chain.read("dvc.lock"), "dvc.lock").stages["a"]
    chain.write("dvc.yaml", CHAIN.replace("outs: [x]", "outs: [x], frozen: true"))
    chain.write("in", "2\n")
    chain.write("x", "mine\n")
    (status,) = [item for item in statuses(chain.project, load(chain.project)) if item.name == "a"]
    assert status.frozen
    assert [reason.text for reason in status.reasons] == ["x changed"]
    assert repro(chain).ran == ("b", "c", "d")
    after = parse_lock(chain.read("dvc.lock"), "dvc.lock").stages["a"]
    assert (after.deps, after.cmd) == (before.deps, before.cmd)
    assert after.outs != before.outs
    assert not chain.project.cache.missing([after.outs["x"].digest])  # type: ignore[union-attr]


def test_a_frozen_stage_that_never_ran_is_recorded_when_its_output_is_there(chain: Workspace) -> None:
    chain.write("dvc.yaml", CHAIN.replace("outs: [x]", "outs: [x], frozen: true"))
    chain.write("x", "mine\n")
    assert repro(chain).ran == ("b", "c", "d")
    assert "x" in parse_lock(chain.read("dvc.lock"), "dvc.lock").stages["a"].outs
    assert not os.path.islink(chain.root / "x")
