"""Git servers that are not there, or answer with something else: one sentence, the right code, no change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests import githttp
from tests.filetree import picture

Run = Callable[..., Any]
VERBS = (
    ("exp", "push", "--no-cache", "URL", "e1"),
    ("exp", "pull", "--no-cache", "URL"),
    ("exp", "list", "URL"),
    ("exp", "remove", "-g", "URL", "e1"),
)


@pytest.fixture
def one(tmp_path: Path, assay: Run, git: Run) -> Path:
    """A DVC project with one experiment."""
    root = tmp_path / "p"
    (root / ".dvc").mkdir(parents=True)
    git("init", "-q", str(root))
    (root / ".dvc/config").write_text("")
    (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (root / "dvc.yaml").write_text("stages: {}\n")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    (root / "notes.txt").write_text("new\n")
    assay("save", "-n", "e1", "-I", "notes.txt", cwd=root)
    return root


@pytest.fixture
def refused(assay_dvc: Run, one: Path, git: Run) -> Callable[..., None]:
    """Runs each verb on a URL; it must fail with these words and leave project and refs as they were."""

    def check(url: str, *says: str) -> None:
        before = picture(one), git("for-each-ref", cwd=one)
        for words in VERBS:
            said = assay_dvc(*(url if word == "URL" else word for word in words), cwd=one, code=255)
            assert len([line for line in said.err.splitlines() if line.startswith("ERROR: ")]) == 1, said.err
            assert all(text in said.err for text in says), said.err
            assert said.out == ""
        assert (picture(one), git("for-each-ref", cwd=one)) == before

    return check


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:1/r.git", "cannot be reached: connection refused"),
        ("http://127.0.0.1:99999/r.git", "is not the URL of a Git server"),
        ("gopher://127.0.0.1/r.git", "Git servers behind gopher:// cannot be used"),
    ],
)
def test_a_url_that_leads_nowhere(refused: Callable[..., None], url: str, says: str) -> None:
    refused(url, says)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[githttp.GitHost]:
    """A server without repositories."""
    with githttp.serving(tmp_path) as server:
        yield server


def test_a_repository_that_is_not_there(refused: Callable[..., None], host: githttp.GitHost) -> None:
    refused(f"{host.url}/none.git", "There is no Git repository at", "none.git")


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("text/html", b"<html>", "not one behind Git's smart protocol"),
        ("", b"", "broke off"),
        ("", b"0005", "broke off"),
        ("", b"<html>", "not in Git's protocol"),
        ("", b"000eversion 2\n0013object-format=sha2560000", "not in Git's protocol"),
        ("", b"0014ERR go\x1b[31m away\n", "the server says: go away"),
    ],
)
def test_answers_of_another_kind(
    refused: Callable[..., None], host: githttp.GitHost, kind: str, body: bytes, says: str
) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> bool:
        service = handler.path.rpartition("=")[2]
        handler.send_response(200)
        handler.send_header("Content-Type", kind or f"application/x-{service}-advertisement")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    host.before = answer
    refused(f"{host.url}/r.git", says)


def test_a_server_that_asks_who_one_is(refused: Callable[..., None], host: githttp.GitHost) -> None:
    host.guards = lambda path: True
    refused(host.url.replace("://", "://eve:guess@") + "/r.git", "asks for a name and a password or token")
