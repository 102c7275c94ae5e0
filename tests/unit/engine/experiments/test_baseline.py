"""Committing: tree, branch and index are what `git commit -a` would have made of them, or nothing is."""

from __future__ import annotations

import os

import pytest

from tests.filetree import picture, write


def status(git, project):
    return git("status", "--porcelain", cwd=project).splitlines()


def test_what_was_staged_and_then_changed_back_is_staged_no_more(project, assay, git):
    write(project, {"raw.txt": "staged\n", "new.py": "1"})
    git("add", "raw.txt", cwd=project)
    write(project, {"raw.txt": "hello\n"})
    assay("baseline", "-m", "new", cwd=project)
    assert status(git, project) == []
    assert git("show", "HEAD:raw.txt", cwd=project) == "hello"


def test_deleted_executable_and_linked_files(project, assay, git):
    (project / "raw.txt").unlink()
    (project / "train.sh").chmod(0o755)
    (project / "link").symlink_to("train.sh")
    write(project, {os.fsdecode(b"\xff.txt"): "x", "with blank/ü.txt": "y"})
    assay("baseline", "-m", "all", cwd=project)
    assert status(git, project) == []
    modes = {line.split("\t")[1]: line[:6] for line in git("ls-tree", "-r", "HEAD", cwd=project).splitlines()}
    assert "raw.txt" not in modes
    assert (modes["train.sh"], modes["link"]) == ("100755", "120000")


def test_a_file_changed_right_after_the_commit_is_seen_by_git(project, assay, git):
    for number in range(5):
        write(project, {"raw.txt": f"{number} old\n"})
        assay("baseline", "-m", "x", cwd=project)
        write(project, {"raw.txt": f"{number} new\n"})
        assert status(git, project) == [" M raw.txt"]


def test_only_the_paths_that_were_named(project, assay, git):
    write(project, {"src/a.py": "1", "src/b.py": "1", "raw.txt": "changed\n", "train.sh": "changed\n"})
    git("add", "train.sh", cwd=project)
    assay("baseline", "-m", "src", "src", cwd=project)
    assert status(git, project) == [" M raw.txt", "M  train.sh"]
    assay("baseline", "-m", "here", "raw.txt", cwd=project)
    assert status(git, project) == ["M  train.sh"]


def test_a_dot_means_the_project_and_not_the_repository_around_it(git, assay, tmp_path):
    git("init", "-q", "top", cwd=tmp_path)
    write(tmp_path / "top", {"outside.py": "1", "sub/inside.py": "1"})
    assay("init", cwd=tmp_path / "top/sub")
    assay("baseline", "-m", "x", ".", cwd=tmp_path / "top/sub")
    assert status(git, tmp_path / "top") == ["?? outside.py"]


@pytest.mark.parametrize(("path", "says"), [("nowhere", "not there"), ("a.log", "ignored"), ("train.sh", "no changes")])
def test_a_path_that_gives_nothing_to_commit(project, assay, path, says):
    write(project, {".gitignore": "*.log\n", "a.log": "x"})
    before = picture(project)
    assert says in assay("baseline", "-m", "x", path, cwd=project, code=254).err
    assert picture(project) == before


@pytest.mark.law(2)
def test_a_merge_that_is_under_way_stays_under_way(project, assay, git):
    git("checkout", "-qb", "other", cwd=project)
    write(project, {"raw.txt": "theirs\n"})
    git("commit", "-qam", "theirs", cwd=project)
    git("checkout", "-q", "main", cwd=project)
    write(project, {"raw.txt": "ours\n"})
    git("commit", "-qam", "ours", cwd=project)
    git("merge", "-q", "other", cwd=project, check=False)
    before = picture(project)
    assert "A merge is under way" in assay("baseline", "-m", "x", cwd=project, code=1).err
    assert "A merge is under way" in assay("switch", "other", cwd=project, code=1).err
    (project / ".git/MERGE_HEAD").unlink()
    assert "raw.txt" in assay("baseline", "-m", "x", cwd=project, code=1).err
    write(project, {".git/MERGE_HEAD": before[".git/MERGE_HEAD"].decode()})
    assert picture(project) == before


def test_an_experiment_becomes_the_baseline_and_the_files_here_stay(project, assay, git):
    assay("run", "-n", "one", "-S", "train.lr=0.5", cwd=project)
    write(project, {"params.yaml": "mine: 1\n"})
    assay("baseline", "-m", "one", "--from", "one", cwd=project)
    assert "lr: 0.5" in git("show", "HEAD:params.yaml", cwd=project)
    assert (project / "params.yaml").read_text() == "mine: 1\n"
    assert status(git, project) == [" M params.yaml"]


def test_the_first_commit_of_a_detached_head_moves_no_branch(project, assay, git):
    git("checkout", "-q", "--detach", cwd=project)
    write(project, {"raw.txt": "x\n"})
    assert assay("baseline", "-m", "x", cwd=project).out.startswith("HEAD is now ")
    assert git("log", "-1", "--format=%s", "main", cwd=project) == "first"
    assert status(git, project) == []


def test_submodules_stay_as_they_are(project, assay, git, tmp_path):
    git("init", "-q", "lib", cwd=tmp_path)
    git("commit", "-qm", "x", "--allow-empty", cwd=tmp_path / "lib")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "lib"), "lib", cwd=project)
    git("commit", "-qm", "with a library", cwd=project)
    write(project, {"raw.txt": "x\n"})
    assay("baseline", "-m", "x", cwd=project)
    assert status(git, project) == []
    assay("run", "-n", "one", cwd=project)
    assay("apply", "one", cwd=project)
    assert git("ls-tree", "HEAD", "lib", cwd=project).startswith("160000")
    assert git("fsck", "--strict", "--no-dangling", cwd=project) == ""
