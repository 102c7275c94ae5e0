"""Which login is used, and what helpers are told: as `git credential fill`, `approve` and `reject` do it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from assay.engine.git import gitconfig
from assay.remotes.git.credentials import Keyring
from assay.remotes.git.wire import Answer

Git = Callable[..., str]
URL = "https://example.com:8443/team/repo.git"


class Case(NamedTuple):
    """What is configured; ``LOG`` is a helper that writes down what it is told and knows ``u`` and ``p``."""

    config: str
    url: str = URL
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed


CASES = {
    "a command": Case('[credential]\n helper = "!LOG u p"\n'),
    "an absolute path": Case("[credential]\n helper = LOG u p\n"),
    "the first that knows": Case('[credential]\n helper = "LOG"\n helper = LOG u p\n helper = LOG v q\n'),
    "one that knows the user and another the password": Case(
        '[credential]\n helper = "!echo username=w;:"\n helper = "!echo password=x;:"\n'
    ),
    "an empty one forgets": Case("[credential]\n helper = LOG a b\n helper =\n helper = LOG u p\n"),
    "by URL": Case(
        '[credential "https://example.com:8443"]\n helper = LOG u p\n[credential "https://example.com"]\n helper = no\n'
    ),
    "by URL, forgetting": Case(
        '[credential]\n helper = LOG a b\n[credential "https://example.com:8443/team"]\n helper =\n helper = LOG u p\n'
        '[credential "https://other.com"]\n helper =\n'
    ),
    "the path is told": Case("[credential]\n useHttpPath = true\n helper = LOG u p\n"),
    "the path is told for some": Case(
        '[credential "https://example.com:8443"]\n useHttpPath = true\n[credential]\n helper = LOG u p\n'
    ),
    "a user is configured": Case("[credential]\n username = ann\n helper = LOG '' p\n"),
    "a user in the URL": Case("[credential]\n username = ann\n helper = LOG '' p\n", "https://bob@example.com/x"),
    "one that says stop": Case('[credential]\n helper = "!echo quit=1;:"\n helper = LOG u p\n'),
    "one that fails": Case('[credential]\n helper = "!exit 3;"\n helper = LOG u p\n'),
    "one that is not there": Case("[credential]\n helper = no-such-one\n helper = LOG u p\n"),
    "a window": Case("[credential]\n helper = LOG\n", URL, {"GIT_ASKPASS": "WINDOW"}),
    "a window that is configured": Case("[core]\n askPass = WINDOW\n[credential]\n helper = LOG\n"),
    "ssh's window": Case("[credential]\n helper = LOG\n username = ann\n", URL, {"SSH_ASKPASS": "WINDOW"}),
    "a window before another": Case(
        "[core]\n askPass = no\n[credential]\n helper = LOG\n", URL, {"SSH_ASKPASS": "no", "GIT_ASKPASS": "WINDOW"}
    ),
    "nobody": Case(""),
}


class Place:
    """A home with a configuration, and a log of what the programs named there were told.

    Args:
        case: The case.
        folder: The home.
    """

    def __init__(self, case: Case, folder: Path) -> None:
        self.log = folder / "log"
        self.log.write_text("")
        helper, window = folder / "helper", folder / "window"
        helper.write_text(
            '#!/bin/sh\nfor last; do :; done\n{ echo "$last"; cat; } >> ' + str(self.log) + "\n"
            '[ "$last" = get ] && [ $# = 3 ] && { [ -z "$1" ] || echo username=$1; echo password=$2; }\nexit 0\n'
        )
        window.write_text(f'#!/bin/sh\necho "$1" >> {self.log}\ncase $1 in U*) echo wim;; *) echo "pass word";; esac\n')
        for path in (helper, window):
            path.chmod(0o755)
        text = case.config.replace("LOG", str(helper)).replace("WINDOW", str(window))
        (folder / ".gitconfig").write_text(text)
        self.config = gitconfig.load([f"{folder}/.gitconfig"], gitconfig.Place(home=str(folder)))
        self.environment = {key: value.replace("WINDOW", str(window)) for key, value in case.environment.items()}

    def logged(self) -> str:
        """What was written down since the last question, without what only this Git or only assay tells."""
        text = self.log.read_text()
        self.log.write_text("")
        return "".join(line for line in text.splitlines(True) if not line.startswith(("capability", "wwwauth")))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_same_login_is_found_and_the_same_is_told(
    case: Case, git: Git, clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(case, clean_environment)
    for key, value in {**place.environment, "GIT_TERMINAL_PROMPT": "0"}.items():
        monkeypatch.setenv(key, value)
    theirs = git("credential", "fill", stdin=f"url={case.url}\n".encode(), check=False)
    told = [place.logged()]
    for verb in ("approve", "reject") if theirs else ():
        git("credential", verb, stdin=theirs.encode())
        told.append(place.logged())
    keyring = Keyring(case.url, place.config, os.environ, str(clean_environment), None)
    shown = case.url.replace("bob@", "")
    found = next(keyring.answers(shown, ""), None)
    ours = [place.logged()]
    if found is not None:
        keyring.accepted(shown, found)
        ours.append(place.logged())
        keyring.refused(shown, found)
        ours.append(place.logged())
    values = dict(line.split("=", 1) for line in theirs.splitlines())
    assert (values.get("username"), values.get("password")) == ((found.user, found.password) if found else (None, None))
    assert ours == told


STORED = [
    ("https://example.com/x.git", "ann", "plain"), ("https://example.com:8443/x", "b@b", "p:/@ %+ü"),
    ("http://example.com/x", "ann", "other"), ("https://[::1]:80/x", "u", "~!*'()"),
]  # fmt: skip


@pytest.mark.parametrize("use_path", ["false", "true"])
def test_the_file_of_the_helper_store_is_gits_to_the_byte(git: Git, clean_environment: Path, use_path: str) -> None:
    file = clean_environment / ".git-credentials"
    settings = f"[credential]\n helper = store\n useHttpPath = {use_path}\n"
    (clean_environment / ".gitconfig").write_text(settings)
    config = gitconfig.load([f"{clean_environment}/.gitconfig"])

    def ours(verb: str, url: str, user: str, password: str) -> None:
        helpers = Keyring(url, config, os.environ, str(clean_environment), None)
        login = helpers._wanted(url)._replace(user=user, password=password)
        answer = helpers._answer(login, "the terminal")
        (helpers.accepted if verb == "approve" else helpers.refused)(url, answer)

    def theirs(verb: str, url: str, user: str, password: str) -> None:
        git("credential", verb, stdin=f"url={url}\nusername={user}\npassword={password}\n".encode())

    def written(do: Callable[..., None]) -> list[bytes]:
        states = []
        file.unlink(missing_ok=True)
        file.write_bytes(b"no url\nhttps://example.com/no-login\nhttps://zoe:z@example.org\n")
        for verb, login in [("approve", one) for one in STORED * 2] + [("reject", one) for one in STORED]:
            do(verb, *login)
            states.append(file.read_bytes())
        return states

    assert written(ours) == written(theirs)


def test_what_git_stored_is_found_and_what_assay_stored_git_finds(git: Git, clean_environment: Path) -> None:
    (clean_environment / ".gitconfig").write_text("[credential]\n helper = store --file ~/mine\n")
    config = gitconfig.load([f"{clean_environment}/.gitconfig"])
    for url, user, password in STORED:
        (clean_environment / "mine").unlink(missing_ok=True)
        git("credential", "approve", stdin=f"url={url}\nusername={user}\npassword={password}\n".encode())
        keyring = Keyring(url, config, os.environ, str(clean_environment), None)
        found = next(keyring.answers(url, ""))
        assert found == Answer(user, password, "the helper store")
        (clean_environment / "mine").unlink()
        keyring.accepted(url, found)
        assert stat.S_IMODE((clean_environment / "mine").stat().st_mode) == 0o600
        filled = git("credential", "fill", stdin=f"url={url}\n".encode())
        assert f"username={user}\npassword={password}" in filled
