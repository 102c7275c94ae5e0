"""Stages and paths are spelled as they would be typed in the folder that one is in."""

from __future__ import annotations

import pytest


@pytest.fixture
def nested(tmp_path, assay):
    """A project whose root and sub folder have pipelines that need each other."""
    assay("init", cwd=tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages: {a: {cmd: echo 1 > o, params: [lr], outs: [o]}}\n")
    (tmp_path / "params.yaml").write_text("lr: 1\n")
    (tmp_path / "sub/dvc.yaml").write_text("stages: {b: {cmd: echo 2 > p, deps: [../o], outs: [p]}}\n")
    assay("baseline", "-m", "first", cwd=tmp_path)
    return tmp_path


def test_reproducing(nested, assay):
    assert assay("repro", "--dry", cwd=nested / "sub").out == "Would run: ../dvc.yaml:a, b.\n"
    said = assay("repro", cwd=nested / "sub").err
    assert "Running stage ../dvc.yaml:a:" in said
    assert "Running stage b:" in said
    assert "Stage sub/dvc.yaml:b is unchanged, not run." in assay("repro", "-P", cwd=nested).err
    (nested / "sub/dvc.yaml").write_text("stages: {b: {cmd: exit 1, deps: [../o], outs: [p]}}\n")
    assert "Stage b failed." in assay("repro", "-k", cwd=nested / "sub", code=255).err


def test_the_state_of_the_workspace(nested, assay):
    assay("repro", "-P", cwd=nested)
    (nested / "params.yaml").write_text("lr: 2\n")
    (nested / "o").write_text("3\n")
    said = assay("status", cwd=nested / "sub").out
    assert "  M ../params.yaml\n" in said
    assert "  ../dvc.yaml:a: ../params.yaml:lr changed, ../o changed\n" in said
    assert "  b: ../o changed\n" in said
    assert "  sub/dvc.yaml:b: o changed\n" in assay("status", cwd=nested).out


@pytest.mark.parametrize(
    "words",
    [("repro", "nope"), ("checkout", "nope"), ("commit", "nope"), ("data", "remove", "nope"), ("data", "ls", "nope")],
)
def test_a_target_that_means_nothing_ends_with_the_code_of_an_error_not_of_bad_usage(nested, assay, words):
    assert "nope" in assay(*words, cwd=nested, code=255).err
