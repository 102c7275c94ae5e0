"""Where an address behind ssh leads: what assay tells an ssh program is, word for word, what Git tells it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import RemoteError, UsageError
from assay.engine.git.gitconfig import GitConfig
from assay.remotes.git.ssh import ProgramDialer, program
from assay.remotes.git.sshaddress import is_ssh, parsed, shown
from assay.remotes.git.wire import UPLOAD_PACK

ADDRESSES = [
    "ssh://h/p", "ssh://u@h:22/p", "ssh://u@h/~/p", "ssh://u@h/~x/p", "ssh://[::1]:22/p", "ssh://[::1]/p", "u@h:p",
    "h:/~x/p", "h:~x/p", "[h:22]:p", "u@[::1]:p", "[u@h:22]:p", "[::1]:p", "u@[h:23]:p", "ssh://h:/p", "u@x@h:p",
    "ssh://h/a%20b", "git+ssh://h/p", "ssh+git://u@h/p", "ssh://u@h/", "h:it's!", "[::1:22]:p", "h:a b/c.git",
    "ssh://h/-p", "h:p:q",
]  # fmt: skip


@pytest.fixture
def told(git: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, str]]:
    """The words that Git, and assay, give to an ssh program for an address."""
    log, ssh = tmp_path / "log", tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nfor word in "$@"; do printf "[%s]" "$word"; done >> {log}\nexit 1\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(ssh))
    monkeypatch.setenv("GIT_PROTOCOL", "")

    def ask(url: str) -> tuple[str, str]:
        log.write_text("")
        git("-c", "protocol.version=2", "ls-remote", url, check=False)
        theirs = log.read_text()
        log.write_text("")
        found = program(GitConfig(), os.environ, batch=False)
        assert found is not None
        stream = ProgramDialer(url, parsed(url), found, {}).open(UPLOAD_PACK)
        with pytest.raises(RemoteError, match="said nothing"):
            stream.read(1)
        stream.close()
        return theirs, log.read_text()

    return ask


@pytest.mark.parametrize("url", ADDRESSES)
def test_ssh_is_told_what_git_tells_it(told: Callable[[str], tuple[str, str]], url: str) -> None:
    assert is_ssh(url)
    theirs, ours = told(url)
    assert theirs
    assert ours == theirs


@pytest.mark.parametrize("url", ["ssh://-oProxyCommand=x/p", "-oX=y:p", "h:-p", "ssh://h", "ssh:///p", "h:", "u@:p"])
def test_what_leads_nowhere_or_could_be_an_option_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        parsed(url)


@pytest.mark.parametrize("url", ["a/b:c", "./a:b", "https://h/p", "/a", "a"])
def test_what_is_not_behind_ssh(url: str) -> None:
    assert not is_ssh(url)


def test_a_password_is_not_shown() -> None:
    assert shown("ssh://u:secret@h:22/p@q") == "ssh://u@h:22/p@q"
    assert shown("u@h:p") == "u@h:p"
