"""Who we are to Git servers: asked of the same places that Git asks, in the same order.

The URL; ``~/.netrc``; the credential helpers of Git's configuration; ``GIT_ASKPASS``, ``core.askPass``,
``SSH_ASKPASS``; whoever sits at the terminal. One place after the other, the next one only when the server refused what
the one before gave. Helpers are told what was good, and what was refused. `said` tells what each place had to say,
never a secret.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from assay.engine.errors import AccessDenied
from assay.engine.git.gitconfig import GitConfig
from assay.engine.ports import Person
from assay.remotes.git import netrc
from assay.remotes.git.credentialfile import Login
from assay.remotes.git.credentialhelpers import Helper, Surroundings
from assay.remotes.git.urlconfig import most_specific, values
from assay.remotes.git.wire import Answer

_NO = ("false", "no", "off", "0")


class _Given(NamedTuple):
    """A login that a place gave, and what its helper wants to hear again; whether helpers are to be told of it."""

    login: Login
    more: Mapping[str, str]
    is_news: bool


class Keyring:
    """Fills `wire.Credentials`.

    Args:
        url: The repository's URL, with the user and password that it may have.
        config: Git's configuration.
        environment: The process's variables.
        home: The user's home folder; may be empty.
        person: Who can be asked; None for nobody.
    """

    def __init__(
        self, url: str, config: GitConfig, environment: Mapping[str, str], home: str, person: Person | None
    ) -> None:
        self._url = url
        self._config = config
        self._environment = environment
        self._home = home
        may_ask = environment.get("GIT_TERMINAL_PROMPT", "").lower() not in _NO
        self._forbidden = "" if may_ask else "GIT_TERMINAL_PROMPT forbids to ask at a terminal"
        self._person = person if may_ask else None
        self._said: list[str] = []
        self._given: dict[Answer, _Given] = {}

    def answers(self, url: str, realm: str) -> Iterator[Answer]:
        """What to say to a server, the likeliest first. Raises AccessDenied for a URL that helpers cannot be told."""
        del realm
        self._said.clear()
        login = self._wanted(url)
        if login.password:
            yield self._answer(login, "the URL", is_news=False)
        login = login._replace(password="")
        if found := self._in_netrc(login):
            yield self._answer(found, "netrc", is_news=False)
        login = login._replace(user=login.user or most_specific(self._config, "credential", "username", url))
        for helper in self._helpers(url):
            reply = helper.get(login, time.time())
            found = login._replace(user=reply.user or login.user, password=reply.password or login.password)
            if found.user and found.password:
                yield self._answer(found, helper.name, reply.more)
            else:
                self._said.append(f"{helper.name}: {reply.problem}" if reply.problem else f"{helper.name} has nothing")
                login = found
            if reply.quit:
                self._said.append(f"{helper.name} says to stop here")
                return
        yield from self._asked(login._replace(password=""))

    def accepted(self, url: str, answer: Answer) -> None:
        """Tells the helpers to keep what was asked of somebody, or came from one of them."""
        given = self._given.get(answer)
        if given is not None and given.is_news:
            for helper in self._helpers(url):
                helper.store(given.login, given.more)

    def refused(self, url: str, answer: Answer) -> None:
        """Tells the helpers to forget it."""
        self._said.append(f"what {answer.source} gave for {answer.user or 'nobody'} was refused")
        given = self._given.get(answer)
        if given is not None and given.is_news:
            for helper in self._helpers(url):
                helper.erase(given.login)

    def said(self) -> list[str]:
        """What each place had to say since the server asked, in order, for the sentence of a failure."""
        return list(self._said)

    def _answer(
        self, login: Login, source: str, more: Mapping[str, str] | None = None, *, is_news: bool = True
    ) -> Answer:
        answer = Answer(login.user, login.password, source)
        self._given[answer] = _Given(login, more or {}, is_news)
        return answer

    def _wanted(self, url: str) -> Login:
        """What is known of the login for a URL before anybody is asked."""
        parts, own = urlsplit(url), urlsplit(self._url)
        if (parts.scheme, parts.hostname, parts.port) == (
            own.scheme,
            own.hostname,
            own.port,
        ) and parts.username is None:
            parts = parts._replace(netloc=own.netloc)
        path = ""
        if most_specific(self._config, "credential", "useHttpPath", url, "false").lower() not in (*_NO, ""):
            path = unquote(parts.path).strip("/")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        login = Login(parts.scheme, parts.netloc.rpartition("@")[2].lower(), path, user, password)
        if any(re.search(r"[\n\r\0]", word) for word in login):
            raise AccessDenied("The URL has a line break in it, and could ask for somebody else's password.")
        return login

    def _helpers(self, url: str) -> list[Helper]:
        """The helpers for a URL; an empty name forgets those before it."""
        texts: list[str] = []
        for text in values(self._config, "credential", "helper", url):
            texts = [*texts, text] if text else []
        around = Surroundings(self._environment, self._home, self._person is None)
        return [Helper(text, around) for text in texts]

    def _in_netrc(self, login: Login) -> Login | None:
        host = login.host.rpartition(":")[0] if re.search(r":\d+$", login.host) else login.host
        if not self._home:
            return None
        for name in (".netrc", "_netrc"):
            try:
                with open(f"{self._home}/{name}", encoding="utf-8", errors="surrogateescape") as file:
                    found = netrc.find(file.read(), host.strip("[]"), login.user)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._said.append(f"~/{name} cannot be read ({error.strerror})")
            except ValueError as error:
                self._said.append(f"~/{name} cannot be understood ({error})")
            else:
                if found is not None and found.login:
                    return login._replace(user=found.login, password=found.password)
                self._said.append(f"~/{name} has nothing for {host}")
        return None

    def _asked(self, login: Login) -> Iterator[Answer]:
        """Asks a program with a window, then whoever sits at the terminal."""
        program, name = self._window()
        if program:
            found = self._complete(login, lambda question, _: self._by_window(program, name, question))
            if found is not None:
                yield self._answer(found, name)
        if self._person is None:
            self._said.append(self._forbidden or "nobody sits at a terminal to be asked")
            return
        person = self._person
        found = self._complete(login, lambda question, secret: person.ask(question, secret=secret))
        if found is None:
            self._said.append("nothing was typed")
        else:
            yield self._answer(found, "the terminal")

    def _complete(self, login: Login, ask: Callable[[str, bool], str | None]) -> Login | None:
        place = f"{login.protocol}://"
        where = f"{login.host}/{login.path}".rstrip("/")
        user = login.user or ask(f"Username for '{place}{where}': ", False)
        if not user:
            return None
        password = ask(f"Password for '{place}{user}@{where}': ", True)
        return login._replace(user=user, password=password) if password else None

    def _window(self) -> tuple[str, str]:
        """The program that asks in a window, and what names it."""
        if program := self._environment.get("GIT_ASKPASS"):
            return program, "GIT_ASKPASS"
        if program := self._config.file("core.askPass"):
            return program, "core.askPass"
        return self._environment.get("SSH_ASKPASS", ""), "SSH_ASKPASS"

    def _by_window(self, program: str, name: str, question: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603 - the user's own program
                [program, question], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=dict(self._environment), check=False,
            )  # fmt: skip
        except OSError as error:
            self._said.append(f"{name} ({os.path.basename(program)}) cannot be started ({error.strerror})")
            return None
        answer = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        if done.returncode or not answer or not answer[0]:
            self._said.append(f"{name} ({os.path.basename(program)}) gave nothing (it ended with {done.returncode})")
            return None
        return answer[0]
