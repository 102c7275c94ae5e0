"""Real Git looks at the repository after every command: fsck is clean, status is what it should be, nothing moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import projects

BRANCHES = ("refs/heads/", "refs/stash", "refs/tags/")


def guarded(folder: Path) -> dict[str, bytes]:
    """HEAD, index, stash, branches and tags with their reflogs, byte for byte."""
    found = {}
    for path in (folder / ".git").rglob("*"):
        name = str(path.relative_to(folder / ".git"))
        if path.is_file() and (
            name in ("HEAD", "index", "ORIG_HEAD", "config") or name.startswith((*BRANCHES, "logs/"))
        ):
            found[name] = path.read_bytes()
    return found


def fsck(git, folder):
    assert git("fsck", "--strict", "--no-dangling", cwd=folder) == ""


@pytest.fixture
def cloned(tmp_path, git, assay):
    """A project in a repository that real Git made, with staged, changed and untracked files and a stash."""
    folder = projects.write(tmp_path / "mixed")
    git("init", "-q", cwd=folder)
    assay("init", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "first", cwd=folder)
    (folder / "raw.txt").write_text("stashed\n")
    git("stash", "-q", cwd=folder)
    (folder / "staged.py").write_text("staged = 1\n")
    git("add", "staged.py", cwd=folder)
    (folder / "raw.txt").write_text("changed\n")
    (folder / "untracked.py").write_text("untracked = 1\n")
    git("gc", "-q", cwd=folder)
    git("status", cwd=folder)
    return folder


@pytest.mark.law(2)
def test_nothing_of_the_users_moves_because_of_experiments(cloned, git, assay, tmp_path):
    before = guarded(cloned)
    assert "refs/stash" in git("for-each-ref", cwd=cloned)
    (tmp_path / "shared").mkdir()
    assay("run", "-n", "one", "-S", "train.lr=0.5", cwd=cloned)
    assay("save", "-n", "two", cwd=cloned)
    assay("show", cwd=cloned)
    assay("list", cwd=cloned)
    assay("status", cwd=cloned)
    assay("remote", "add", "-d", "team", str(tmp_path / "shared"), cwd=cloned)
    assay("push", cwd=cloned)
    assay("apply", "one", cwd=cloned)
    assay("undo", cwd=cloned)
    assay("remove", "two", cwd=cloned)
    assert guarded(cloned) == before
    fsck(git, cloned)


def test_status_is_what_a_user_of_git_expects_after_each_command(git, assay, tmp_path):
    folder = projects.write(tmp_path / "project")
    assay("init", cwd=folder)
    assert git("status", "--porcelain=v2", cwd=folder).splitlines() == [
        "? .assay/", "? dvc.yaml", "? params.yaml", "? prepare.sh", "? raw.txt", "? train.sh",
    ]  # fmt: skip
    assay("baseline", "-m", "first", cwd=folder)
    assert git("status", "--porcelain=v2", cwd=folder) == ""
    assay("run", "-n", "one", "-S", "train.lr=0.5", cwd=folder)
    expected = {"? .gitignore", "? dvc.lock", "? metrics.json"}
    lines = git("status", "--porcelain=v2", cwd=folder).splitlines()
    assert {line for line in lines if line[0] == "?"} == expected
    assert [line.split()[-1] for line in lines if line[0] == "1"] == ["params.yaml"]
    assay("show", cwd=folder)
    assert git("status", "--porcelain=v2", cwd=folder).splitlines() == lines
    assay("baseline", "-m", "second", cwd=folder)
    assert git("status", "--porcelain=v2", cwd=folder) == ""
    assay("branch", "one", "other", cwd=folder)
    assay("switch", "other", cwd=folder)
    assert git("status", "--porcelain=v2", cwd=folder) == ""
    assert git("symbolic-ref", "HEAD", cwd=folder) == "refs/heads/other"
    fsck(git, folder)


def test_every_command_leaves_a_repository_that_fsck_likes(git, assay, tmp_path):
    folder = projects.write(tmp_path / "project")
    (tmp_path / "remote").mkdir()
    for words in (
        ["init"],
        ["baseline", "-m", "first"],
        ["run", "-n", "one"],
        ["run", "-n", "two", "-S", "train.lr=0.5"],
        ["save", "-n", "three"],
        ["apply", "one"],
        ["undo"],
        ["remove", "one"],
        ["undo"],
        ["branch", "two", "b"],
        ["baseline", "-m", "second", "--from", "two"],
        ["switch", "b"],
        ["switch", "main"],
        ["remote", "add", "-d", "team", "../remote"],
        ["push"],
        ["pull"],
        ["status"],
        ["show", "-A"],
        ["log"],
    ):
        assay(*words, cwd=folder)
        fsck(git, folder)
    assay("clone", "remote", "clone", cwd=tmp_path)
    fsck(git, tmp_path / "clone")
    assert git("status", "--porcelain=v2", cwd=tmp_path / "clone") == ""


def test_the_experiment_commit_is_the_baseline_plus_what_changed(git, assay, tmp_path):
    folder = projects.write(tmp_path / "project")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    (folder / "module.py").write_text("new\n")
    assay("run", "-n", "one", "-S", "train.lr=0.5", cwd=folder)
    ref = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder)
    base = git("rev-parse", "HEAD", cwd=folder)
    assert ref == f"refs/exps/{base[:2]}/{base[2:]}/one"
    assert git("rev-parse", f"{ref}^", cwd=folder) == base
    assert git("rev-list", "--count", f"HEAD..{ref}", cwd=folder) == "1"
    changed = git("diff", "--name-status", "HEAD", ref, cwd=folder).splitlines()
    assert changed == ["A\t.gitignore", "A\tdvc.lock", "A\tmetrics.json", "A\tmodule.py", "M\tparams.yaml"]
    assert git("show", f"{ref}:metrics.json", cwd=folder) == (folder / "metrics.json").read_text().rstrip("\n")
    subject, *trailers = git("log", "-1", "--format=%s%n%(trailers)", ref, cwd=folder).splitlines()
    assert subject == "train.lr=0.5"
    assert {line.partition(":")[0] for line in trailers if line} >= {"Assay", "Python", "Platform", "Duration"}


@pytest.mark.law(8)
def test_only_experiments_lie_below_refs_exps(git, assay, tmp_path):
    folder = projects.write(tmp_path / "project")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    assay("run", "-n", "one", cwd=folder)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=folder)
    assay("apply", "one", cwd=folder)
    assay("remove", "two", cwd=folder)
    names = git("for-each-ref", "--format=%(refname)", cwd=folder).splitlines()
    assert [len(name.split("/")) for name in names if name.startswith("refs/exps/")] == [5]
    assert [name for name in names if not name.startswith(("refs/exps/", "refs/heads/", "refs/assay/"))] == []


@pytest.mark.parametrize("kind", ["gc", "pack-refs", "worktree", "alternates", "shallow", "subfolder"])
def test_experiments_work_in_every_shape_of_repository(git, assay, tmp_path, kind):
    origin = tmp_path / "origin"
    project = projects.write(origin / "sub" if kind == "subfolder" else origin)
    git("init", "-q", cwd=origin)
    assay("init", cwd=project)
    git("add", "-A", cwd=origin)
    git("commit", "-qm", "first", cwd=origin)
    (project / "raw.txt").write_text("second\n")
    git("commit", "-qam", "second", cwd=origin)
    top = origin
    if kind == "gc":
        git("gc", "-q", cwd=origin)
    elif kind == "pack-refs":
        git("pack-refs", "--all", cwd=origin)
    elif kind == "worktree":
        git("worktree", "add", "-q", "../linked", cwd=origin)
        top = project = tmp_path / "linked"
    elif kind in ("alternates", "shallow"):
        option = ["--shared"] if kind == "alternates" else ["--depth=1", "--no-local"]
        git("clone", "-q", *option, f"file://{origin}" if kind == "shallow" else str(origin), "copy", cwd=tmp_path)
        top = project = tmp_path / "copy"
    assay("run", "-n", "one", "-S", "train.lr=0.5", cwd=project)
    assay("run", "-n", "two", "-S", "train.lr=0.7", cwd=project)
    git("gc", "-q", "--prune=now", cwd=top)
    assay("apply", "one", cwd=project)
    assert "lr: 0.5" in (project / "params.yaml").read_text()
    assert {line.split()[-1].strip("[]") for line in assay("list", "--name-only", cwd=project).out.split()} == {
        "one",
        "two",
    }
    fsck(git, top)
