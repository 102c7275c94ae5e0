"""The benchmark of everyday verbs runs as it stands."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import __main__ as benchmarks
from benchmarks import measure


def test_verbs_that_are_named_are_measured_in_a_dvc_project(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measure, "RESULTS", tmp_path / "results")
    words = ["save", "add", "--repeat", "1", "--files", "3", "--folder", str(tmp_path)]
    assert benchmarks.main(words) == 0
    rows = json.loads((tmp_path / "results/verbs.json").read_text())["rows"]
    assert list(rows) == ["save", "add 3 files", "add, one new file", "add, nothing new"]
    assert "assay CPU" in capsys.readouterr().out
    assert [path for path in Path(tmp_path).iterdir() if path.name != "results"] == []
