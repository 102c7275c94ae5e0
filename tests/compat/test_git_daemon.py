"""``git://``: what a real ``git daemon`` serves is cloned, followed, and pushed to where it lets everybody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import gitdaemon, projects
from tests.filetree import picture

Run = Callable[..., Any]


@pytest.fixture
def bare(assay: Run, git: Run, tmp_path: Path) -> Iterator[Path]:
    """What is served: a project with two commits and one experiment."""
    folder = projects.write(tmp_path / "ann")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=folder)
    (folder / "params.yaml").write_text((folder / "params.yaml").read_text() + "more: 1\n")
    assay("save", "-n", "one", cwd=folder)
    git("clone", "-q", "--mirror", str(folder), str(tmp_path / "served/team.git"))
    yield tmp_path / "served/team.git"
    git("fsck", "--strict", "--no-dangling", cwd=tmp_path / "served/team.git")


def test_a_daemon_is_cloned_from_and_pushed_to_where_it_lets_everybody(
    bare: Path, assay: Run, git: Run, tmp_path: Path
) -> None:
    with gitdaemon.serving(bare.parent, "--enable=receive-pack") as url:
        assay("clone", f"{url}/team.git", "bob", "--depth", "1")
        assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "bob") == "1"
        git("fsck", "--strict", cwd=tmp_path / "bob")
        git("commit", "-q", "--allow-empty", "-m", "third", cwd=tmp_path / "bob")
        git("update-ref", "refs/exps/" + path_of(git, tmp_path / "bob") + "/two", "HEAD", cwd=tmp_path / "bob")
        assay("push", "-A", cwd=tmp_path / "bob")
        assay("push", "--branch", cwd=tmp_path / "bob")
    assert git("log", "-1", "--format=%s", "main", cwd=bare) == "third"
    assert "/two" in git("for-each-ref", "refs/exps", cwd=bare)


def path_of(git: Run, folder: Path) -> str:
    """Where the refs of the experiments of the commit before the last lie."""
    digits = git("rev-parse", "HEAD~1", cwd=folder)
    return f"{digits[:2]}/{digits[2:]}"


def test_what_a_daemon_does_not_serve_is_one_sentence_and_leaves_nothing(
    bare: Path, assay: Run, git: Run, tmp_path: Path
) -> None:
    with gitdaemon.serving(bare.parent) as url:
        before = picture(tmp_path)
        said = assay("clone", f"{url}/nowhere.git", "bob", code=None)
        assert (said.code, said.err.count("error: ")) == (255, 1)
        assert "nowhere.git: the server says: access denied or repository not exported" in said.err
        assert picture(tmp_path) == before
        assay("clone", f"{url}/team.git", "bob")
        git("update-ref", "refs/exps/" + path_of(git, tmp_path / "bob") + "/two", "HEAD", cwd=tmp_path / "bob")
        said = assay("push", "-A", cwd=tmp_path / "bob", code=None)
        assert said.code == 255
        assert "the server says: access denied" in said.err
    assert "/two" not in git("for-each-ref", "refs/exps", cwd=bare)


def test_a_port_that_hangs_up_without_a_word_is_explained(assay: Run, tmp_path: Path) -> None:
    def hang_up() -> None:
        with listener.accept()[0] as line:
            line.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up)
        thread.start()
        said = assay("clone", f"git://127.0.0.1:{listener.getsockname()[1]}/x.git", "bob", code=None)
        thread.join()
    assert said.code == 255
    assert "hangs up: there is no such repository, or not for everybody to read." in said.err
    assert not (tmp_path / "bob").exists()


@pytest.mark.parametrize("url", ["git://127.0.0.1", "git://127.0.0.1:x/y", "git:///y", "git://[::1/x", "git://h/a%0Ab"])
def test_what_is_no_such_url_is_one_sentence(assay: Run, tmp_path: Path, url: str) -> None:
    said = assay("clone", url, "bob", code=None)
    assert said.code in (254, 255)
    assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1
    assert not (tmp_path / "bob").exists()
