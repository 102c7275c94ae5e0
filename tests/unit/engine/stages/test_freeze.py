"""Stages and data are frozen and unfrozen where they are written."""

from __future__ import annotations

import pytest

from assay.engine.errors import Refused, UsageError
from assay.engine.pipeline.spec import load
from assay.engine.stages.freeze import freeze
from tests.workspace import Workspace

TEXT = "stages:\n  a:\n    cmd: echo ${lr}\n    # c\n  b: {cmd: x}\n  g:\n    foreach: [1]\n    do: {cmd: x}\n"


@pytest.fixture
def project(work: Workspace) -> Workspace:
    work.write("params.yaml", "lr: 1\n")
    work.write("dvc.yaml", TEXT)
    work.write("sub/dvc.yaml", TEXT.replace("${lr}", "1"))
    work.write("sub/x.dvc", "outs:\n- path: x  # mine\n")
    return work


def test_stages_with_templates_and_data_are_frozen_and_unfrozen(project: Workspace) -> None:
    done = freeze(project.project, ["a", "b", "sub/dvc.yaml:a", "sub/x.dvc"])
    assert done.changed == ("a", "b", "sub/dvc.yaml:a", "sub/x.dvc")
    assert done.written == ("dvc.yaml", "sub/dvc.yaml", "sub/x.dvc")
    pipeline = load(project.project)
    assert [stage.address for stage in pipeline.stages.values() if stage.frozen] == ["a", "b", "sub/dvc.yaml:a"]
    assert pipeline.data["sub/x.dvc"].frozen
    assert "echo ${lr}\n    frozen: true\n    # c" in project.read("dvc.yaml")
    assert freeze(project.project, ["a"]).changed == ()
    freeze(project.project, ["a", "../dvc.yaml:a", "../dvc.yaml:b", "x.dvc"], folder="sub", frozen=False)
    assert project.read("dvc.yaml") == TEXT
    assert project.read("sub/x.dvc") == "outs:\n- path: x  # mine\n"


def test_all_that_is_made_from_one_definition_is_frozen_together(project: Workspace) -> None:
    project.write("sub/dvc.yaml", "stages: {m: {matrix: {x: [1, 2]}, cmd: 'echo ${item.x}'}}\n")
    assert freeze(project.project, ["g", "sub/dvc.yaml:m"]).changed == ("g@1", "sub/dvc.yaml:m@1", "sub/dvc.yaml:m@2")
    assert "do: {cmd: x, frozen: true}" in project.read("dvc.yaml")
    assert project.read("sub/dvc.yaml") == "stages: {m: {matrix: {x: [1, 2]}, cmd: 'echo ${item.x}', frozen: true}}\n"
    assert [stage.frozen for stage in load(project.project).stages.values() if stage.group] == [True] * 3
    freeze(project.project, ["g"], frozen=False)
    assert project.read("dvc.yaml") == TEXT


def test_one_of_several_is_not_frozen_alone(project: Workspace) -> None:
    text = TEXT.replace("[1]", "[1, 2]")
    project.write("dvc.yaml", text)
    with pytest.raises(Refused, match="'g@1' is made from 'g'"):
        freeze(project.project, ["a", "g@1"])
    assert project.read("dvc.yaml") == text


def test_all_or_none(project: Workspace) -> None:
    with pytest.raises(UsageError, match="nope"):
        freeze(project.project, ["a", "nope"])
    assert project.read("dvc.yaml") == TEXT
