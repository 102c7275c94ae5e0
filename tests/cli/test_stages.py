"""The verbs about stages, as they are typed."""

from __future__ import annotations

import json


def test_a_stage_is_added_listed_frozen_and_removed(project, assay):
    words = ["-d", "model.bin", "-p", "seed", "-o", "plots", "--desc", "draws", "--", "sh", "plot.sh", "--", "a b"]
    (project / "plot.sh").write_text("mkdir plots\n")
    said = assay("stage", "add", "-n", "plot", *words, cwd=project)
    assert said.out == "Added stage 'plot' to dvc.yaml.\nChanged: dvc.yaml, .gitignore.\n"
    assert '    cmd: sh plot.sh -- "a b"\n' in (project / "dvc.yaml").read_text()
    listed = "prepare  Outputs data\ntrain    Outputs model.bin; Reports metrics.json\nplot     draws\n"
    assert assay("stage", "list", cwd=project).out == listed
    assert assay("stage", "list", "--name-only", "plot", cwd=project).out == "plot\n"
    assert assay("freeze", "plot", cwd=project).out == "plot is frozen.\n"
    rows = json.loads(assay("stage", "list", "--json", "plot", cwd=project).out)
    assert rows == {
        "schema": 1,
        "stages": [{"name": "plot", "file": "dvc.yaml", "frozen": True, "description": "draws"}],
    }
    assert assay("unfreeze", "plot", cwd=project).out == "plot is not frozen any more.\n"
    assert "Removed plot" in assay("stage", "remove", "plot", cwd=project).out
    assert (project / ".gitignore").exists() is False
    assay("undo", cwd=project)
    assert assay("stage", "list", cwd=project).out == listed


def test_names_are_those_that_can_be_typed_in_the_folder(project, assay):
    (project / "sub").mkdir()
    (project / "sub/x").write_text("")
    assay("stage", "add", "-n", "own", "-d", "../model.bin", "-o", "o", "true", cwd=project / "sub")
    assert assay("stage", "list", "--all", "--name-only", cwd=project / "sub").out.split() == [
        "../dvc.yaml:prepare",
        "../dvc.yaml:train",
        "own",
    ]
    drawn = assay("dag", "--mermaid", "own", cwd=project / "sub").out
    assert 'node3["own"]' in drawn
    assert "node2-->node3" in drawn
    assay("freeze", "../dvc.yaml:train", "own", cwd=project / "sub")
    assert assay("unfreeze", "train", "sub/dvc.yaml:own", cwd=project).out.count("not frozen") == 2


def test_a_file_that_cannot_be_understood_is_left_out_of_the_list(project, assay):
    (project / "sub").mkdir()
    (project / "sub/dvc.yaml").write_text("stages: [\n")
    said = assay("stage", "list", "--all", "--name-only", cwd=project)
    assert said.out == "prepare\ntrain\n"
    assert "sub/dvc.yaml" in said.err
    assay("stage", "list", "--all", "--fail", cwd=project, code=255)


def test_the_graph_is_drawn_to_fit_the_screen(project, assay, monkeypatch):
    assert "| prepare |" in assay("dag", cwd=project).out
    assert assay("dag", "-o", "metrics.json", cwd=project).out.count("+") == 8
    monkeypatch.setenv("COLUMNS", "9")
    assert assay("dag", cwd=project).out == "prepare\ntrain\n  <- prepare\n"


def test_an_added_stage_can_be_run_at_once(project, assay):
    said = assay("stage", "add", "--run", "-n", "hi", "-o", "hi", "echo hi > hi", cwd=project)
    assert (project / "hi").read_text() == "hi\n"
    assert "Added stage 'hi'" in said.out
