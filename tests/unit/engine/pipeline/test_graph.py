"""Who needs whom, in which order, and what cannot be ordered."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from assay.engine.errors import BadInput, UsageError
from assay.engine.pipeline.choice import Choice
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.spec import Pipeline, parse


def graph(**files: str) -> Graph:
    """Stages from texts like ``a: x > y, z``; the keyword is the folder, ``root`` the project's own."""
    parsed = {}
    for folder, text in files.items():
        path = "dvc.yaml" if folder == "root" else f"{folder}/dvc.yaml"
        stages = {}
        for line in text.split(";"):
            name, _, rest = line.strip().partition(":")
            deps, _, outs = rest.partition(">")
            frozen = ", frozen: true" if name.endswith("*") else ""
            stages[name.rstrip("*")] = f"{{cmd: x, deps: [{deps}], outs: [{outs}]{frozen}}}"
        body = "".join(f"  {name}: {stage}\n" for name, stage in stages.items())
        parsed[path] = parse("stages:\n" + body, path)
    return Graph(Pipeline.of(parsed).stages)


def names(found: Graph, *targets: str, single: bool = False) -> list[str]:
    return [stage.address for stage in found.order(Choice(targets, single=single))]


def test_stages_come_after_what_they_need() -> None:
    assert names(graph(root="c: y > z; b: x > y; a: w > x")) == ["a", "b", "c"]


def test_a_target_brings_what_it_needs_and_nothing_else() -> None:
    assert names(graph(root="a: > x; b: > y; c: x > z"), "c") == ["a", "c"]


def test_a_single_target_comes_alone() -> None:
    assert names(graph(root="a: > x; c: x > z"), "c", single=True) == ["c"]


def test_single_targets_still_come_in_order() -> None:
    assert names(graph(root="c: x > z; a: > x"), "c", "a", single=True) == ["a", "c"]


def test_a_file_inside_a_written_folder_is_needed() -> None:
    assert graph(root="a: > data; b: data/sub/x.csv > y").needs("b") == ("a",)


def test_a_folder_that_is_written_into_is_needed() -> None:
    assert graph(root="a: > data/x; c: > data/y; b: data > z").needs("b") == ("a", "c")


def test_a_folder_whose_name_only_begins_alike_is_not_needed() -> None:
    assert graph(root="a: > data; b: data2/x, data.csv > y").needs("b") == ()


def test_a_written_params_file_is_needed() -> None:
    stages = parse("stages:\n  a: {cmd: x, outs: [p.yaml]}\n  b: {cmd: y, params: [p.yaml: [k]]}\n", "dvc.yaml")
    assert Graph(Pipeline.of({"dvc.yaml": stages}).stages).needs("b") == ("a",)


def test_the_default_is_the_projects_own_file_and_what_it_needs() -> None:
    assert names(graph(root="b: sub/x > y", sub="a: > x; other: > z")) == ["sub/dvc.yaml:a", "b"]


def test_without_a_file_of_its_own_the_default_is_everything() -> None:
    assert names(graph(sub="a: > x", tub="b: > y")) == ["sub/dvc.yaml:a", "tub/dvc.yaml:b"]


def test_a_target_may_be_a_pipeline_file() -> None:
    assert names(graph(root="b: > y", sub="a: > x; c: > z"), "sub/dvc.yaml") == ["sub/dvc.yaml:a", "sub/dvc.yaml:c"]


def test_the_projects_own_file_may_be_spelled_out() -> None:
    assert names(graph(root="a: > x"), "dvc.yaml:a") == ["a"]


def test_nothing_needed_by_a_frozen_stage_is_run() -> None:
    assert names(graph(root="a: > x; b*: x > y; c: y > z"), "c") == ["b", "c"]


def test_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="There is no stage 'trian'") as caught:
        names(graph(root="train: > x"), "trian")
    assert caught.value.hint == "Did you mean 'train'?"


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("trian", "Did you mean 'train'?"),
        ("sub/dvc.yaml:train", "In this folder it is 'train'."),
        ("prep", "In this folder it is '../dvc.yaml:prep'."),
        ("zzz", "There are: ../dvc.yaml:prep, train."),
    ],
)
def test_what_was_meant_is_spelled_as_in_the_folder(target: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        graph(root="prep: > x", sub="train: ../x > y").matching(target, "sub")
    assert caught.value.hint == hint


def test_a_long_chain_needs_no_recursion() -> None:
    chain = ";".join(f"s{i}: f{i} > f{i + 1}" for i in range(3000))
    assert len(names(graph(root=chain), "s2999")) == 3000


@pytest.mark.parametrize(
    ("files", "says", "key"),
    [
        ({"root": "a: > x; b: > x"}, "'x' is also written by stage 'a'", "stages.b.outs[0]"),
        ({"root": "a: > d/x; b: > d"}, "'d/x' lies inside 'd', which stage 'b' writes", "stages.a.outs[0]"),
        ({"root": "a: > d, d/x/y"}, "'d/x/y' lies inside 'd', which stage 'a' writes", "stages.a.outs[1]"),
        ({"root": "a: z > x; b: x > y; c: y > z"}, "in a circle: a -> b -> c -> a", "stages.a"),
        ({"root": "s: > w; a: w, y > x; b: x > y"}, "in a circle: a -> b -> a", "stages.a"),
        ({"root": "a: d/x > d"}, "stage 'a' needs its own output", "stages.a"),
        ({"root": "a: sub/y > x", "sub": "b: ../x > y"}, "in a circle: a -> sub/dvc.yaml:b -> a", "stages.a"),
    ],
)
def test_what_cannot_be_ordered_is_named(files: Mapping[str, str], says: str, key: str) -> None:
    with pytest.raises(BadInput) as caught:
        graph(**files)
    assert says in caught.value.message
    assert caught.value.key == key
    assert caught.value.line > 0
