"""Who somebody is to a Git server, asked of a person at a terminal, or told from a file; and what is said otherwise."""

from __future__ import annotations

import base64
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import githttp
from tests.filetree import picture
from tests.programs import ROOT

Run = Callable[..., Any]


@pytest.fixture
def url(git: Run, tmp_path: Path) -> Iterator[str]:
    """The URL of a repository whose server asks who one is."""
    (tmp_path / "served").mkdir()
    (tmp_path / "code").mkdir()
    git("init", "-q", str(tmp_path / "code"))
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=tmp_path / "code")
    git("clone", "-q", "--bare", str(tmp_path / "code"), str(tmp_path / "served/team.git"))
    with githttp.serving(tmp_path / "served") as host:
        host.guards = lambda path: True
        yield f"{host.url}/team.git"


def at_a_terminal(words: list[str], answers: list[tuple[str, str]], folder: Path) -> tuple[int, str]:
    """Runs assay with a terminal, types an answer when a question shows up; gives the status and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", *words], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, end = "", time.monotonic() + 120
    left = list(answers)
    while time.monotonic() < end:
        if not select.select([ours], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        shown += data.decode()
        if left and left[0][0] in shown:
            os.write(ours, left.pop(0)[1].encode() + b"\n")
        if not data:
            break
    os.close(ours)
    return process.wait(), shown


def test_a_person_is_asked_and_what_is_typed_is_not_shown_and_kept_by_a_helper(
    url: str, tmp_path: Path, clean_environment: Path, assay: Run
) -> None:
    (clean_environment / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    answers = [("Username for", githttp.USER), ("Password for", githttp.PASSWORD)]
    code, shown = at_a_terminal(["clone", url, "bob"], answers, tmp_path)
    assert code == 0, shown
    assert githttp.PASSWORD not in shown
    assert githttp.PASSWORD in (clean_environment / ".git-credentials").read_text()
    assay("clone", url, "again")


def test_a_wrong_password_is_forgotten_and_all_that_was_tried_is_said(
    url: str, tmp_path: Path, clean_environment: Path, assay: Run
) -> None:
    (clean_environment / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    place = url.removeprefix("http://").partition("/")[0].replace(":", "%3a")
    (clean_environment / ".git-credentials").write_text(f"http://ann:hunter2@{place}\n")
    (clean_environment / ".netrc").write_text("machine 127.0.0.1 login bob password hunter3\n")
    before = picture(tmp_path)
    said = assay("clone", url, "bob", code=255)
    assert said.err.count("\n") == 1
    assert (
        "what netrc gave for bob was refused; what the helper store gave for ann was refused; "
        "nobody sits at a terminal to be asked."
    ) in said.err
    assert "hunter" not in said.err
    assert picture(tmp_path) == before
    assert (clean_environment / ".git-credentials").read_text() == ""


def test_a_login_in_netrc_or_in_the_url_gets_in(
    url: str, tmp_path: Path, clean_environment: Path, assay: Run, git: Run
) -> None:
    whole = url.replace("://", f"://{githttp.USER}:{githttp.PASSWORD}@")
    said = assay("clone", whole, "one")
    assert githttp.PASSWORD not in said.out + said.err
    assert git("ls-remote", "origin", cwd=tmp_path / "one")
    (clean_environment / ".netrc").write_text(f"machine 127.0.0.1 login {githttp.USER} password {githttp.PASSWORD}\n")
    assay("clone", url, "two")


def test_a_header_that_the_configuration_names_gets_in(
    url: str, tmp_path: Path, clean_environment: Path, assay: Run
) -> None:
    """As checkouts in continuous integration leave it behind."""
    login = base64.b64encode(f"{githttp.USER}:{githttp.PASSWORD}".encode()).decode()
    (clean_environment / ".gitconfig").write_text(
        f'[http "{url.rpartition("/")[0]}/"]\n\textraheader = AUTHORIZATION: Basic {login}\n'
    )
    assay("clone", url, "bob")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["clone", "ssh://-oProxyCommand=touch%20hacked/x", "bob"], "is no address of a repository behind ssh"),
        (["clone", "ssh://-oProxyCommand=x/y", "bob"], "no host and no path begins with '-'"),
        (["clone", "ext::sh -c touch% hacked", "bob"], "cannot be used"),
        (["clone", "ftp://127.0.0.1/x", "bob"], "behind ftp:// cannot be used; those behind ssh, https, http"),
        (["clone", "git://127.0.0.1:1/x", "bob"], "cannot be reached"),
        (["clone", "http://127.0.0.1:1/x.git", "bob"], "cannot be reached"),
        (["clone", "ssh://", "bob"], "no address of a repository behind ssh"),
        (["clone", "../nowhere.git", "bob"], "nowhere.git"),
    ],
)
def test_addresses_that_lead_nowhere_are_one_sentence_and_leave_nothing(
    words: list[str], says: str, assay: Run, tmp_path: Path
) -> None:
    before = picture(tmp_path)
    said = assay(*words, code=None)
    assert said.code in (254, 255)
    assert says in said.err
    assert len([line for line in said.err.splitlines() if line.startswith("error: ")]) == 1
    assert picture(tmp_path) == before
