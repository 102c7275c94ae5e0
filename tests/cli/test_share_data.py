"""``assay push``, ``pull`` and ``fetch`` of data by its path, in projects of both kinds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture(params=["native", "dvc"])
def project(request: pytest.FixtureRequest, tmp_path: Path, assay: Run, git: Run) -> Path:
    """Two tracked things, a remote, one commit."""
    root = tmp_path / "project"
    root.mkdir()
    git("init", "-q", str(root))
    if request.param == "dvc":
        (root / ".dvc").mkdir()
        (root / ".dvc/config").write_text("")
        (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    else:
        assay("init", cwd=root)
    for name in ("data/a", "data/b", "model"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    assay("add", "data", "model", cwd=root)
    assay("remote", "add", "-d", "store", str(tmp_path / "store"), cwd=root)
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    return root


def copy(root: Path) -> Path:
    there = root.with_name("copy")
    shutil.copytree(root, there, ignore=shutil.ignore_patterns("cache", "tmp", "data", "model"))
    return there


def test_a_path_means_its_data_alone(project: Path, assay: Run) -> None:
    assert "Pushed data: 0 Git objects and 1 artifact" in assay("push", "data/a", cwd=project).out
    assert not (project.parent / "store/git").exists()
    there = copy(project)
    said = assay("pull", "model", cwd=there, code=255)
    assert "model" in said.err
    assay("push", "model", cwd=project)
    assay("fetch", "model", cwd=there)
    assert not (there / "model").exists()
    assay("checkout", "model", cwd=there)
    assert (there / "model").read_text() == "model"


def test_fetch_leaves_the_workspace_alone(project: Path, assay: Run) -> None:
    assay("push", cwd=project)
    there = copy(project)
    assert "Fetched" in assay("fetch", cwd=there).out
    assert not (there / "data").exists()
    assay("checkout", cwd=there)
    assert (there / "data/b").read_text() == "data/b"
    assert assay("push", cwd=there).out == "Everything is up to date.\n"


def test_a_word_that_is_neither_data_nor_an_experiment_is_said(project: Path, assay: Run) -> None:
    for verb in ("push", "pull", "fetch"):
        assay("push", "model", cwd=project)
        assert "There is no experiment 'nope'" in assay(verb, "nope", cwd=project, code=255).err
