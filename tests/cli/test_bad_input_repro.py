"""Bad input to `repro`, `run` and `status`: one sentence, the right exit code, and nothing changed."""

from __future__ import annotations

import pytest

from tests.filetree import picture


@pytest.mark.parametrize("verb", ["repro", "run"])
@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (255, ["trian"], ["'trian'", "'train'"]),
        (255, ["sub"], ["'sub'"]),
        (255, ["-R", "sub"], ["'sub'"]),
        (255, ["--glob", "zz*"], ["'zz*'"]),
        (254, ["../dvc.yaml"], ["outside"]),
        (254, ["/dvc.yaml:train"], ["outside"]),
        (255, ["nowhere/dvc.yaml:train"], ["nowhere/dvc.yaml:train"]),
        (255, ["raw.txt"], ["'raw.txt'"]),
        (254, ["-i"], ["-i", "terminal"]),
        (254, ["--downstrem"], ["--downstream"]),
    ],
)
def test_what_cannot_be_chosen(assay, project, verb, code, words, says):
    (project / "sub").mkdir()
    before = picture(project)
    said = assay(verb, *words, cwd=project, code=code)
    assert [line[:7] for line in said.err.splitlines() if not line.startswith(" ")] == ["error: "], said.err
    for word in says:
        assert word in said.err
    assert picture(project) == before


def test_both_ways_out_of_a_failure(assay, project):
    assert "--no-commit" in assay("run", "--no-commit", cwd=project, code=254).err
    assert "--jsno" in assay("status", "--jsno", cwd=project, code=254).err


def test_data_that_a_stage_writes_too(assay, project):
    (project / "model.bin.dvc").write_text("outs:\n- path: model.bin\n")
    before = picture(project)
    said = assay("repro", cwd=project, code=255)
    assert "'model.bin' is also written by stage 'train'" in said.err
    assert picture(project) == before


def test_a_project_without_a_pipeline_has_nothing_to_run(assay, tmp_path):
    assay("init", cwd=tmp_path)
    said = assay("repro", cwd=tmp_path, code=254)
    assert "There is nothing to run: the project has no dvc.yaml." in said.err
