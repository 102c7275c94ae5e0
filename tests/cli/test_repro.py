"""`repro`, `run` and `status` as they are typed: flags, folders, failures."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest

SUB = "stages:\n  other:\n    cmd: echo other > o\n    deps: [../data]\n    outs: [o]\n"


@pytest.fixture
def sub(project):
    """A folder with a pipeline file of its own."""
    (project / "sub").mkdir()
    (project / "sub/dvc.yaml").write_text(SUB)
    return project / "sub"


def test_targets_are_those_of_the_folder(assay, project, sub):
    assert assay("repro", "--dry", cwd=project).out == "Would run: prepare, train.\n"
    assert assay("repro", "--dry", cwd=sub).out == "Would run: ../dvc.yaml:prepare, other.\n"
    assert assay("repro", "--dry", "-s", "../dvc.yaml:prepare", cwd=sub).out == "Would run: ../dvc.yaml:prepare.\n"
    assert (
        assay("repro", "--dry", "-s", f"{project}/dvc.yaml:prepare", cwd=sub).out == "Would run: ../dvc.yaml:prepare.\n"
    )
    every = "Would run: ../dvc.yaml:prepare, ../dvc.yaml:train, other.\n"
    assert assay("repro", "--dry", "-P", cwd=sub).out == every
    assert assay("repro", "--dry", "-R", ".", cwd=sub).out == "Would run: ../dvc.yaml:prepare, other.\n"
    assert assay("repro", "--dry", "--glob", "--downstream", "prep*", cwd=project).out.endswith("sub/dvc.yaml:other.\n")
    (project / "empty").mkdir()
    assert assay("repro", "--dry", cwd=project / "empty").out == "Would run: ../dvc.yaml:prepare, ../dvc.yaml:train.\n"


def test_what_came_back_is_counted_apart(assay, project):
    assert assay("repro", cwd=project).out == "2 stages ran, 0 were up to date.\n"
    (project / "raw.txt").write_text("other\n")
    assay("repro", cwd=project)
    (project / "raw.txt").write_text("hello\n")
    said = assay("repro", cwd=project)
    assert said.out == "0 stages ran, 2 were restored, 0 were up to date.\n"
    assert "restored from the run cache" in said.err
    assert assay("repro", "-f", "--no-commit", cwd=project).out == "2 stages ran, 0 were up to date.\n"


def test_failures_end_with_255_and_are_named(assay, project, sub):
    (project / "train.sh").write_text("exit 3\n")
    said = assay("repro", "-kP", cwd=project, code=255)
    assert said.out == "2 stages ran, 0 were up to date.\n"
    assert "error: Stage train failed.\n" in said.err
    assert (sub / "o").exists()
    (project / "prepare.sh").write_text("exit 4\n")
    said = assay("repro", "-kP", cwd=project, code=255)
    assert "error: Stage prepare failed; not run, since they need what failed: train, sub/dvc.yaml:other.\n" in said.err
    assert "up to date" not in assay("repro", "--ignore-errors", "-s", "train", cwd=project, code=255).err


def test_a_run_that_goes_on_after_a_failure_makes_no_experiment(assay, project):
    (project / "train.sh").write_text("exit 3\n")
    said = assay("run", "-k", "-n", "half", cwd=project, code=255)
    assert said.out == ""
    assert "Stage train failed" in said.err
    assert "half" not in assay("list", cwd=project).out
    assert not (project / "model.bin").exists()
    assert (project / "data/upper.txt").exists()


def test_a_run_that_ignores_errors_makes_one_and_says_so(assay, project):
    (project / "train.sh").write_text("exit 3\n")
    said = assay("run", "--ignore-errors", "-n", "half", cwd=project, code=255)
    assert "Experiment half" in said.out
    assert "Stage train failed" in said.err
    assert "half" in assay("list", cwd=project).out


def test_a_run_takes_edited_data_along(assay, project):
    (project / "raw.txt").unlink()
    assay("baseline", "-m", "data is not for Git", cwd=project)
    (project / "raw.txt").write_text("hello\n")
    assay("add", "raw.txt", cwd=project)
    before = (project / "raw.txt.dvc").read_text()
    assay("run", "-n", "one", cwd=project)
    (project / "raw.txt").write_text("edited\n")
    assay("run", "-n", "two", cwd=project)
    assert (project / "raw.txt.dvc").read_text() != before
    assay("apply", "one", cwd=project)
    assert (project / "raw.txt.dvc").read_text() == before
    assert (project / "raw.txt").read_text() == "hello\n"
    assay("apply", "two", cwd=project)
    assert (project / "raw.txt").read_text() == "edited\n"


def test_a_run_of_one_stage_in_a_folder(assay, project, sub):
    assert "Experiment one" in assay("run", "-n", "one", "other", cwd=sub).out
    assert (sub / "o").exists()
    assert not (project / "model.bin").exists()


def test_a_run_uses_what_ran_before(assay, project):
    assay("run", "-n", "one", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.2", cwd=project)
    two = (project / "metrics.json").read_text()
    assay("run", "-n", "three", "-S", "train.lr=0.1", cwd=project)
    said = assay("run", "-n", "four", "-S", "train.lr=0.2", cwd=project)
    assert "train is restored from the run cache" in said.err.replace("Stage ", "")
    assert (project / "metrics.json").read_text() == two


def test_status_for_programs(assay, project):
    assay("repro", cwd=project)
    assay("baseline", "-m", "results", cwd=project)
    (project / "params.yaml").write_text("train: {lr: 0.2, epochs: 3}\n")
    found = json.loads(assay("status", "--json", cwd=project).out)
    assert found["branch"] == "main"
    assert found["files"]["unstaged"] == {"params.yaml": "M"}
    (stage,) = found["stages"]
    assert (stage["stage"], stage["frozen"]) == ("train", False)
    assert stage["reasons"] == [
        {"about": "param", "name": "params.yaml:train.lr", "text": "params.yaml:train.lr changed", "kind": "changed"}
    ]
    assert found["problem"] is None


def test_status_tells_frozen_stages_apart(assay, project):
    assay("repro", cwd=project)
    text = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(text.replace("  train:\n", "  train:\n    frozen: true\n"))
    (project / "model.bin").write_text("mine\n")
    out = assay("status", cwd=project).out
    assert "Frozen stages that are not as recorded:\n  train: model.bin changed\n" in out
    assert "would run" not in out


def test_a_broken_pipeline_is_told_beside_the_rest(assay, project):
    (project / "dvc.yaml").write_text("stages: [\n")
    said = assay("status", "--json", cwd=project, code=255)
    assert "dvc.yaml" in json.loads(said.out)["problem"]
    assert "error: dvc.yaml" in said.err


def test_a_person_is_asked_before_each_stage(project):
    screen, keyboard = pty.openpty()
    words = [sys.executable, "-m", "assay", "repro", "-i"]
    with subprocess.Popen(words, cwd=project, stdin=keyboard, stderr=keyboard, stdout=subprocess.PIPE) as process:
        os.close(keyboard)
        os.write(screen, b"y\nno\n")
        said = b""
        with contextlib.suppress(OSError):  # Linux says so when the other end is closed
            while piece := os.read(screen, 1000):
                said += piece
    os.close(screen)
    assert process.returncode == 255
    assert b"Run stage 'prepare'? [y/N]" in said
    assert b"Stopped before stage 'train'" in said
    assert (project / "data").exists()
    assert not (project / "model.bin").exists()
