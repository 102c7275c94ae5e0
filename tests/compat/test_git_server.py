"""Repositories behind ``git http-backend`` that real Git and assay share: what one pushes the other gets, whole."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.engine.git.repository import Repository
from assay.engine.ports import RefUpdate
from assay.remotes.git.http import HttpWire
from assay.remotes.git.httpsettings import HttpSettings
from assay.remotes.git.server import ServerTransport
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK
from tests import githttp
from tests.githttp import GitHost

Git = Callable[..., str]


@pytest.fixture
def host(git: Git, tmp_path: Path) -> Iterator[GitHost]:
    """A server with an empty repository."""
    git("init", "-q", "--bare", str(tmp_path / "served" / "r.git"))
    with githttp.serving(tmp_path / "served") as server:
        yield server
    git("fsck", "--strict", "--no-dangling", cwd=tmp_path / "served" / "r.git")


@pytest.fixture(params=[False, True], ids=["version 2", "old"])
def url(request: pytest.FixtureRequest, host: GitHost) -> str:
    """Where it is; as a server of today, or an old one, which is asked for refs as version 0 and for nothing else."""
    host.old = request.param
    return f"{host.url}/r.git"


@pytest.fixture
def history(git: Git, tmp_path: Path) -> Path:
    """A repository with a merge, tags, links, programs, another repository in it, odd names, much data."""
    folder = tmp_path / "history"
    git("init", "-q", str(folder))
    dice = random.Random(1)
    for number in range(4):
        (folder / f"sub {number}").mkdir()
        (folder / f"sub {number}" / "ünï\tcode").write_text(f"{number}\n" * 300)
        (folder / "program").write_text(f"#!/bin/sh\necho {number}\n")
        (folder / "program").chmod(0o755)
        (folder / "data").write_bytes(dice.randbytes(300_000))
        git("add", ".", cwd=folder)
        git("commit", "-q", "-m", f"commit {number}", cwd=folder)
    os.symlink("program", folder / "link")
    git("add", "link", cwd=folder)
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},other", cwd=folder)
    git("commit", "-q", "-m", "a link, and another repository", cwd=folder)
    git("checkout", "-q", "-b", "side", "HEAD~2", cwd=folder)
    git("commit", "-q", "--allow-empty", "-m", "beside", cwd=folder)
    git("checkout", "-q", "main", cwd=folder)
    git("merge", "-q", "--no-ff", "-m", "joined", "side", cwd=folder)
    git("tag", "-a", "v1", "-m", "one", cwd=folder)
    git("tag", "-a", "v1-again", "-m", "a tag of a tag", "v1", cwd=folder)
    git("tag", "light", "HEAD~1", cwd=folder)
    return folder


def transport(url: str, repo: Repository, asks: str = UPLOAD_PACK) -> ServerTransport:
    wire = HttpWire(url, lambda url: HttpSettings())
    return ServerTransport(wire, repo, f"{repo.common_dir}/assay/incoming", asks=asks)


def refs_of(git: Git, folder: Path) -> str:
    return git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", cwd=folder)


def test_git_clones_what_assay_pushed(git: Git, url: str, history: Path, tmp_path: Path) -> None:
    repo = Repository.open(str(history / ".git"))
    there = transport(url, repo, RECEIVE_PACK)
    wanted = dict(repo.refs.iterate("refs/"))
    known = there.refs(["refs/"])
    results = there.push([RefUpdate(name, known.get(name), oid) for name, oid in wanted.items()], repo.objects)
    assert [result.problem for result in results] == [""] * 5
    git("clone", "-q", "--mirror", url, str(tmp_path / "clone"))
    assert refs_of(git, tmp_path / "clone") == refs_of(git, history)
    git("fsck", "--strict", cwd=tmp_path / "clone")
    there.close()
    repo.close()


def test_assay_fetches_what_git_pushed_and_then_what_is_new(git: Git, url: str, history: Path, tmp_path: Path) -> None:
    git("push", "-q", "--mirror", url, cwd=history)
    git("init", "-q", str(tmp_path / "here"))
    repo = Repository.open(str(tmp_path / "here" / ".git"))
    fetch(transport(url, repo), repo)
    assert refs_of(git, tmp_path / "here") == refs_of(git, history)
    git("fsck", "--strict", cwd=tmp_path / "here")
    (history / "sub 0" / "ünï\tcode").write_text("0\n" * 301)
    git("commit", "-q", "-a", "-m", "one line more", cwd=history)
    git("push", "-q", url, "main", cwd=history)
    there = transport(url, repo)
    fetch(there, repo)
    assert (there.objects, there.size < 2000) == (4, True), "a commit, two folders, one file as a delta"
    git("fsck", "--strict", cwd=tmp_path / "here")
    assert refs_of(git, tmp_path / "here") == refs_of(git, history)
    repo.close()


def fetch(there: ServerTransport, repo: Repository) -> None:
    refs = there.refs(["refs/heads/", "refs/tags/"])
    have = {oid for _, oid in repo.refs.iterate("refs/")}
    there.fetch(refs.values(), repo.objects, repo.objects, complete=have.__contains__)
    with repo.refs.transaction() as change:
        for name, oid in refs.items():
            change.put(name, oid)
    there.close()
