"""Grids that a program queues are the grids of the command line."""

from __future__ import annotations

import json

import numpy
import pytest

import assay as package


def test_a_grid_from_python_is_that_of_the_command_line(project, assay):
    with package.open(project) as lab:
        names = lab.queue(
            params={"seed": 9}, grid={"train.lr": [0.1, numpy.float64(0.2)], "train.epochs": (1, 2)}, name="p"
        )
        assert names == ["p-1", "p-2", "p-3", "p-4"]
    assay("run", "--queue", "-n", "c", "-S", "seed=9", "-S", "train.lr=0.1,0.2", "-S", "train.epochs=1,2", cwd=project)
    rows = json.loads(assay("show", "--json", cwd=project).out)["baselines"][0]["experiments"]
    params = {row["name"]: row["params"] for row in rows}
    assert [params[f"p-{number}"] for number in range(1, 5)] == [params[f"c-{number}"] for number in range(1, 5)]


@pytest.mark.parametrize("values", [[], "0.1", {}])
def test_a_grid_needs_a_list_of_values(project, values):
    with package.open(project) as lab, pytest.raises(package.UsageError, match="no list of values"):
        lab.queue(grid={"seed": values})
