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


@pytest.mark.parametrize("target", ["g", "g@1"])
def test_stages_made_from_one_definition_are_not_frozen(project: Workspace, target: str) -> None:
    with pytest.raises(Refused, match="'g@1' is made from 'g'"):
        freeze(project.project, ["a", target])
    assert project.read("dvc.yaml") == TEXT


def test_all_or_none(project: Workspace) -> None:
    with pytest.raises(UsageError, match="nope"):
        freeze(project.project, ["a", "nope"])
    assert project.read("dvc.yaml") == TEXT
