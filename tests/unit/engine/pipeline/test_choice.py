"""Which stages a choice means: targets as they are spelled in a folder, and every flag that widens or narrows them."""

from __future__ import annotations

import pytest

from assay.engine.errors import BadInput, UsageError
from assay.engine.pipeline import datafile
from assay.engine.pipeline.choice import EVERYTHING, Choice
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.spec import resolved
from assay.engine.pipeline.stage import Stage

FILES = {
    "dvc.yaml": "a: raw > x; b: x > y; alone: > z; e*: y > w",
    "sub/dvc.yaml": 'c: ../y > v; train%: > "t${item}"',
    "sub/deep/dvc.yaml": "d: ../v > u",
}


def stages(files: dict[str, str]) -> dict[str, Stage]:
    """Stages from texts like ``a: x > y``; a star makes one frozen, a percent sign a group of two."""
    found = {}
    for path, text in files.items():
        body = ""
        for line in text.split(";"):
            name, _, rest = line.strip().partition(": ")
            deps, _, outs = rest.partition(">")
            frozen = str(name.endswith("*")).lower()
            stage = f"{{cmd: x, deps: [{deps}], outs: [{outs}], frozen: {frozen}}}"
            if name.endswith("%"):
                stage = f"{{foreach: [1, 2], do: {stage}}}"
            body += f"  {name.rstrip('*%')}: {stage}\n"
        file = resolved(f"stages:\n{body}".encode(), path, lambda _path: None)
        found.update({stage.address: stage for stage in file.stages})
    return found


RAW = datafile.parse("outs:\n- path: raw\n", "raw.dvc")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph(stages(FILES), {"raw.dvc": RAW})


def names(graph: Graph, *targets: str, **flags: bool | str) -> str:
    """The addresses, in order, without their files."""
    order = graph.order(Choice(targets, **flags))  # type: ignore[arg-type]
    return " ".join(stage.name for stage in order)


@pytest.mark.parametrize(
    ("folder", "target", "means"),
    [
        ("", "b", "a b"),
        ("", ":b", "a b"),
        ("", "dvc.yaml:b", "a b"),
        ("", "dvc.yaml", "a b alone e"),
        ("", "sub/dvc.yaml:c", "a b c"),
        ("", "sub/dvc.yaml:", "a b c train@1 train@2"),
        ("", "./sub/../sub/dvc.yaml:train@2", "train@2"),
        ("", "sub/dvc.yaml:train", "train@1 train@2"),
        ("", "raw.dvc", ""),
        ("sub", "c", "a b c"),
        ("sub", "train", "train@1 train@2"),
        ("sub", "train@1", "train@1"),
        ("sub", "../dvc.yaml:a", "a"),
        ("sub", "deep/dvc.yaml:d", "a b c d"),
        ("src/python", "b", "a b"),
        ("sub/other", "c", "a b c"),
    ],
)
def test_a_target_is_read_from_its_folder(graph: Graph, folder: str, target: str, means: str) -> None:
    assert names(graph, target, folder=folder) == means


@pytest.mark.parametrize(
    ("folder", "target"),
    [("", "c"), ("", "sub"), ("", "sub:c"), ("", "trai"), ("sub", "a"), ("sub", "dvc.yaml:a"), ("", "nowhere/dvc.yaml"),
     ("", "../dvc.yaml"), ("", "/dvc.yaml"), ("", "raw"), ("", "dvc.yaml:train@3")],
)  # fmt: skip
def test_a_target_that_means_nothing_is_said(graph: Graph, folder: str, target: str) -> None:
    with pytest.raises(UsageError):
        graph.order(Choice((target,), folder))


def test_no_target_is_the_file_of_the_folder_or_the_nearest_above(graph: Graph) -> None:
    assert names(graph) == "a b alone e"
    assert names(graph, folder="sub") == "a b c train@1 train@2"
    assert names(graph, folder="src") == "a b alone e"
    assert names(graph, folder="sub/src") == "a b c train@1 train@2"


def test_several_targets_come_once_and_in_order(graph: Graph) -> None:
    assert names(graph, "b", "a", "b") == "a b"
    assert names(graph, "b", "a", single=True) == "a b"


def test_everything_that_hangs_together(graph: Graph) -> None:
    assert names(graph, "b", pipeline=True) == "a b c d"
    assert names(graph, "alone", pipeline=True) == "alone"


def test_a_frozen_stage_hangs_together_with_nothing_that_it_reads(graph: Graph) -> None:
    assert names(graph, "e", pipeline=True) == "e"
    assert names(graph, "e") == "e"


def test_data_joins_what_reads_it() -> None:
    graph = Graph(stages({"dvc.yaml": "a: raw > x; b: raw > y; c: > z"}), {"raw.dvc": RAW})
    assert names(graph, "a", pipeline=True) == "a b"
    assert names(graph, "raw.dvc", downstream=True) == "a b"
    assert graph.sources(Choice(("a",))) == [RAW]
    assert graph.sources(Choice(("c",))) == graph.sources(Choice(("a",), single=True)) == []


def test_all_pipelines(graph: Graph) -> None:
    assert names(graph, "nonsense", all_pipelines=True) == "a b alone e c train@1 train@2 d"
    assert graph.sources(EVERYTHING) == [RAW]


def test_downstream_is_the_target_and_what_needs_it(graph: Graph) -> None:
    assert names(graph, "b", downstream=True) == "b c d"
    assert graph.dependents("a") == ["b", "sub/dvc.yaml:c", "sub/deep/dvc.yaml:d"]
    assert graph.needed_by("a") == ("b",)


def test_a_wider_flag_wins(graph: Graph) -> None:
    assert names(graph, "b", pipeline=True, downstream=True, single=True) == "a b c d"


def test_folders_are_targets_when_asked_for(graph: Graph) -> None:
    assert names(graph, "sub", recursive=True) == "a b c train@1 train@2 d"
    assert names(graph, "deep", folder="sub", recursive=True, single=True) == "d"
    assert names(graph, ".", recursive=True, single=True) == "a b alone e c train@1 train@2 d"
    assert names(graph, "b", recursive=True) == "a b"
    with pytest.raises(UsageError):
        graph.order(Choice(("empty",), recursive=True))


def test_patterns_are_for_names(graph: Graph) -> None:
    assert names(graph, "[ab]*", glob=True) == "a b alone"
    assert names(graph, "sub/dvc.yaml:train@*", glob=True) == "train@1 train@2"
    assert names(graph, "train", folder="sub", glob=True) == "train@1 train@2"
    with pytest.raises(UsageError):
        graph.order(Choice(("zz*",), glob=True))


def test_data_may_not_be_written_by_a_stage_too() -> None:
    with pytest.raises(BadInput, match=r"raw.dvc, line 2, outs\[0\]: 'raw' is also written by stage 'a'"):
        Graph(stages({"dvc.yaml": "a: > raw"}), {"raw.dvc": RAW})
    with pytest.raises(BadInput, match=r"'raw/x' lies inside 'raw', which 'raw\.dvc' writes"):
        Graph(stages({"dvc.yaml": "a: > raw/x"}), {"raw.dvc": RAW})


def test_a_pipeline_file_may_not_lie_in_an_output() -> None:
    with pytest.raises(BadInput, match=r"'sub' would be written over sub/dvc.yaml, which is in it"):
        Graph(stages({"dvc.yaml": "a: > sub", "sub/dvc.yaml": "b: > ../x"}))
