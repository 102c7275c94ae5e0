"""Bad input to `assay-dvc exp ...`: one sentence, DVC's exit code, nothing changed."""

from __future__ import annotations

import pytest

from tests.filetree import picture, write


@pytest.fixture
def project(tmp_path, git):
    """A DVC project with one stage."""
    folder = tmp_path / "project"
    stage = "stages:\n  a:\n    cmd: cp params.yaml out\n    params: [lr]\n    outs: [out]\n"
    files = {".dvc/config": "", ".dvc/.gitignore": "/tmp\n/cache\n", "dvc.yaml": stage, "params.yaml": "lr: 1\n"}
    write(folder, files)
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    return folder


@pytest.fixture
def refused(assay_dvc):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(folder, code, *words, says=""):
        before = picture(folder)
        said = assay_dvc("exp", *words, cwd=folder, code=code)
        assert said.out == ""
        assert said.err.startswith("ERROR: ")
        assert says in said.err
        assert picture(folder) == before

    return check


def test_words_that_are_no_command(refused, project):
    for words in (["run", "--jobs", "x"], ["run", "--nope"], ["save", "-n"], ["apply"], ["branch"]):
        refused(project, 254, *words)


CANNOT = [
    ["run", "-S", "nope=1"],
    ["run", "-S", "lr"],
    ["run", "-S", "lr=1,2"],
    ["run", "--queue", "-S", "nope=1"],
    ["run", "--queue", "-S", "lr=glob(*)"],
    ["run", "--queue", "-C", "nope"],
    ["run", "--queue", "-n", "a/b"],
    ["run", "--queue", "nope"],
    ["run", "-S", "lr=1,2"],
    ["run", "-S", "../outside.yaml:a=1"],
    ["run", "-S", "dvc.yaml:stages=1"],
    ["run", "-n", "a/b"],
    ["run", "nope"],
    ["run", "-R", "nope"],
    ["apply", ""],
    ["apply", "HEAD:params.yaml"],
    ["branch", "nope"],
    ["branch", "HEAD", "x"],
    ["branch", "HEAD", "a..b"],
    ["rename", "nope", "x"],
    ["rename", "one"],
    ["rename", "-g", "origin", "one", "x"],
    ["remove"],
    ["remove", "-n", "2"],
    ["remove", "nope"],
    ["remove", "nope", "-A"],
    ["remove", "--queue", "--keep"],
    ["remove", "--queue", "-g", "origin"],
    ["remove", "--queue", "nope"],
    ["remove", "-A", "-g", "origin"],
    ["remove", "--rev", "nope"],
    ["remove", "--keep", "nope"],
]


@pytest.mark.parametrize("verb", ["run", "apply", "branch", "rename", "remove"])
def test_what_cannot_be_done(refused, project, verb):
    for words in CANNOT:
        if words[0] == verb:
            refused(project, 255, *words)


def test_what_cannot_be_saved(refused, project):
    (project / ".dvc/tmp").mkdir()
    for words in (
        ["nope"],
        ["-n", "a b"],
        ["-I", "nope"],
        ["-I", ".git"],
        ["-I", ".dvc/tmp"],
        ["-I", "/"],
        ["-I", ".."],
    ):
        refused(project, 1, "save", *words, says="failed to save experiment - ")


def test_broken_files_of_the_project(refused, project):
    (project / "dvc.yaml").write_text("stages: [")
    refused(project, 255, "run", says="dvc.yaml")
    refused(project, 1, "save", says="dvc.yaml")


def test_a_repository_without_a_commit(refused, tmp_path, git):
    write(tmp_path, {".dvc/config": "", "dvc.yaml": "stages: {a: {cmd: 'true'}}\n"})
    git("init", "-q")
    refused(tmp_path, 255, "run", says="There is no commit yet")
    refused(tmp_path, 1, "save", says="There is no commit yet")


def test_no_project_has_a_code_of_its_own(assay_dvc, tmp_path):
    for words in (["run"], ["save"], ["apply", "x"], ["branch", "x"], ["rename", "x", "y"], ["remove", "x"], ["clean"]):
        assert assay_dvc("exp", *words, cwd=tmp_path, code=253).out == ""


def test_hydra_is_not_passed_over_in_silence(refused, assay_dvc, project):
    (project / ".dvc/config").write_text("[hydra]\n    enabled = true\n")
    refused(project, 255, "run", says="Hydra")  # no configuration, or nothing that composes it
    assay_dvc("exp", "run", "--no-hydra", cwd=project)
