"""Stages with a line about each."""

from __future__ import annotations

import pytest

from assay.engine.errors import BadInput, UsageError
from assay.engine.pipeline.datafile import parse as data_file
from assay.engine.pipeline.spec import parse
from assay.engine.stages.listing import Which, listing, summary
from tests.workspace import Workspace


@pytest.mark.parametrize(
    ("stage", "line"),
    [
        ("{cmd: x}", "No outputs or dependencies"),
        ("{cmd: x, deps: [a], params: [p, q.yaml: ]}", "Depends on a, params.yaml, q.yaml"),
        ("{cmd: x, outs: [b, a], plots: [p], metrics: [m]}", "Outputs b, a; Reports m, p"),
        ("{cmd: x, metrics: [m]}", "Reports m"),
        ('{cmd: x, outs: [b], desc: "\\n\\n  hi \\n there"}', "hi"),
    ],
)
def test_a_stage_is_told_by_its_description_or_by_what_it_writes(stage: str, line: str) -> None:
    assert summary(parse(f"stages: {{s: {stage}}}", "dvc.yaml").stages[0]) == line


def test_data_is_told_by_its_path() -> None:
    assert summary(data_file("outs: [{path: x}]", "sub/x.dvc")) == "Outputs x"


@pytest.fixture
def project(work: Workspace) -> Workspace:
    work.write("dvc.yaml", "stages: {b: {cmd: x}, a: {cmd: x}}\n")
    work.write("sub/dvc.yaml", "stages: {c: {foreach: [1, 2], do: {cmd: x}}}\n")
    work.write("sub/x.dvc", "outs: [{path: x}]\n")
    return work


def test_stages_are_chosen_as_everywhere(project: Workspace) -> None:
    def nodes(which: Which) -> list[str]:
        return list(listing(project.project, which).nodes)

    generated = ["sub/dvc.yaml:c@1", "sub/dvc.yaml:c@2"]
    assert nodes(Which()) == ["b", "a"]
    assert nodes(Which(folder="sub")) == generated
    assert nodes(Which(everything=True)) == ["b", "a", *generated, "sub/x.dvc"]
    assert nodes(Which(["sub"], recursive=True)) == ["sub/x.dvc", *generated]
    assert nodes(Which(["a", "sub/dvc.yaml:c", "a"])) == ["a", *generated]
    with pytest.raises(UsageError):
        nodes(Which(["nope"]))


def test_a_file_that_cannot_be_understood_is_left_out_and_told_of(project: Workspace) -> None:
    project.write("sub/dvc.yaml", "stages: [\n")
    project.write("sub/x.dvc", "outs: x\n")
    found = listing(project.project, Which(everything=True))
    assert found.nodes == ("b", "a")
    assert set(found.errors) == {"sub/dvc.yaml", "sub/x.dvc"}
    with pytest.raises(BadInput, match=r"sub/dvc\.yaml"):
        listing(project.project, strict=True)
    with pytest.raises(BadInput, match=r"sub/dvc\.yaml"):
        listing(project.project, Which(["sub/dvc.yaml"]))
