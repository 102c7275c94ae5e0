"""Bad input to the verbs of `assay-dvc` gets one sentence, DVC's exit code, and changes nothing."""

from __future__ import annotations

import pytest

from tests.filetree import picture, write

FILES = {
    ".dvc/config": "",
    "a.txt": "hello\n",
    "d/1": "1\n",
    "dvc.yaml": "stages:\n  one:\n    cmd: cat a.txt > b.txt\n    deps: [a.txt]\n    outs: [b.txt]\n",
}


@pytest.fixture
def project(tmp_path, assay, assay_dvc):
    """A DVC project with data and a stage, made and committed without DVC or Git."""
    folder = tmp_path / "project"
    folder.mkdir()
    assay_dvc("init", cwd=folder)
    write(folder, FILES)
    assay_dvc("add", "d", cwd=folder)
    assay_dvc("repro", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    write(folder, {"d/1": "edited\n", "b.txt": "edited\n"})
    return folder


@pytest.fixture
def refused(assay_dvc):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(project, code, *words, says="", cwd=None):
        before = picture(project)
        said = assay_dvc(*words, cwd=cwd or project, code=code)
        assert len([line for line in said.err.splitlines() if line.startswith("ERROR: ")]) == 1, said.err
        assert says in said.err, said.err
        assert said.out == ""
        assert picture(project) == before

    return check


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (254, ["add"], "PATH"),
        (1, ["add", "nothing"], "does not exist"),
        (1, ["add", "../away"], "outside"),
        (1, ["add", "b.txt"], "stage one"),
        (1, ["add", "--out", "x", "d", "a.txt"], "one path"),
        (255, ["checkout"], "d/1"),
        (255, ["checkout", "nothing"], "nothing"),
        (1, ["commit", "nothing"], "nothing"),
        (255, ["check-ignore"], "--stdin"),
        (255, ["check-ignore", "-n", "x"], "--details"),
        (255, ["check-ignore", "../../away"], "outside"),
        (254, ["config", "nothing"], "section.option"),
        (251, ["config", "core.nothing", "x"], "core.nothing"),
        (251, ["config", "--local", "core.remote"], "not set"),
        (1, ["config"], "--list"),
        (1, ["config", "--list", "core.remote"], "--list"),
        (1, ["config", "--show-origin", "core.remote", "x"], "--show-origin"),
        (254, ["config", "--local", "--global", "core.remote"], "not allowed"),
        (255, ["dag", "nothing"], "nothing"),
        (254, ["dag", "--dot", "--md"], "not allowed"),
        (255, ["data", "status", "nothing"], "nothing"),
        (254, ["data", "status", "--untracked-files=some"], "some"),
        (254, ["freeze"], "TARGET"),
        (1, ["freeze", "one", "nothing"], "nothing"),
        (1, ["unfreeze", "nothing"], "nothing"),
        (255, ["gc"], "keep"),
        (255, ["gc", "-w", "--date", "yesterday"], "yesterday"),
        (255, ["gc", "--rev", "nothing", "-f"], "nothing"),
        (1, ["init"], "already"),
        (1, ["init", "--no-scm", "--subdir"], "exclude"),
        (255, ["metrics", "show", "nothing.json"], "nothing.json"),
        (255, ["metrics", "diff", "nothing"], "nothing"),
        (254, ["metrics", "show", "--precision", "x"], "--precision"),
        (255, ["params", "diff", "--targets", "nothing.yaml"], "nothing.yaml"),
        (1, ["move", "nothing", "x"], "nothing"),
        (1, ["move", "d", "a.txt"], "a.txt"),
        (1, ["remove", "nothing"], "nothing"),
        (1, ["remove", "nothing.dvc"], "nothing"),
        (255, ["repro", "nothing"], "nothing"),
        (255, ["repro", "-i"], "terminal"),
        (254, ["repro", "--nothing"], "--nothing"),
        (255, ["stage", "list", "nothing"], "nothing"),
        (254, ["stage", "add", "echo"], "--name"),
        (255, ["stage", "add", "-n", "one", "echo"], "one"),
        (255, ["stage", "add", "-n", "x"], "command"),
        (1, ["status", "nothing"], "nothing"),
        (1, ["status", "-a"], "--cloud"),
        (251, ["status", "-c"], "remote"),
        (1, ["unprotect", "nothing"], "nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_words_that_do_not_work(project, refused, code, words, says):
    refused(project, code, *words, says=says)


@pytest.mark.parametrize("verb", ["add x", "checkout", "commit", "dag", "data status", "gc -w", "repro", "status"])
def test_outside_a_project_every_verb_says_so(tmp_path, assay_dvc, verb):
    (tmp_path / "empty").mkdir()
    said = assay_dvc(*verb.split(), cwd=tmp_path / "empty", code=253)
    assert said.out == ""
    assert said.err.startswith("ERROR: ")


@pytest.mark.parametrize("verb", ["status", "repro", "data status", "dag", "checkout", "stage list --fail"])
def test_a_broken_pipeline_file_is_named(project, refused, verb):
    write(project, {"dvc.yaml": "stages: [1]\n"})
    refused(project, 1 if verb == "status" else 255, *verb.split(), says="dvc.yaml")
