"""What is said about logins, and where they come from, beyond what real Git judges."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied
from assay.engine.git.gitconfig import GitConfig, parse
from assay.remotes.git.credentials import Keyring
from assay.remotes.git.wire import Answer

URL = "https://example.com/team/repo.git"
Make = Callable[..., Keyring]


class Somebody:
    """Types these answers."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []

    def ask(self, question: str, *, secret: bool = False) -> str | None:
        self.asked.append((question, secret))
        return self.answers.pop(0)


@pytest.fixture
def keyring(clean_environment: Path) -> Make:
    def make(text: str = "", url: str = URL, person: Somebody | None = None, **environment: str) -> Keyring:
        config = GitConfig(parse(text, "config"), str(clean_environment))
        return Keyring(url, config, {**os.environ, **environment}, str(clean_environment), person)

    return make


def test_each_place_is_asked_in_turn_and_says_why_it_did_not_help(keyring: Make, clean_environment: Path) -> None:
    (clean_environment / ".netrc").write_text("machine example.com login ann password net-secret\n")
    text = '[credential]\n helper = store\n helper = "!echo username=bob; echo password=helper-secret;:"\n'
    (clean_environment / "window").write_text("#!/bin/sh\necho window-secret\n")
    (clean_environment / "window").chmod(0o755)
    keys = keyring(text, "https://ann:url-secret@example.com/x", GIT_ASKPASS=str(clean_environment / "window"))
    seen = []
    for answer in keys.answers(URL, "realm"):
        seen.append(answer)
        keys.refused(URL, answer)
    assert seen == [
        Answer("ann", "url-secret", "the URL"), Answer("ann", "net-secret", "netrc"),
        Answer("bob", "helper-secret", "the helper that is a shell command"),
        Answer("ann", "window-secret", "GIT_ASKPASS"),
    ]  # fmt: skip
    assert keys.said() == [
        "what the URL gave for ann was refused", "what netrc gave for ann was refused", "the helper store has nothing",
        "what the helper that is a shell command gave for bob was refused", "what GIT_ASKPASS gave for ann was refused",
        "nobody sits at a terminal to be asked",
    ]  # fmt: skip
    assert "secret" not in repr(keys.said())


def test_a_person_is_asked_last_and_may_keep_silent(keyring: Make) -> None:
    person = Somebody("ann", "typed")
    keys = keyring(person=person)
    assert list(keys.answers(URL, "")) == [Answer("ann", "typed", "the terminal")]
    assert person.asked == [
        ("Username for 'https://example.com': ", False), ("Password for 'https://ann@example.com': ", True)
    ]  # fmt: skip
    keys = keyring("[credential]\n useHttpPath = on\n username = ann\n", person=Somebody(None))
    assert list(keys.answers(URL, "")) == []
    assert keys.said() == ["nothing was typed"]


def test_nobody_is_asked_where_that_is_forbidden(keyring: Make) -> None:
    keys = keyring(person=Somebody(), GIT_TERMINAL_PROMPT="0")
    assert list(keys.answers(URL, "")) == []
    assert keys.said() == ["GIT_TERMINAL_PROMPT forbids to ask at a terminal"]


def test_what_the_url_and_netrc_gave_is_told_to_no_helper(keyring: Make, clean_environment: Path) -> None:
    keys = keyring("[credential]\n helper = store\n", "https://ann:secret@example.com/x")
    answer = next(keys.answers(URL, ""))
    keys.accepted(URL, answer)
    assert not (clean_environment / ".git-credentials").exists()


def test_what_was_typed_is_kept_by_the_helper(keyring: Make, clean_environment: Path) -> None:
    text = "[credential]\n helper = store\n"
    keys = keyring(text, person=Somebody("ann", "typed"))
    keys.accepted(URL, next(keys.answers(URL, "")))
    again = keyring(text)
    answer = next(again.answers(URL, ""))
    assert answer == Answer("ann", "typed", "the helper store")
    again.refused(URL, answer)
    assert (clean_environment / ".git-credentials").read_text() == ""


def test_the_login_of_the_url_stays_with_its_host(keyring: Make) -> None:
    keys = keyring(url="https://ann:secret@example.com/x")
    assert list(keys.answers("https://elsewhere.com/x", "")) == []
    assert list(keys.answers("https://example.com:8443/x", "")) == []


@pytest.mark.parametrize("url", ["https://example.com%0ahost=x/y", "https://a%0ab@example.com/x"])
def test_an_address_that_could_ask_for_another_hosts_password_is_refused(keyring: Make, url: str) -> None:
    keys = keyring('[credential]\n helper = "!echo username=u; echo password=p;:"\n useHttpPath = true\n', url)
    if "@" in url:
        with pytest.raises(AccessDenied, match="line break"):
            next(keys.answers(url, ""))
    with pytest.raises(AccessDenied, match="line break"):
        next(keys.answers("https://example.com/a%0ab", ""))


def test_what_has_expired_is_not_said(keyring: Make) -> None:
    soon = int(time.time()) - 10
    helper = f'"!echo username=u; echo password=p; echo password_expiry_utc={soon};:"'
    keys = keyring(f"[credential]\n helper = {helper}\n")
    assert list(keys.answers(URL, "")) == []
    assert keys.said()[0] == "the helper that is a shell command: what it has is out of date"


def test_what_a_helper_wants_to_hear_again_is_told_it(keyring: Make, clean_environment: Path) -> None:
    helper = clean_environment / "helper"
    helper.write_text(
        f"#!{sys.executable}\nimport sys\ntold = sys.stdin.read()\n"
        f"open({str(clean_environment / 'log')!r}, 'a').write(sys.argv[1] + '\\n' + told)\n"
        "if sys.argv[1] == 'get':\n    print('username=u\\npassword=p\\noauth_refresh_token=r')\n"
    )
    helper.chmod(0o755)
    keys = keyring(f"[credential]\n helper = {helper}\n")
    keys.accepted(URL, next(keys.answers(URL, "")))
    assert (clean_environment / "log").read_text() == (
        "get\nprotocol=https\nhost=example.com\n"
        "store\nprotocol=https\nhost=example.com\nusername=u\npassword=p\noauth_refresh_token=r\n"
    )


def test_helpers_of_programs_that_are_not_there_are_named(keyring: Make, tmp_path: Path) -> None:
    keys = keyring("[credential]\n helper = manager --x\n", PATH=str(tmp_path))
    assert list(keys.answers(URL, "")) == []
    assert keys.said()[0] == "the helper manager: neither git nor git-credential-manager is on PATH"


def test_a_helper_is_found_on_the_path_where_there_is_no_git(keyring: Make, tmp_path: Path) -> None:
    program = tmp_path / "git-credential-mine"
    program.write_text('#!/bin/sh\necho username=$1\necho "password=$2"\n')
    program.chmod(0o755)
    keys = keyring("[credential]\n helper = mine ann\n", PATH=str(tmp_path))
    assert next(keys.answers(URL, "")) == Answer("ann", "get", "the helper mine")


def test_a_helper_that_fails_is_quoted_without_secrets(keyring: Make) -> None:
    helper = '"!echo password=hunter; echo first >&2; echo bad hunter ghp_0123456789abcdefghij at /a/b >&2; exit 4;:"'
    keys = keyring(f"[credential]\n helper = {helper}\n")
    assert list(keys.answers(URL, "")) == []
    assert keys.said()[0] == "the helper that is a shell command: it ended with 4: bad *** *** at /a/b"


@pytest.mark.parametrize(
    ("program", "says"),
    [("#!/bin/sh\nexit 1\n", r"gave nothing \(it ended with 1\)"), (None, "cannot be started")],
)
def test_a_window_that_fails(keyring: Make, tmp_path: Path, program: str | None, says: str) -> None:
    if program:
        (tmp_path / "ask").write_text(program)
        (tmp_path / "ask").chmod(0o755)
    keys = keyring(SSH_ASKPASS=str(tmp_path / "ask"))
    assert list(keys.answers(URL, "")) == []
    with pytest.raises(AssertionError, match=rf"SSH_ASKPASS \(ask\) {says}"):
        raise AssertionError(keys.said()[0])


def test_a_netrc_that_cannot_be_understood_is_said(keyring: Make, clean_environment: Path) -> None:
    (clean_environment / ".netrc").write_text("machine example.com passwrod secret\n")
    keys = keyring()
    assert list(keys.answers(URL, "")) == []
    assert keys.said()[0] == "~/.netrc cannot be understood (line 1 has a word that is not known)"


def test_a_file_that_somebody_else_is_writing_is_left_alone(keyring: Make, clean_environment: Path) -> None:
    (clean_environment / ".git-credentials.lock").touch()
    keys = keyring("[credential]\n helper = store\n", person=Somebody("ann", "typed"))
    keys.accepted(URL, next(keys.answers(URL, "")))
    assert not (clean_environment / ".git-credentials").exists()
    assert (clean_environment / ".git-credentials.lock").exists()
