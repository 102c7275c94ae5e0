"""Nodes as they are typed in a folder; what targets mean is tested with the graph."""

from __future__ import annotations

import pytest

from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.targets import Names

STAGES = {
    stage.address: stage for stage in (Stage("a", "dvc.yaml", "x"), Stage("b@k/v:1", "sub/dvc.yaml", "x", group="b"))
}
NAMES = Names(STAGES, {"sub/x@y.dvc": DataFile("sub/x@y.dvc", ())})


@pytest.mark.parametrize(
    ("folder", "seen"),
    [
        ("", ["a", "sub/dvc.yaml:b@k/v:1", "sub/x@y.dvc"]),
        ("sub", ["../dvc.yaml:a", "b@k/v:1", "x@y.dvc"]),
        ("sub/deep", ["../../dvc.yaml:a", "../dvc.yaml:b@k/v:1", "../x@y.dvc"]),
    ],
)
def test_a_node_is_named_so_that_it_is_found_from_there(folder: str, seen: list[str]) -> None:
    nodes = [*STAGES, *NAMES.data]
    assert [NAMES.seen_from(node, folder) for node in nodes] == seen
    assert [NAMES.matching(target, folder) for target in seen] == [[node] for node in nodes]
