"""Services behind a port of their own, as ``git daemon`` runs them: ``git://host/path``, no login, all in the clear.

Such servers mostly let nobody push, and hang up without a word on who asks for what they do not serve: the sentence
about it says what that may mean. Limits: ``core.gitProxy`` is not looked at.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from assay.engine.errors import GitError, RemoteError, Unavailable
from assay.remotes.git.addresses import shown
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK

_PORT = 9418
_CONNECT, _SILENCE = 30.0, 300.0  # seconds


class DaemonDialer:
    """Asks a daemon for services.

    Args:
        url: Where the repository is.

    Raises:
        GitError: That is no such URL.
    """

    def __init__(self, url: str) -> None:
        self.url = shown(url)
        try:
            parts = urlsplit(url)
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            self._host = ""
        path = unquote(parts.path, errors="surrogateescape") if self._host else ""
        if not path.strip("/") or "\0" in path or "\n" in path:
            raise GitError(f"{self.url} names no repository.", "Such URLs are git://host/path.")
        self._path = path[1:] if path.startswith("/~") else path

    def open(self, service: str) -> DaemonStream:
        """Asks for a service. Raises Unavailable."""
        try:
            line = socket.create_connection((self._host, self._port or _PORT), timeout=_CONNECT)
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"{self.url} cannot be reached: {_why(error)}.") from error
        line.settimeout(_SILENCE)
        host = f"[{self._host}]" if ":" in self._host else self._host
        host += f":{self._port}" if self._port else ""
        more = "\0version=2\0" if service == UPLOAD_PACK else ""
        request = f"{service} {self._path}\0host={host}\0{more}".encode("utf-8", "surrogateescape")
        stream = DaemonStream(line, self.url, service)
        with suppress(BrokenPipeError):  # it may have said why
            stream.write(b"%04x%b" % (len(request) + 4, request))
        return stream


class DaemonStream:
    """A service behind a connection.

    Args:
        line: The connection.
        url: What the user calls the repository.
        service: Which one it is.
    """

    def __init__(self, line: socket.socket, url: str, service: str) -> None:
        self._line = line
        self._url = url
        self._service = service
        self._heard = False

    def read(self, size: int) -> bytes:
        """The next bytes. Raises RemoteError where the daemon hangs up before the service said anything."""
        try:
            data = self._line.recv(size)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        except OSError as error:
            raise Unavailable(f"{self._url} does not go on: {_why(error)}.") from error
        if not data and not self._heard:
            what = "push" if self._service == RECEIVE_PACK else "read"
            raise RemoteError(
                f"{self._url} hangs up: there is no such repository, or not for everybody to {what}.",
                "Over git:// nobody can say who they are; its ssh or https URL may let you in.",
            )
        self._heard = True
        return data

    def write(self, data: bytes) -> None:
        """Sends all of the bytes."""
        try:
            self._line.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise BrokenPipeError from error
        except OSError as error:
            raise Unavailable(f"{self._url} does not go on: {_why(error)}.") from error

    def said(self) -> str:
        """Nothing: all that comes is the service's answer."""
        return ""

    def close(self) -> None:
        """Hangs up."""
        self._line.close()


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "no host can be called so"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):
        return "nobody knows that host"
    said = error.strerror or str(error) or "the connection broke"
    return said[0].lower() + said[1:]
