"""What ran once on the same inputs is not run again, and what cannot be trusted is not used."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest

from assay.engine.events import Note, Warned
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline import runcache
from assay.engine.pipeline.choice import OWN, Manner
from assay.engine.pipeline.lock import LockEntry, entry_data
from assay.engine.pipeline.repro import Reproduced, reproduce
from assay.engine.pipeline.spec import load, parse
from tests.workspace import Workspace

STAGE = """\
    stages:
      a:
        cmd: echo ran >> ledger; mkdir -p d; cp in d/x; cp in o; chmod +x o; cp in m.json
        deps: [in]
        params: [size]
        outs: [d, o]
        metrics: [m.json: {cache: false}]
    """


def repro(work: Workspace, **manner: bool) -> Reproduced:
    work.reopen()
    return reproduce(work.project, load(work.project), OWN, Manner(**manner))


def ran_on(work: Workspace, text: str, **manner: bool) -> Reproduced:
    work.write("in", text)
    return repro(work, **manner)


@pytest.fixture
def twice(work: Workspace) -> Workspace:
    """A stage that ran on 1 and then on 2."""
    work.write("dvc.yaml", STAGE)
    work.write("params.yaml", "size: 3\n")
    ran_on(work, "1\n")
    ran_on(work, "2\n")
    return work


def runs(work: Workspace) -> list[Path]:
    return [path for path in (work.root / ".assay/cache/runs").rglob("*") if path.is_file()]


def ledger(work: Workspace) -> int:
    return len(work.read("ledger").splitlines())


def test_what_ran_before_is_restored_and_recorded(twice: Workspace) -> None:
    lock = twice.read("dvc.lock")
    done = ran_on(twice, "1\n")
    assert (done.ran, done.skipped, done.restored) == ((), ("a",), ("a",))
    assert twice.skipped == {"a": "restored from the run cache"}
    assert [twice.read(path) for path in ("d/x", "o", "m.json")] == ["1\n"] * 3
    assert os.access(twice.root / "o", os.X_OK)
    assert ledger(twice) == 2
    assert twice.read("dvc.lock") != lock
    assert repro(twice).restored == ()
    assert ran_on(twice, "2\n").restored == ("a",)
    assert twice.read("dvc.lock") == lock


def test_what_git_keeps_comes_back_as_a_file_of_its_own(twice: Workspace) -> None:
    twice.write(".assay/config", "[cache]\n    type = symlink\n")
    ran_on(twice, "1\n")
    assert os.path.islink(twice.root / "d/x")
    assert not os.path.islink(twice.root / "m.json")


@pytest.mark.parametrize("manner", ["force", "no_run_cache"])
def test_it_can_be_left_out(twice: Workspace, manner: str) -> None:
    assert ran_on(twice, "1\n", **{manner: True}).ran == ("a",)
    assert ledger(twice) == 3


@pytest.mark.parametrize(
    "change",
    [
        ("dvc.yaml", STAGE.replace("cp in o;", "cp in  o;")),
        ("dvc.yaml", STAGE.replace("[d, o]", "[d]")),
        ("params.yaml", "size: 4\n"),
    ],
)
def test_another_command_or_parameter_or_output_is_another_run(twice: Workspace, change: tuple[str, str]) -> None:
    twice.write(*change)
    assert ran_on(twice, "1\n").ran == ("a",)


def test_the_name_of_the_stage_does_not_matter(twice: Workspace) -> None:
    twice.write("dvc.yaml", STAGE.replace("  a:", "  b:"))
    assert ran_on(twice, "1\n").restored == ("b",)


def test_a_stale_entry_is_not_used(twice: Workspace) -> None:
    cache = twice.root / ".assay/cache"
    for folder in cache.iterdir():
        if folder.name != "runs":
            folder.rename(twice.root / f".assay/tmp/{folder.name}")
    assert ran_on(twice, "1\n").ran == ("a",)
    assert len(runs(twice)) == 2


@pytest.mark.parametrize(("damaged", "said"), [(b"1\n", True), (b"assay/dir", False)])
def test_with_damaged_content_the_stage_runs(twice: Workspace, damaged: bytes, said: bool) -> None:
    twice.project.close()
    for path in (twice.root / ".assay/cache/packs").glob("*.pack"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(damaged, b"?" * len(damaged)))
    done = ran_on(twice, "1\n")
    assert done.ran == ("a",)
    assert twice.read("o") == twice.read("m.json") == "1\n"
    warned = [event.text for event in twice.events if isinstance(event, Warned)]
    assert any("cannot have its outputs back" in text for text in warned) == said


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"cmd: x\n", b"cmd: x\nouts: [{path: o}]\nmore: 1\n"])
def test_a_damaged_entry_is_named_and_removed(twice: Workspace, content: bytes) -> None:
    for path in runs(twice):
        path.write_bytes(content)
    assert ran_on(twice, "1\n").ran == ("a",)
    warned = [event.text for event in twice.events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert ".assay/cache/runs/" in warned[0]
    assert ledger(twice) == 3
    assert ran_on(twice, "2\n").ran == ("a",)
    assert ran_on(twice, "1\n").restored == ("a",)


def test_what_comes_of_it_is_only_kept_when_it_is_committed(work: Workspace) -> None:
    work.write("dvc.yaml", STAGE)
    work.write("params.yaml", "size: 3\n")
    assert ran_on(work, "1\n", no_commit=True).ran == ("a",)
    assert runs(work) == []
    assert work.read(".gitignore") == "/d\n/o\n"
    assert repro(work).ran == ()
    assert ledger(work) == 1


def test_what_was_not_committed_is_kept_and_not_said_to_be_somebody_elses(work: Workspace) -> None:
    work.write("dvc.yaml", STAGE)
    work.write("params.yaml", "size: 3\n")
    ran_on(work, "1\n", no_commit=True)
    assert repro(work, force=True, no_commit=True).ran == ("a",)
    assert not [event for event in work.events if isinstance(event, Note)]


def test_a_run_whose_inputs_changed_meanwhile_is_not_kept(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {a: {cmd: cp in o; echo 2 > in, deps: [in], outs: [o]}}")
    assert ran_on(work, "1\n").changed_during == ("in",)
    assert runs(work) == []


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ("deps: [in], outs: [o]", True),
        ("params: [p], outs: [o]", True),
        ("deps: [in], outs: [o], metrics: [m: {cache: false}], plots: [p: {cache: false}]", True),
        ("outs: [o]", False),
        ("deps: [in]", False),
        ("deps: [in], outs: [o], always_changed: true", False),
        ("deps: [in], outs: [o: {persist: true}]", False),
        ("deps: [in], outs: [o: {cache: false}]", False),
    ],
)
def test_only_runs_that_can_be_repeated_are_kept(stage: str, kept: bool) -> None:
    (found,) = parse(f"stages: {{a: {{cmd: x, {stage}}}}}", "dvc.yaml").stages
    assert runcache.can_be_kept(found) == kept


def entry(**params: object) -> LockEntry:
    artifact = Artifact(Digest("xxh128", "ab" * 16), 7)
    return LockEntry("x", {"in": artifact}, {"params.yaml": params}, {"o": artifact})


def test_sizes_do_not_count_even_as_parameters() -> None:
    assert runcache.key_of(entry(size=1, a={"nfiles": 2, "b": 1})) == runcache.key_of(entry(a={"b": 1}))
    assert runcache.key_of(entry(b=1)) != runcache.key_of(entry(b=2))


def test_what_comes_of_it_is_part_of_the_value_alone() -> None:
    other = entry()._replace(outs={"o": Artifact(Digest("xxh128", "cd" * 16), 7)})
    assert runcache.key_of(entry()) == runcache.key_of(other)
    assert runcache.value_of(entry_data(entry())) != runcache.value_of(entry_data(other))


def test_parameters_that_json_has_no_word_for_are_not_kept(work: Workspace) -> None:
    assert runcache.key_of(entry(day=datetime.date(2020, 1, 1))) is None
    work.write("dvc.yaml", "stages: {a: {cmd: echo 1 > o, params: [day], outs: [o]}}")
    work.write("params.yaml", "day: 2020-01-01\n")
    assert repro(work).ran == ("a",)
    assert runs(work) == []
