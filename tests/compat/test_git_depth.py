"""Part of the history of a Git repository: cloned, pushed from, deepened, completed; real Git judges each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import githttp
from tests.sshserver import SshServer

Run = Callable[..., Any]


class Server(NamedTuple):
    """A bare repository, and the URL that leads there."""

    bare: Path
    url: str


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the repository lies that was made once, to be copied."""
    return tmp_path_factory.mktemp("model") / "team.git"


@pytest.fixture
def bare(git: Run, model: Path, tmp_path: Path) -> Path:
    """Six commits, an experiment of the second and of the last, tags of the first and of the last."""
    if not model.exists():
        work = tmp_path / "work"
        (work / ".assay").mkdir(parents=True)
        (work / ".assay/config").write_text("[core]\n    hash = xxh128\n")
        (work / ".assay/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
        git("init", "-q", cwd=work)
        for number in range(1, 7):
            (work / "notes.txt").write_text(f"{number}\n" * 100)
            (work / f"file-{number}").write_text(f"{number}\n")
            git("add", ".", cwd=work)
            git("commit", "-q", "-m", f"commit {number}", cwd=work)
            if number in (1, 6):
                git("tag", f"at-{number}", cwd=work)
            if number in (2, 6):
                experiment(git, work, f"exp-{number}")
        git("clone", "-q", "--mirror", str(work), str(model))
        git("config", "http.receivepack", "true", cwd=model)
    git("clone", "-q", "--mirror", str(model), str(tmp_path / "served/team.git"))
    git("config", "http.receivepack", "true", cwd=tmp_path / "served/team.git")
    return tmp_path / "served/team.git"


@pytest.fixture(params=["folder", "ssh", "http", "old http"])
def server(
    request: pytest.FixtureRequest, git: Run, bare: Path, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """The ways there."""
    if request.param == "folder":
        yield Server(bare, str(bare))
    elif request.param == "ssh":
        ssh: SshServer = request.getfixturevalue("ssh_server")
        monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F {ssh.configure(clean_environment)}")
        yield Server(bare, ssh.url(bare))
    else:
        with githttp.serving(bare.parent) as host:
            host.old = request.param == "old http"
            yield Server(bare, f"{host.url}/team.git")
    git("fsck", "--strict", "--no-dangling", cwd=bare)


def experiment(git: Run, folder: Path, name: str) -> None:
    """An experiment of HEAD, made by Git."""
    commit = git("commit-tree", "HEAD~1^{tree}", "-p", "HEAD", "-m", name, cwd=folder)
    head = git("rev-parse", "HEAD", cwd=folder)
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", commit, cwd=folder)


def names(git: Run, folder: Path) -> set[str]:
    return {line.rpartition("/")[2] for line in git("for-each-ref", "refs/exps", cwd=folder).splitlines()}


def commits(git: Run, folder: Path, revision: str = "HEAD") -> int:
    """How many commits Git finds from there on, nothing that they need being missing."""
    git("fsck", "--strict", cwd=folder)
    return int(git("rev-list", "--count", revision, cwd=folder))


def cloned(assay: Run, server: Server, folder: Path, depth: int) -> Path:
    assay("clone", server.url, str(folder), "--depth", str(depth))
    return folder


def test_a_shallow_clone_is_worked_in_pushed_from_deepened_and_made_whole(
    server: Server, assay: Run, git: Run, tmp_path: Path
) -> None:
    folder = cloned(assay, server, tmp_path / "part", 2)
    assert (commits(git, folder), names(git, folder), git("tag", cwd=folder)) == (2, {"exp-6"}, "at-6")
    assert (folder / ".git/shallow").read_text().split() == [git("rev-parse", "HEAD~1", cwd=folder)]
    assert git("status", "--porcelain", cwd=folder) == ""

    experiment(git, folder, "from-the-clone")
    git("commit", "-q", "--allow-empty", "-m", "seven", cwd=folder)
    assay("push", "-A", cwd=folder)
    assay("push", "--branch", cwd=folder)
    assert "from-the-clone" in names(git, server.bare)
    assert commits(git, server.bare, "main") == 7

    assay("pull", "--depth", "4", cwd=folder)
    assert commits(git, folder) == 4
    assay("pull", "--depth", "1", cwd=folder)
    assert commits(git, folder) == 4, "what is here stays"
    assay("pull", "-A", cwd=folder)
    assert names(git, folder) == {"exp-2", "exp-6", "from-the-clone"}
    git("fetch", "-q", "--unshallow", cwd=folder)
    assert commits(git, folder) == 7
    assert not (folder / ".git/shallow").exists()


@pytest.mark.parametrize("server", ["folder", "http"], indirect=True)
def test_more_depth_than_there_is_history_makes_a_clone_whole(
    server: Server, assay: Run, git: Run, tmp_path: Path
) -> None:
    folder = cloned(assay, server, tmp_path / "part", 1)
    assert commits(git, folder) == 1
    assert "Git object" in assay("pull", "--depth", "99", "--dry", cwd=folder).out
    assert commits(git, folder) == 1
    assay("pull", "--depth", "99", cwd=folder)
    assert commits(git, folder) == 6
    assert not (folder / ".git/shallow").exists()


@pytest.mark.parametrize("server", ["folder", "http"], indirect=True)
def test_who_has_all_of_history_keeps_it(server: Server, assay: Run, git: Run, tmp_path: Path) -> None:
    assay("clone", server.url, str(tmp_path / "whole"))
    folder = cloned(assay, server, tmp_path / "part", 1)
    git("commit", "-q", "--allow-empty", "-m", "seven", cwd=folder)
    assay("push", "--branch", cwd=folder)
    assay("pull", "--depth", "1", cwd=tmp_path / "whole")
    assert commits(git, tmp_path / "whole", "origin/main") == 7
    assert not (tmp_path / "whole/.git/shallow").exists()


@pytest.mark.parametrize("server", ["folder", "http"], indirect=True)
def test_where_the_older_history_is_unknown_a_shallow_clone_does_not_push(
    server: Server, assay: Run, git: Run, tmp_path: Path
) -> None:
    folder = cloned(assay, server, tmp_path / "part", 2)
    for name in git("for-each-ref", "--format=%(refname)", cwd=server.bare).split():
        git("update-ref", "-d", name, cwd=server.bare)
    git("gc", "-q", "--prune=now", cwd=server.bare)
    said = assay("push", "exp-6", cwd=folder, code=None)
    assert said.code == 255
    assert "shallow" in said.err
    assert names(git, server.bare) == set()


def test_a_clone_of_a_shallow_folder_ends_where_that_ends(git: Run, assay: Run, bare: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--depth", "3", f"file://{bare}", str(tmp_path / "part"))
    assay("clone", str(tmp_path / "part"), str(tmp_path / "copy"))
    assert commits(git, tmp_path / "copy") == 3
    assert (tmp_path / "copy/.git/shallow").read_text() == (tmp_path / "part/.git/shallow").read_text()
