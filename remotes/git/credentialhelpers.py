"""The credential helpers that Git's configuration names: asked for a login, told what became of it.

They are run because the user's own configuration says so: the system's, the user's, and the repository's
``.git/config``, which never comes from a remote and which Git trusts in the same way. Nothing that a commit or a server
holds is ever run. ``store`` is done here, without any program; others are ``git credential-NAME``, or
``git-credential-NAME`` where there is no Git.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from shutil import which
from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.remotes.git import credentialfile
from assay.remotes.git.credentialfile import Login

_PATIENCE = 300.0  # seconds for a helper where nobody sees what it waits for
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_TOKEN = re.compile(r"(?=[^\s/]*\d)[A-Za-z0-9+_=-]{16,}")
_KEPT = ("password_expiry_utc", "oauth_refresh_token")


class Reply(NamedTuple):
    """What a helper answered.

    Attributes:
        user: The user name; empty when it gave none. ``password`` likewise.
        more: What else the same helper wants to be told when the login was good.
        quit: Whether it says that nobody else is to be asked.
        problem: Why it gave nothing; empty when it just has nothing.
    """

    user: str = ""
    password: str = ""
    more: Mapping[str, str] = {}
    quit: bool = False
    problem: str = ""


class Surroundings(NamedTuple):
    """What helpers are run with.

    Attributes:
        environment: Variables.
        home: The home folder; may be empty.
        quiet: Whether nobody can be asked, nor read what a helper writes.
    """

    environment: Mapping[str, str]
    home: str
    quiet: bool


class Helper:
    """One helper.

    Args:
        text: As the configuration has it.
        around: What it is run with.
    """

    def __init__(self, text: str, around: Surroundings) -> None:
        self._text = text
        self._around = around
        self._files = _store_files(text, around)

    @property
    def name(self) -> str:
        """What to call it in a sentence, without anything that might be a secret in a command."""
        if self._text.startswith("!"):
            return "the helper that is a shell command"
        return f"the helper {(self._text.split() or [''])[0]}"

    def get(self, login: Login, now: float = 0) -> Reply:
        """Asks for what is not known of a login; ``now`` (seconds since 1970) tells what has expired."""
        if self._files is not None:
            try:
                found = credentialfile.find(self._files, login)
            except OSError as error:
                return Reply(problem=f"{error.filename} cannot be read: {error.strerror}")
            return Reply(found.user, found.password) if found is not None else Reply()
        values, problem = self._run("get", login)
        expires = values.get("password_expiry_utc", "")
        if expires.isdigit() and now and int(expires) < now:
            return Reply(problem="what it has is out of date")
        more = {key: values[key] for key in _KEPT if key in values}
        is_last = values.get("quit", "").lower() in ("1", "true", "yes", "on")
        return Reply(values.get("username", ""), values.get("password", ""), more, is_last, problem)

    def store(self, login: Login, more: Mapping[str, str]) -> str:
        """Tells that a login was good; returns why it cannot be kept, empty when that is not known."""
        if self._files is None:
            return self._run("store", login, more)[1]
        return _told(lambda files: credentialfile.keep(files, login), self._files)

    def erase(self, login: Login) -> str:
        """Tells that a login was refused; returns as `store`."""
        if self._files is None:
            return self._run("erase", login)[1]
        return _told(lambda files: credentialfile.forget(files, login), self._files)

    def _run(self, operation: str, login: Login, more: Mapping[str, str] | None = None) -> tuple[dict[str, str], str]:
        """Runs the program; returns what it says by key, and why it said nothing."""
        command = self._command()
        if not command:
            program = (self._text.split() or [""])[0]
            return {}, f"neither git nor git-credential-{program} is on PATH"
        told = {**{key: value for key, value in _spoken(login) if value}, **(more or {})}
        environment = dict(self._around.environment)
        if self._around.quiet:
            environment["GIT_TERMINAL_PROMPT"] = "0"
        try:
            done = subprocess.run(  # noqa: S602 - the user's own command, as Git runs it
                f"{command} {operation}", shell=True, env=environment, check=False,
                input="".join(f"{key}={value}\n" for key, value in told.items()).encode("utf-8", "surrogateescape"),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE if self._around.quiet else None,
                timeout=_PATIENCE if self._around.quiet else None,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {}, f"it did not answer within {_PATIENCE:.0f} seconds"
        except (OSError, ValueError) as error:
            return {}, f"it cannot be started: {error}"
        values = _heard(done.stdout)
        if done.returncode == 0:
            return values, ""
        return {}, _last_words(done.returncode, done.stderr or b"", [*values.values(), login.password])

    def _command(self) -> str:
        """The line for the shell; empty where there is no such program."""
        if self._text.startswith("!"):
            return self._text[1:]
        if os.path.isabs(self._text):
            return self._text
        path = self._around.environment.get("PATH", os.defpath)
        if which("git", path=path):
            return f"git credential-{self._text}"
        name = (self._text.split() or [""])[0]
        return f"git-credential-{self._text}" if which(f"git-credential-{name}", path=path) else ""


def _store_files(text: str, around: Surroundings) -> list[str] | None:
    """The files of the helper ``store``; None for another helper, and where its words are not the known ones."""
    try:
        name, *words = shlex.split(text) if not text.startswith("!") else [""]
    except ValueError:
        return None
    if name != "store":
        return None
    if not words:
        config = around.environment.get("XDG_CONFIG_HOME") or f"{around.home}/.config"
        return [f"{around.home}/.git-credentials", f"{config}/git/credentials"] if around.home else None
    option, _, path = " ".join(words).replace("--file ", "--file=", 1).partition("=")
    if option != "--file" or not path:
        return None
    return [around.home + path[1:] if path.startswith("~/") else path]


def _told(tell: Callable[[Sequence[str]], None], files: Sequence[str]) -> str:
    try:
        tell(files)
    except AssayError as error:
        return error.message
    except OSError as error:
        return f"{files[0]} cannot be written: {error.strerror}"
    return ""


def _spoken(login: Login) -> list[tuple[str, str]]:
    """A login in the words of helpers."""
    return list(zip(("protocol", "host", "path", "username", "password"), login, strict=True))


def _heard(output: bytes) -> dict[str, str]:
    values = {}
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        key, equals, value = line.partition("=")
        if not line:
            break
        if equals:
            values[key] = value
    return values


def _last_words(status: int, said: bytes, secrets: Sequence[str]) -> str:
    """What a failed program said last, without what is or looks like a secret."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    text = _CONTROL.sub(" ", lines[-1])[:200] if lines else ""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = _TOKEN.sub("***", text)
    return f"it ended with {status}" + (f": {text.rstrip('.')}" if text else "")
