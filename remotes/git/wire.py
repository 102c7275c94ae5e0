"""What lies between Git's protocol and the network, as protocols.

`server` speaks Git's protocol over a `Wire`. Over http that is `http.HttpWire`, which asks `Credentials` when the
server wants to know who it is. Whatever runs a service far away and joins its input and output to ours (ssh, a
daemon's port) is a `Dialer`, and `Dialled` makes a wire of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, Protocol

from assay.engine.errors import RemoteError, Unavailable

UPLOAD_PACK, RECEIVE_PACK = "git-upload-pack", "git-receive-pack"
"""The services: the first one is asked for refs and objects, the second one takes them."""

_FRESH = 15.0  # seconds for which a service that has greeted us surely still listens
_PIECE = 1 << 18


class Reader(Protocol):
    """Bytes that a server sends."""

    def read(self, size: int) -> bytes:
        """The next bytes, at least one and at most ``size``; empty at the end. Raises RemoteError."""


class Stream(Reader, Protocol):
    """A service that runs far away, its input and output."""

    def write(self, data: bytes) -> None:
        """Sends all of the bytes.

        Raises:
            BrokenPipeError: The service does not listen any more; what it said last can still be read.
            RemoteError: The connection is gone.
        """

    def said(self) -> str:
        """What the service and the program that reaches it wrote to their stderr so far."""

    def close(self) -> None:
        """Ends the service and lets go of the connection. Called twice, it does nothing."""


class Dialer(Protocol):
    """Runs services far away."""

    @property
    def url(self) -> str:
        """What the user calls the repository, without credentials."""

    def open(self, service: str) -> Stream:
        """Runs a service on the repository, with GIT_PROTOCOL set to "version=2" where the way there allows it.

        Args:
            service: `UPLOAD_PACK` or `RECEIVE_PACK`.

        Raises:
            RemoteError: There is no way there; AccessDenied names what was tried.
        """


class Answer(NamedTuple):
    """Who we say we are.

    Attributes:
        user: The name; may be empty.
        password: The password or token.
        source: Where both come from, for the sentence that says what was tried ("netrc", "the URL").
    """

    user: str
    password: str
    source: str


class Credentials(Protocol):
    """Knows who we are, when a server asks."""

    def answers(self, url: str, realm: str) -> Iterator[Answer]:
        """What to say, the likeliest first; the next one is asked for only when the server refused the one before.

        Args:
            url: The repository at the server that asks; after a redirect that may be another than was typed.
            realm: What the server calls what it guards; may be empty.
        """

    def accepted(self, url: str, answer: Answer) -> None:
        """The server took this one: worth keeping."""

    def refused(self, url: str, answer: Answer) -> None:
        """The server did not take this one: to be forgotten."""

    def said(self) -> list[str]:
        """What each place that was asked had to say, and what was refused, for the sentence of a failure."""


class Wire(Protocol):
    """Requests and answers between here and a repository's services."""

    @property
    def url(self) -> str:
        """What the user calls the repository, without credentials."""

    def begin(self, service: str) -> None:
        """Sets out for a service that is greeted soon, so that the way there and the caller's own work overlap.

        What goes wrong is said by `greet`.
        """

    def greet(self, service: str) -> Reader:
        """Begins with a service: what it says of itself, and in the old protocol its refs. Raises RemoteError."""

    def ask(self, service: str, request: bytes, pack: str = "") -> Reader:
        """Sends a request to a service that was greeted, and gives the answer.

        Args:
            service: `UPLOAD_PACK` or `RECEIVE_PACK`.
            request: What is sent first.
            pack: Path of a file that is sent after it; none when empty.

        Raises:
            RemoteError: The server does not take it.
        """

    def is_ready(self, service: str) -> bool:
        """Whether a service that was greeted can be asked; else it is to be greeted again."""

    def said(self) -> str:
        """What the other side said beside its answer, for the sentence about a failure."""

    def close(self) -> None:
        """Lets go of connections."""


class Dialled:
    """A wire over a `Dialer`: one conversation with one service at a time.

    Args:
        dialer: Runs the services.
        now: A clock in seconds.

    Attributes:
        url: What the user calls the repository.
    """

    def __init__(self, dialer: Dialer, now: Callable[[], float] = time.monotonic) -> None:
        self.url = dialer.url
        self._dialer = dialer
        self._now = now
        self._stream: Stream | None = None
        self._service = ""
        self._heard = 0.0
        self._said = ""
        self._has_greeted = False

    def begin(self, service: str) -> None:
        """Runs the service, which says something as soon as it is reached."""
        with suppress(RemoteError):
            self._run(service)

    def greet(self, service: str) -> Reader:
        """Runs the service, unless it was begun just now; one that ran before is ended."""
        if self._stream is None or self._has_greeted or not self.is_ready(service):
            self._run(service)
        if self._stream is None:
            raise Unavailable(f"{self.url}: {service} does not run.")
        self._has_greeted = True
        return self._stream

    def _run(self, service: str) -> None:
        self.close()
        self._stream = self._dialer.open(service)
        self._service, self._heard, self._said, self._has_greeted = service, self._now(), "", False

    def ask(self, service: str, request: bytes, pack: str = "") -> Reader:
        """Writes the request, then the file. Where the service stops listening, its last words are the answer."""
        if self._stream is None or service != self._service:
            raise Unavailable(f"{self.url}: {service} does not run.")
        self._heard = self._now()
        try:
            self._stream.write(request)
            if pack:
                _copy(pack, self._stream)
        except BrokenPipeError:
            self._heard = self._now() - _FRESH
        return self._stream

    def is_ready(self, service: str) -> bool:
        """Whether the service runs and was heard of a moment ago: servers, and walls between, cut who is silent."""
        return self._stream is not None and service == self._service and self._now() - self._heard < _FRESH

    def said(self) -> str:
        """What came on stderr."""
        return self._stream.said() if self._stream is not None else self._said

    def close(self) -> None:
        """Ends the service."""
        if self._stream is not None:
            self._stream.close()
            self._said = self._stream.said()
            self._stream = None


def _copy(path: str, stream: Stream) -> None:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            stream.write(piece)
