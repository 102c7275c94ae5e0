"""Whole command lines about what is shared: chosen, counted, listed, compared, removed; fetched before a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture(params=["folder", "s3"])
def shared(request: pytest.FixtureRequest, project: Path, assay: Run, tmp_path: Path) -> Path:
    """A project with two experiments and a remote to which nothing was pushed."""
    settings: dict[str, str] = {}
    url = str(tmp_path / "remote")
    if request.param == "s3":
        url, settings = request.getfixturevalue("s3")
    assay("remote", "add", "-d", "team", url, cwd=project)
    for key, value in settings.items():
        assay("remote", "modify", "--local", "team", key, str(value), cwd=project)
    assay("run", "-n", "low", "-S", "train.lr=0.01", cwd=project)
    assay("run", "-n", "high", "-S", "train.lr=0.9", cwd=project)
    return project


def copy_of(project: Path, assay: Run) -> Path:
    """Another clone, made of what the first one pushed."""
    there, local = project.with_name("there"), project / ".assay/config.local"
    lines = local.read_text().splitlines() if local.exists() else []
    options = [line.strip().replace(" = ", "=", 1) for line in lines if " = " in line]
    url = assay("remote", "list", cwd=project).out.split("\t")[1]
    assay("clone", url, str(there), *(word for option in options for word in ("--option", option)))
    return there


def test_a_team_shares_what_it_chooses(shared: Path, assay: Run) -> None:
    told = assay("push", "--dry", "--where", "acc > 0.5", cwd=shared).out
    assert told.startswith("Would push 1 ref (high), ")
    done = assay("push", "--where", "acc > 0.5", "--branch", "-j", "2", cwd=shared).out
    assert done.startswith("Pushed high, main: ")
    assert assay("list", "--remote", "--name-only", cwd=shared).out == "high\n"

    there = copy_of(shared, assay)
    assert assay("list", "--name-only", cwd=there).out == "high\n"
    assay("push", "--no-branch", cwd=shared)
    assert assay("pull", "--where", "acc > 0.5", cwd=there).out == "Everything is up to date.\n"
    told = assay("pull", "--where", "acc < 0.5", "--dry", cwd=there).out
    assert told.startswith("Would pull 1 ref (low), ")
    assert assay("list", "--name-only", cwd=there).out == "high\n"
    assert assay("fetch", "--where", "acc < 0.5", cwd=there).out.startswith("Fetched low: ")

    found = json.loads(assay("status", "--remote", "--json", cwd=shared).out)
    assert (found["experiments"], found["damaged"]) == ({"high": "both", "low": "both"}, [])
    assert "would remove" in assay("remove", "--remote", "high", "--dry", cwd=there).out
    said = assay("remove", "--remote", "high", cwd=there).out
    assert said.startswith("Removed high (")
    assert said.endswith("; `assay push high` brings it back.\n")
    assert assay("list", "--remote", "-A", "--name-only", cwd=there).out == "low\n"
    assert assay("list", "--name-only", cwd=there).out == "high\nlow\n"
    said = assay("status", "--remote", cwd=there).out
    assert "  only here          high\n  on both sides      low\n" in said

    assay("push", "high", cwd=there)
    assay("remove", "high", cwd=there)
    said = assay("remove", "--remote", "-A", cwd=there).out
    assert "; `assay push low` brings what is here back.\n" in said
    assert said.endswith("Not here: high. Whoever has it can push it again.\n")


def test_the_run_cache_goes_along_where_it_is_asked_for(shared: Path, assay: Run) -> None:
    assay("push", "-A", "--run-cache", cwd=shared)
    assert assay("push", "-A", "--run-cache", "--dry", cwd=shared).out == "Everything is up to date.\n"
    there = copy_of(shared, assay)
    assay("pull", "--run-cache", cwd=there)
    said = assay("run", "--pull", "-S", "train.lr=0.9", cwd=there)
    assert "training with" not in said.err
    assert "restored from the run cache" in said.err


def test_what_a_run_needs_is_fetched_first(tmp_path: Path, project: Path, assay: Run) -> None:
    (project / "extra").write_text("extra\n")
    assay("add", "extra", cwd=project)
    assay("remote", "add", "-d", "team", str(tmp_path / "remote"), cwd=project)
    assay("run", "-n", "one", cwd=project)
    assay("baseline", "-m", "second", "--from", "one", cwd=project)
    assay("push", "--run-cache", cwd=project)
    there = copy_of(project, assay)
    (there / ".assay/cache").rename(tmp_path / "cache")
    (there / "extra").unlink()
    words = ["--deps", "extra", "--metrics", "m.json", "--", "sh", "-c", "cat extra; echo 1 > m.json"]
    assert "extra" in assay("run", *words, cwd=there, code=None).err
    assay("run", "--pull", *words, cwd=there)
    assert (there / "extra").read_text() == "extra\n"
    assert (there / "m.json").read_text() == "1\n"

    (there / ".assay/cache").rename(tmp_path / "cache2")
    (there / "extra").unlink()
    assert "would not have extra" in assay("run", "--queue", *words, cwd=there, code=1).err
    assert "Queued 1 experiment" in assay("run", "--queue", "--pull", *words, cwd=there).out


class TestPushedAtOnce:
    """``exp.auto_push``: a new experiment goes to the remote, and a failure is a warning."""

    @pytest.fixture
    def remote(self, project: Path, assay: Run, tmp_path: Path) -> Path:
        assay("remote", "add", "-d", "team", str(tmp_path / "remote"), cwd=project)
        return tmp_path / "remote"

    def names(self, assay: Run, project: Path) -> str:
        return assay("list", "--remote", "--name-only", cwd=project).out

    def test_after_run_and_save(self, project: Path, assay: Run, remote: Path) -> None:
        assay("config", "exp.auto_push", "true", cwd=project)
        assert assay("run", "-n", "ran", cwd=project).out.endswith("Pushed ran.\n")
        assert assay("save", "-n", "saved", cwd=project).out.endswith("Pushed saved.\n")
        assert self.names(assay, project) == "ran\nsaved\n"
        assert list((remote / "runs").rglob("*"))
        assert not (remote / "git/heads").exists()

    def test_as_the_variable_says(
        self, project: Path, assay: Run, remote: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assay("run", "-n", "kept", cwd=project)
        assert not remote.exists()
        monkeypatch.setenv("DVC_EXP_AUTO_PUSH", "true")
        assay("save", "-n", "gone", cwd=project)
        assert self.names(assay, project) == "gone\n"

    def test_to_the_git_remote_that_is_named(
        self, project: Path, assay: Run, git: Run, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git("init", "-q", "--bare", str(tmp_path / "far.git"))
        monkeypatch.setenv("DVC_EXP_AUTO_PUSH", "1")
        monkeypatch.setenv("DVC_EXP_GIT_REMOTE", str(tmp_path / "far.git"))
        assay("run", "-n", "far", cwd=project)
        assert "far" in git("for-each-ref", "refs/exps", cwd=tmp_path / "far.git")
        assert (remote / "index").exists()
        assert not (remote / "git").exists()

    def test_a_failure_is_a_warning(self, project: Path, assay: Run, remote: Path) -> None:
        assay("config", "exp.auto_push", "true", cwd=project)
        remote.write_text("a file, and no folder")
        said = assay("run", "-n", "alone", cwd=project)
        assert "warning: alone was not pushed: " in said.err
        assert assay("list", "--name-only", cwd=project).out == "alone\n"


def test_of_two_who_went_apart_each_is_told_what_to_do(project: Path, assay: Run, tmp_path: Path) -> None:
    assay("remote", "add", "-d", "team", str(tmp_path / "remote"), cwd=project)
    assay("run", "-n", "one", "-S", "train.lr=0.01", cwd=project)
    assay("push", cwd=project)
    there = copy_of(project, assay)
    (project / "note.txt").write_text("more")
    assay("save", "-n", "same", cwd=project)
    assay("push", cwd=project)
    assay("save", "-n", "same", cwd=there)
    for verb in ("push", "pull"):
        told = assay(verb, cwd=there, code=255).err
        assert "error: same: " in told
        assert "`assay rename`" in told
    assay("rename", "same", "other", cwd=there)
    assay("baseline", "-m", "on it goes", cwd=project)
    assay("push", cwd=project)
    assay("pull", cwd=there)
    told = assay("pull", cwd=there)
    assert "`assay pull --ff` moves it" in told.err
    assert told.out == "Everything else is up to date.\n"


def test_what_fails_for_one_reason_is_told_once(project: Path, assay: Run, tmp_path: Path) -> None:
    assay("remote", "add", "-d", "team", str(tmp_path / "remote"), cwd=project)
    assay("push", cwd=project)
    copy_of(project, assay)
    for name in ("one", "two"):
        assay("save", "-n", name, cwd=project)
    (tmp_path / "remote/git/packs").rename(tmp_path / "away")
    (tmp_path / "remote/git/packs").write_text("no folder")
    told = assay("push", cwd=project, code=255).err
    assert "\nerror: one, two: " in told
    assert told.count("error: ") == 1
