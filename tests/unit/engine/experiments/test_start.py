"""Which files belong to an experiment of a DVC project: those that Git tracks, and those that the pipeline names."""

from __future__ import annotations

import pytest

from tests.filetree import tree_of, write

FILES = {
    "dvc.yaml": """\
stages:
  train:
    cmd: cat code/a.py in/new > out/model; echo 1 > out/acc.json; echo 2 > hidden.json
    wdir: sub
    deps: [code, in/new, secret]
    params: [{own.yaml: [lr]}]
    outs: [out/model]
    metrics: [out/acc.json: {cache: false}, hidden.json: {cache: false}]
params: [more.yaml]
metrics: [numbers.json]
plots: [curves]
""",
    ".gitignore": "*.pyc\n/sub/secret\n/sub/hidden.json\n",
    "sub/code/a.py": "a",
    "sub/code/b.pyc": "b",
    "sub/in/new": "new",
    "sub/in/other": "other",
    "sub/secret": "secret",
    "sub/own.yaml": "lr: 1\n",
    "sub/out/keep": "",
    "more.yaml": "x: 1\n",
    "numbers.json": "{}",
    "curves/loss.csv": "step,loss\n",
    "notes.txt": "not named",
}


@pytest.fixture
def dvc_project(tmp_path, git):
    """A DVC project whose only commit has its .gitignore; everything else is new."""
    folder = tmp_path / "project"
    write(folder, {".dvc/config": "", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", **FILES})
    git("init", "-q", cwd=folder)
    git("add", ".dvc", ".gitignore", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    return folder


NAMED = {
    *(".dvc/.gitignore", ".dvc/config", ".gitignore"),
    *("dvc.lock", "dvc.yaml", "sub/code/a.py", "sub/in/new", "sub/own.yaml"),
    *("more.yaml", "numbers.json", "curves/loss.csv", "sub/out/acc.json", "sub/hidden.json"),
}


@pytest.mark.parametrize("verb", ["run", "save"])
def test_what_the_pipeline_names_is_taken_and_nothing_else_that_is_new(dvc_project, assay, git, verb):
    assay("repro", cwd=dvc_project)
    assay(verb, "-n", "one", cwd=dvc_project)
    assert set(tree_of(git, dvc_project, "one")) == NAMED
    assert (dvc_project / "sub/out/.gitignore").read_text() == "/model\n"


def test_autostage_takes_new_gitignore_files_too(dvc_project, assay, git):
    (dvc_project / ".dvc/config").write_text("[core]\n    autostage = true\n")
    assay("run", "-n", "one", cwd=dvc_project)
    assert set(tree_of(git, dvc_project, "one")) == NAMED | {"sub/out/.gitignore"}


def test_a_gitignore_that_git_knows_is_taken_as_it_is_afterwards(dvc_project, assay, git):
    write(dvc_project, {"sub/out/.gitignore": "*.tmp\n"})
    git("add", "sub/out/.gitignore", cwd=dvc_project)
    assay("run", "-n", "one", cwd=dvc_project)
    ref = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=dvc_project)
    assert git("show", f"{ref}:sub/out/.gitignore", cwd=dvc_project) == "*.tmp\n/model"


def test_a_new_gitignore_in_a_folder_that_a_stage_reads_is_taken(dvc_project, assay, git):
    text = (
        (dvc_project / "dvc.yaml")
        .read_text()
        .replace("stages:\n", "stages:\n  more:\n    cmd: echo 1 > sub/code/m\n    outs: [sub/code/m]\n")
    )
    (dvc_project / "dvc.yaml").write_text(text)
    assay("run", "-n", "one", cwd=dvc_project)
    assert set(tree_of(git, dvc_project, "one")) == NAMED | {"sub/code/.gitignore"}


def test_data_files_are_taken_where_a_stage_reads_them(dvc_project, assay, git):
    write(dvc_project, {"sub/in/new": "bigger", "other/data": "x"})
    assay("add", "sub/in/new", "other/data", cwd=dvc_project)
    (dvc_project / "sub/in/new").write_text("edited")
    assay("run", "-n", "one", cwd=dvc_project)
    assert set(tree_of(git, dvc_project, "one")) == (NAMED - {"sub/in/new"}) | {"sub/in/new.dvc"}


def test_temporary_files_that_somebody_committed_leave(dvc_project, assay, git):
    write(dvc_project, {".dvc/tmp/repro.dat": "pickle"})
    git("add", "-f", ".dvc/tmp/repro.dat", cwd=dvc_project)
    git("commit", "-qm", "by mistake", cwd=dvc_project)
    (dvc_project / ".dvc/tmp/repro.dat").write_text("another pickle")
    assay("run", "-n", "one", cwd=dvc_project)
    assert set(tree_of(git, dvc_project, "one")) == NAMED
    assert (dvc_project / ".dvc/tmp/repro.dat").read_text() == "another pickle"


def test_saving_says_what_stays_behind(dvc_project, assay):
    write(dvc_project, {"venv/a.py": "", "sub/hidden.txt": "", "also.pyc": ""})
    assay("repro", cwd=dvc_project)
    said = assay("save", "-n", "one", "-I", "sub/hidden.txt", cwd=dvc_project).err
    assert "so the experiment is without them: notes.txt, sub/in/other, sub/out/keep, venv/a.py.\n" in said
    assert "without them" not in assay("run", "-n", "two", cwd=dvc_project).err
