"""Orders and cycles of made-up pipelines, against the plain definition of what needs what."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import BadInput
from assay.engine.pipeline.choice import Choice
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.stage import Dep, Out, Stage

names = st.sampled_from(["a", "b", "a/x", "a/y", "b/x", "a/x/z", "c", "ab"])
stages = st.lists(st.tuples(st.sets(names, max_size=3), st.sets(names, max_size=2), st.booleans()), max_size=6)


def made(drawn: list[tuple[set[str], set[str], bool]]) -> dict[str, Stage]:
    return {
        f"s{i}": Stage(
            f"s{i}", "dvc.yaml", "x",
            deps=tuple(Dep(path, path) for path in sorted(deps)), outs=tuple(Out(path, path) for path in sorted(outs)),
        )
        for i, (deps, outs, _) in enumerate(drawn)
    }  # fmt: skip


def touches(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def needed(pipeline: dict[str, Stage], address: str) -> set[str]:
    read = [dep.path for dep in pipeline[address].deps]
    return {name for name, stage in pipeline.items() for out in stage.outs if any(touches(out.path, p) for p in read)}


def overlaps(pipeline: dict[str, Stage]) -> bool:
    outs = [out.path for stage in pipeline.values() for out in stage.outs]
    return any(touches(one, other) for i, one in enumerate(outs) for other in outs[:i])


def is_circular(pipeline: dict[str, Stage]) -> bool:
    left = set(pipeline)
    while free := {name for name in left if not needed(pipeline, name) & left}:
        left -= free
    return bool(left)


@settings(max_examples=400)
@given(stages, st.integers(0, 5))
def test_every_order_puts_needs_first_and_only_what_has_none_is_refused(
    drawn: list[tuple[set[str], set[str], bool]], target: int
) -> None:
    pipeline = made(drawn)
    if overlaps(pipeline) or is_circular(pipeline):
        with pytest.raises(BadInput) as caught:
            Graph(pipeline)
        about_circles = "in a circle" in caught.value.message or "needs its own output" in caught.value.message
        assert about_circles != overlaps(pipeline)
        return
    graph = Graph(pipeline)
    chosen = [f"s{target}"] if f"s{target}" in pipeline else []
    order = [stage.address for stage in graph.order(Choice(tuple(chosen)))]
    assert len(set(order)) == len(order)
    for at, address in enumerate(order):
        assert needed(pipeline, address) <= set(order[:at])
    wanted = set(chosen or pipeline)
    while more := {name for address in wanted for name in needed(pipeline, address)} - wanted:
        wanted |= more
    assert set(order) == wanted
