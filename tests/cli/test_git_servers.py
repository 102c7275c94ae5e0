"""Two people share through a Git server, behind ssh and http and in a folder, and real Git and DVC go along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import githttp, projects
from tests.filetree import picture
from tests.sshserver import SshServer

Run = Callable[..., Any]
ALL_WAYS = pytest.mark.parametrize("server", ["folder", "ssh", "asyncssh", "http"], indirect=True)


class Server(NamedTuple):
    """A bare repository, and the URL that leads there."""

    bare: Path
    url: str


@pytest.fixture(params=["ssh", "http"])
def server(
    request: pytest.FixtureRequest, git: Run, tmp_path: Path, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """The repository ``team.git``, and a home that gets there; real Git judges it in the end."""
    bare = tmp_path / "served/team.git"
    bare.mkdir(parents=True)
    git("init", "-q", "--bare", str(bare))
    if request.param == "http":
        with githttp.serving(bare.parent) as host:
            host.guards = lambda path: True
            (clean_environment / ".gitconfig").write_text("[credential]\n\thelper = store\n")
            place = host.url.removeprefix("http://").replace(":", "%3a")
            login = f"http://{githttp.USER}:{githttp.PASSWORD}@{place}\n"
            (clean_environment / ".git-credentials").write_text(login)
            yield Server(bare, f"{host.url}/team.git")
    elif request.param == "folder":
        yield Server(bare, str(bare))
    else:
        ssh: SshServer = request.getfixturevalue("ssh_server")
        config = ssh.configure(clean_environment)
        if request.param == "ssh":
            monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F {config}")
        else:
            pytest.importorskip("asyncssh", reason="needs asyncssh")
            monkeypatch.setattr("assay.remotes.git.ssh.which", lambda name, path: None)
        yield Server(bare, ssh.url(bare))
    git("fsck", "--strict", "--no-dangling", cwd=bare)


@pytest.fixture
def ann(server: Server, assay: Run, git: Run, tmp_path: Path) -> Path:
    """A project that shares its data in a folder and its experiments through the server; one was pushed."""
    folder = projects.write(tmp_path / "ann")
    assay("init", cwd=folder)
    assay("remote", "add", "-d", "store", str(tmp_path / "store"), cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    git("remote", "add", "origin", server.url, cwd=folder)
    assay("config", "--local", "exp.git_remote", "origin", cwd=folder)
    assay("run", "-n", "one", cwd=folder)
    assay("push", "--branch", cwd=folder)
    return folder


def refs(git: Run, folder: Path, prefix: str = "refs/exps") -> dict[str, str]:
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", prefix, cwd=folder).splitlines()
    return dict(line.split(" ") for line in lines)


@ALL_WAYS
def test_a_clone_of_a_git_repository_has_code_experiments_and_data_and_shares_its_own(
    server: Server, ann: Path, assay: Run, git: Run, tmp_path: Path
) -> None:
    assert refs(git, server.bare) == refs(git, ann)
    assert refs(git, server.bare, "refs/heads") == refs(git, ann, "refs/heads")
    said = assay("clone", server.url, "bob")
    bob = tmp_path / "bob"
    assert "one" in said.out
    assert refs(git, bob) == refs(git, ann)
    assert git("status", "--porcelain", cwd=bob) == ""
    assert git("rev-parse", "--abbrev-ref", "main@{u}", cwd=bob) == "origin/main"
    assert git("symbolic-ref", "refs/remotes/origin/HEAD", cwd=bob) == "refs/remotes/origin/main"
    git("fsck", "--strict", "--no-dangling", cwd=bob)
    assay("apply", "one", cwd=bob)
    assert (bob / "model.bin").read_bytes() == (ann / "model.bin").read_bytes()
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=bob)
    assert "two" in assay("push", "two", cwd=bob).out
    assert "two" in assay("pull", cwd=ann).out
    assert refs(git, ann) == refs(git, bob)
    assert "up to date" in assay("push", cwd=ann).out
    assert "up to date" in assay("pull", cwd=bob).out


def test_the_branch_is_followed_and_goes_on_and_real_git_goes_along(
    server: Server, ann: Path, assay: Run, git: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assay("clone", server.url, "bob")
    bob, before = tmp_path / "bob", git("rev-parse", "HEAD", cwd=ann)
    (ann / "notes.md").write_text("hello\n")
    assay("baseline", "-m", "second", cwd=ann)
    assay("run", "-n", "three", cwd=ann)
    said = assay("push", cwd=ann)
    assert refs(git, server.bare, "refs/heads") == {"refs/heads/main": before}, "a branch goes only when it is told to"
    assert "main" not in said.out
    assay("push", "--branch", cwd=ann)
    said = assay("pull", cwd=bob)
    assert "main is behind origin/main by 1 commit; `assay pull --ff` moves it." in said.err
    assert git("rev-parse", "HEAD", cwd=bob) == before
    said = assay("pull", "--ff", cwd=bob)
    assert (bob / "notes.md").read_text() == "hello\n"
    assert git("rev-parse", "HEAD", "origin/main", cwd=bob).split() == [git("rev-parse", "HEAD", cwd=ann)] * 2
    assert "three" in said.out
    assert git("status", "--porcelain", cwd=bob) == ""


def test_what_real_git_pushes_is_cloned_and_pulled(
    server: Server, ann: Path, assay: Run, git: Run, tmp_path: Path
) -> None:
    (ann / "more.md").write_text("more\n")
    git("add", "more.md", cwd=ann)
    git("commit", "-q", "-m", "by Git", cwd=ann)
    git("tag", "-a", "v1", "-m", "v1", cwd=ann)
    git("push", "-q", "origin", "main", "v1", cwd=ann)
    assay("clone", server.url, "bob")
    assert (tmp_path / "bob/more.md").read_text() == "more\n"
    assert refs(git, tmp_path / "bob", "refs/tags") == refs(git, ann, "refs/tags")
    git("pull", "-q", "--ff-only", cwd=tmp_path / "bob")
    git("clone", "-q", server.url, "carl")
    assert git("rev-parse", "HEAD", cwd=tmp_path / "carl") == git("rev-parse", "HEAD", cwd=ann)


@ALL_WAYS
def test_no_such_repository_leaves_nothing_behind(server: Server, assay: Run, tmp_path: Path) -> None:
    url = server.url.replace("team.git", "nothing.git")
    before = picture(tmp_path)
    said = assay("clone", url, "bob", code=255)
    assert said.err.startswith("error: ")
    assert "nothing.git" in said.err
    assert ("As a data remote: " in said.err) == ("://" in url), "what such a URL may mean as well was looked for"
    assert picture(tmp_path) == before


def test_an_empty_repository_leaves_nothing_behind(server: Server, assay: Run, tmp_path: Path) -> None:
    said = assay("clone", server.url, "bob", code=255)
    assert "has no branch with a commit" in said.err
    assert not (tmp_path / "bob").exists()


def test_without_data_the_experiments_come_alone(
    server: Server, ann: Path, assay: Run, git: Run, tmp_path: Path
) -> None:
    assay("clone", server.url, "bob", "--no-cache")
    assert refs(git, tmp_path / "bob") == refs(git, ann)
    assert "one" in assay("list", cwd=tmp_path / "bob").out
    (tmp_path / "store").rename(tmp_path / "away")
    said = assay("clone", server.url, "carl", code=255)
    assert "error: data: It did not come" in said.err
    assert refs(git, tmp_path / "carl") == refs(git, ann)


def test_experiments_without_data_need_no_remote_for_data(assay: Run, git: Run, tmp_path: Path) -> None:
    git("init", "-q", "--bare", "-b", "main", str(tmp_path / "team.git"))
    folder = projects.write(tmp_path / "ann")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    git("remote", "add", "origin", str(tmp_path / "team.git"), cwd=folder)
    assay("config", "exp.git_remote", "origin", cwd=folder)
    assay("save", "-n", "one", cwd=folder)
    assert assay("push", "--branch", "--dry", cwd=folder).out.startswith("Would push 2 refs (one, main)")
    assert assay("push", "--branch", cwd=folder).out.startswith("Pushed one, main: ")
    assert "one" in assay("list", "--remote", cwd=folder).out
    bob = tmp_path / "bob"
    assay("clone", str(tmp_path / "team.git"), "bob")
    assert refs(git, bob) == refs(git, folder)
    assay("save", "-n", "two", cwd=bob)
    assay("push", cwd=bob)
    assert assay("pull", "--dry", cwd=folder).out.startswith("Would pull 1 ref (two)")
    assert assay("pull", cwd=folder).out.startswith("Pulled two: ")
    assay("run", "-n", "with-data", cwd=folder)
    assert "This project has no remote" in assay("push", cwd=folder, code=251).err
    assert "with-data" not in assay("list", "--remote", cwd=folder).out
