"""Bad input to the verbs about stages gets one sentence, the right exit code, and changes nothing."""

from __future__ import annotations

import pytest

from tests.filetree import picture


@pytest.fixture
def refused(assay, project):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(code, *words, says=(), cwd=project):
        before = picture(project)
        said = assay(*words, cwd=cwd, code=code)
        errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, said.err
        for word in says:
            assert word in said.err, said.err
        assert said.out == ""
        assert picture(project) == before

    return check


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (254, ["stage"], ["add|list|remove"]),
        (254, ["stage", "add", "true"], ["-n/--name"]),
        (254, ["stage", "add", "-n", "x"], ["There is no command"]),
        (254, ["stage", "add", "-n", "x", "--"], ["There is no command"]),
        (254, ["stage", "add", "-n", "x:y", "true"], ["'x:y'"]),
        (1, ["stage", "add", "-n", "train", "true"], ["'train'", "-f"]),
        (254, ["stage", "add", "-n", "x", "-o", "data", "true"], ["'data'", "prepare"]),
        (254, ["stage", "add", "-n", "x", "-o", "data/more", "true"], ["data/more", "lies inside"]),
        (254, ["stage", "add", "-n", "x", "-o", "../x", "true"], ["outside the project"]),
        (254, ["stage", "add", "-n", "x", "-d", "model.bin", "-o", "raw.txt", "true"], ["circle"]),
        (254, ["stage", "add", "-n", "x", "-w", "nowhere", "true"], ["nowhere"]),
        (254, ["stage", "add", "-n", "x", "echo ${nope}"], ["nope"]),
        (254, ["stage", "add", "-n", "x", "-d", "é\udce9", "true"], ["UTF-8"]),
        (1, ["stage", "add", "-n", "x", "-o", "prepare.sh", "true"], ["prepare.sh", "tracked by Git", "-O"]),
        (254, ["stage", "add", "-n", "x", "--desk", "true"], ["--desk", "--desc"]),
        (255, ["stage", "list", "trian"], ["'trian'", "'train'"]),
        (255, ["stage", "list", "-R", "nowhere"], ["nowhere"]),
        (255, ["stage", "remove", "nope"], ["'nope'"]),
        (254, ["stage", "remove", "../dvc.yaml:train"], ["outside the project"]),
        (254, ["stage", "remove", "/etc/passwd"], ["/etc/passwd"]),
        (254, ["stage", "remove"], ["STAGE"]),
        (255, ["dag", "nope"], ["'nope'"]),
        (254, ["dag", "--dot", "--md"], ["--dot"]),
        (254, ["dag", "--outs", "--collapse-foreach-matrix"], ["--outs"]),
        (254, ["freeze"], ["TARGET"]),
        (255, ["freeze", "train", "nope"], ["'nope'"]),
        (255, ["unfreeze", "nope.dvc"], ["nope.dvc"]),
    ],
)
def test_words_that_make_no_sense(refused, code, words, says):
    refused(code, *words, says=says)


@pytest.mark.parametrize(
    "words",
    [["stage", "add", "-n", "x", "true"], ["stage", "list"], ["stage", "remove", "a"], ["dag"], ["freeze", "a"]],
)
def test_a_pipeline_that_cannot_be_understood(refused, project, words):
    (project / "dvc.yaml").write_text("stages:\n  a:\n    cmdd: x\n")
    refused(255, *words, says=["dvc.yaml", "line 3", "cmdd"])


def test_a_stage_that_cannot_be_edited_by_line(refused, project):
    (project / "dvc.yaml").write_text("x: &x {b: {cmd: c}}\nstages: *x\n")
    refused(1, "stage", "add", "-n", "d", "true", says=["not written in a way"])
    (project / "dvc.yaml").write_text("x: &x {cmd: x}\nstages:\n  a: *x\n")
    refused(255, "freeze", "a", says=["dvc.yaml"])
    (project / "dvc.yaml").write_text("stages:\n  a: &a\n    cmd: x\n  b: *a\n")
    refused(1, "freeze", "a", says=["dvc.yaml"])
    refused(1, "stage", "remove", "a", says=["dvc.yaml"])


def test_stages_that_are_made_from_one_definition(refused, project):
    (project / "dvc.yaml").write_text("stages:\n  g:\n    foreach: [1, 2]\n    do: {cmd: x}\n")
    refused(1, "freeze", "g@1", says=["'g@1'", "'g'"])
    refused(1, "stage", "remove", "g@2", says=["'g@2'", "'g'"])
    refused(1, "stage", "add", "-f", "-n", "g", "true", says=["'g'"])


def test_a_lock_file_that_is_none(refused, project, assay):
    (project / "dvc.lock").write_text("schema: '1.0'\n")
    refused(255, "stage", "remove", "train", says=["dvc.lock"])


def test_a_gitignore_that_git_does_not_read(refused, project):
    (project / ".gitignore").symlink_to("elsewhere")
    refused(1, "stage", "add", "-n", "x", "-o", "new", "true", says=["symlink"])
    refused(1, "stage", "remove", "train", says=["symlink"])


def test_not_a_project(assay, tmp_path):
    for words in (["stage", "list"], ["dag"], ["freeze", "a"]):
        assert "assay init" in assay(*words, cwd=tmp_path, code=253).err
