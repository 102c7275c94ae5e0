"""The graph of a pipeline as names and arrows."""

from __future__ import annotations

import pytest

from assay.engine.errors import UsageError
from assay.engine.pipeline import dag
from assay.engine.pipeline.dag import Dag
from assay.engine.pipeline.datafile import parse as data_file
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.spec import Pipeline, parse

TEXT = """\
stages:
  a: {cmd: x, deps: [raw.csv], outs: [d]}
  b: {cmd: x, deps: [d/part, d], outs: [o, p], frozen: true}
  g:
    foreach: [1, 2]
    do: {cmd: x, deps: [o], outs: ['g${item}']}
  z: {cmd: x}
"""
PIPELINE = Pipeline.of({"dvc.yaml": parse(TEXT, "dvc.yaml")})
GRAPH = Graph(PIPELINE.stages, {"raw.csv.dvc": data_file("outs: [{path: raw.csv}]", "raw.csv.dvc")})
STAGES = dag.of_stages(GRAPH)


def test_stages_and_data_are_joined_by_what_they_read_and_write() -> None:
    assert STAGES.nodes == ("raw.csv.dvc", "a", "b", "g@1", "g@2", "z")
    assert STAGES.edges == (("raw.csv.dvc", "a"), ("a", "b"), ("b", "g@1"), ("b", "g@2"))


def test_outputs_are_joined_by_the_stages_between_them() -> None:
    outs = dag.of_outs(GRAPH)
    assert outs.nodes == ("raw.csv", "d", "o", "p", "g1", "g2")
    assert set(outs.edges) == {("raw.csv", "d"), ("d", "o"), ("d", "p"), ("o", "g1"), ("o", "g2")}


def test_what_a_node_needs_and_what_hangs_together_with_it() -> None:
    assert STAGES.before(["b"]) == Dag(("raw.csv.dvc", "a", "b"), (("raw.csv.dvc", "a"), ("a", "b")))
    assert STAGES.around(["g@2"]).nodes == STAGES.nodes[:-1]
    assert [part.nodes for part in STAGES.parts()] == [STAGES.nodes[:-1], ("z",)]


def test_nodes_of_one_name_become_one() -> None:
    merged = STAGES.renamed(lambda node: node.partition("@")[0])
    assert merged.nodes == ("raw.csv.dvc", "a", "b", "g", "z")
    assert merged.edges[-1] == ("b", "g")
    assert STAGES.renamed(lambda node: "x") == Dag(("x",), ())


@pytest.mark.parametrize(
    ("target", "outs", "found"),
    [
        ("b", False, ["b"]),
        ("b", True, ["o", "p"]),
        ("g", False, ["g@1", "g@2"]),
        ("p", False, ["b"]),
        ("p", True, ["p"]),
        ("d/part/x", True, ["d"]),
        ("./raw.csv", False, ["raw.csv.dvc"]),
        ("raw.csv.dvc", True, ["raw.csv"]),
    ],
)
def test_a_target_is_a_stage_or_an_output(target: str, outs: bool, found: list[str]) -> None:
    assert dag.meant(GRAPH, target, "", outs=outs) == found


def test_a_target_that_is_neither_is_named() -> None:
    with pytest.raises(UsageError, match="There is no stage 'nope'"):
        dag.meant(GRAPH, "nope", "", outs=False)
