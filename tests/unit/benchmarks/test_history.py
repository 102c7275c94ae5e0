"""The benchmark's history is the same every time, and a project that assay reads."""

from __future__ import annotations

import json

from assay.engine.git.repository import Repository
from benchmarks import history


def test_the_history_is_the_same_every_time(tmp_path):
    found = []
    for name in ("one", "two"):
        history.write(tmp_path / name, 3)
        repo = Repository.open(str(tmp_path / name / ".git"))
        found.append(list(repo.refs.iterate()))
        repo.close()
    assert found[0] == found[1]
    assert [name.rpartition("/")[2] for name, _ in found[0]] == ["exp-000000", "exp-000001", "exp-000002", "main"]


def test_assay_shows_every_experiment_of_it(tmp_path, assay):
    history.write(tmp_path / "repo", 3)
    for name in ("config", ".gitignore"):
        (tmp_path / "repo/.dvc" / name).unlink()
    (tmp_path / "repo/.dvc").rmdir()
    shown = json.loads(assay("show", "--json", cwd=tmp_path / "repo").out)
    rows = shown["baselines"][0]["experiments"]
    assert [row["name"] for row in rows] == ["exp-000002", "exp-000001", "exp-000000"]
    assert all(row["errors"] == {} and len(row["deps"]) == 6 and len(row["outs"]) == 2 for row in rows)
