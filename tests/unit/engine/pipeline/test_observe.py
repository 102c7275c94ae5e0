"""What is seen of a stage's dependencies, wherever they lie."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.errors import BadInput, ConfigError
from assay.engine.pipeline import lock, spec
from assay.engine.pipeline.choice import EVERYTHING
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.repro import commit_outs, reproduce, statuses
from tests.workspace import Workspace


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path / "project")
    yield workspace
    workspace.project.close()


def ran(work: Workspace) -> list[str]:
    work.reopen()
    return list(reproduce(work.project, spec.load(work.project), EVERYTHING).ran)


def entry(work: Workspace) -> LockEntry:
    return lock.parse(work.read("dvc.lock"), "dvc.lock").stages["s"]


def test_files_and_folders_outside_the_project_are_dependencies(work: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep/a").write_text("1\n")
    (outside / "b").write_text("2\n")
    work.write("dvc.yaml", f"stages: {{s: {{cmd: cat {outside}/b > o, deps: ['{outside}', ../outside/b], outs: [o]}}}}")
    assert ran(work) == ["s"]
    assert ran(work) == []
    recorded = entry(work).deps
    assert list(recorded) == ["../outside/b", str(outside)]
    (outside / "deep/a").write_text("10\n")
    assert ran(work) == ["s"]
    now = entry(work).deps
    assert now["../outside/b"] == recorded["../outside/b"]
    assert now[str(outside)] != recorded[str(outside)]
    assert sorted(os.listdir(outside)) == ["b", "deep"]


def test_a_link_out_of_the_project_is_followed_when_it_is_named(work: Workspace, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("1\n")
    (tmp_path / "link").symlink_to("real")
    work.write("dvc.yaml", "stages: {s: {cmd: cat ../link > o, deps: [../link], outs: [o]}}")
    assert ran(work) == ["s"]
    (tmp_path / "real").write_text("22\n")
    assert ran(work) == ["s"]
    assert work.read("o") == "22\n"


def test_params_may_lie_outside_the_project(work: Workspace, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("a: 1\nb: 2\n")
    work.write("dvc.yaml", "stages: {s: {cmd: echo > o, params: [../p.yaml: [a]], outs: [o]}}")
    assert spec.load(work.project).params_files == ("params.yaml",)
    assert ran(work) == ["s"]
    (tmp_path / "p.yaml").write_text("a: 1\nb: 3\n")
    assert ran(work) == []
    (tmp_path / "p.yaml").write_text("a: 2\nb: 3\n")
    assert ran(work) == ["s"]
    assert entry(work).params == {"../p.yaml": {"a": 2}}


def test_what_is_missing_outside_is_named(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {s: {cmd: x, deps: [../nowhere]}}")
    with pytest.raises(BadInput, match=r"'\.\./nowhere' is not there, and the stage reads it"):
        ran(work)


@pytest.mark.parametrize("spelled", ["s3://bucket/key", "remote://r/key", "https://example.org/x"])
def test_a_url_is_read_and_refused_where_nobody_can_be_asked(work: Workspace, spelled: str) -> None:
    work.write(
        "dvc.yaml", f"stages: {{s: {{cmd: echo > o, deps: ['{spelled}'], outs: [o]}}, t: {{cmd: echo > p, outs: [p]}}}}"
    )
    with pytest.raises(ConfigError, match=f"Stage s reads {spelled}, and what is there cannot be told"):
        ran(work)
    assert not (work.root / "p").exists()
    assert not (work.root / "dvc.lock").exists()
    found = statuses(work.project, spec.load(work.project))
    assert ["it has not run yet" in str(status.reasons) for status in found] == [True, True]


def test_a_frozen_stage_may_read_what_cannot_be_looked_at(work: Workspace) -> None:
    reading = "s: {cmd: echo > o, deps: ['s3://b/k'], outs: [o], frozen: true}"
    work.write("dvc.yaml", f"stages: {{{reading}, t: {{cmd: cat o > p, deps: [o], outs: [p]}}}}")
    work.write("o", "1\n")
    assert ran(work) == ["t"]


def test_committing_leaves_a_stage_as_it_was_of_which_too_little_is_known(work: Workspace) -> None:
    work.write("dvc.yaml", "stages: {s: {cmd: echo > o, deps: ['s3://b/k', a], outs: [o]}}")
    work.write("a", "1\n")
    work.write("o", "2\n")
    assert commit_outs(work.project, spec.load(work.project)).left == ("s",)
    assert not (work.root / "dvc.lock").exists()
