"""The README's grid is what its command means; with ``PYTEST_README_GRID=1`` it is carried out, after the demo."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from assay.engine.experiments.sweep import combinations
from assay.engine.params.overrides import parse_sweep
from tests.programs import ROOT

README = (ROOT / "README.md").read_text()


def grid():
    """The parameters of each experiment of the README's grid, by its name."""
    (line,) = [line for line in README.splitlines() if line.startswith("$ assay run --queue")]
    words = shlex.split(line)[2:]
    name = words[words.index("-n") + 1]
    overrides = [parse_sweep(words[at + 1]) for at, word in enumerate(words) if word == "-S"]
    runs = combinations(overrides)
    return {f"{name}-{at}": {".".join(one.key): one.value for one in run} for at, run in enumerate(runs, 1)}


def table():
    """The rows of the README's table of the grid: what is in each column, by the experiment's name."""
    lines = README.partition("$ assay show --sort-by accuracy")[2].partition("```")[0].splitlines()[1:]
    columns = lines[0].split()[2:]
    rows = [line.split()[1:] for line in lines if line.startswith(("├", "└"))]
    return {row[0]: dict(zip(columns, map(float, row[2:]), strict=True)) for row in rows}


def test_the_rows_of_the_grid_have_the_parameters_that_their_names_mean():
    runs = grid()
    assert f"Queued {len(runs)} experiments" in README
    assert f"{len(runs)} experiments made" in README
    assert table()
    for name, row in table().items():
        assert {key: row[key] for key in runs[name]} == runs[name]


if os.environ.get("PYTEST_README_GRID"):

    @pytest.mark.timeout(1800)
    def test_the_grid_gives_the_metrics_that_the_readme_shows(tmp_path):
        def done(*words, cwd):
            command = [sys.executable, "-m", "assay", *words]
            return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout

        done("demo", "demo", cwd=tmp_path)
        (line,) = [line for line in README.splitlines() if line.startswith("$ assay run --queue")]
        digits = tmp_path / "demo" / "digits"
        done(*shlex.split(line)[2:], cwd=digits)
        done("queue", "start", "-j", "4", cwd=digits)
        (baseline,) = json.loads(done("show", "--json", cwd=digits))["baselines"]
        made = {row["name"]: row["metrics"]["metrics.json"] for row in baseline["experiments"]}
        for name, row in table().items():
            assert abs(made[name]["accuracy"] - row["accuracy"]) < 1e-4
