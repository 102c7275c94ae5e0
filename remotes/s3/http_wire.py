"""Requests over HTTP/1.1 on connections that are kept: just what an object store needs, at 0.1 ms each.

The standard library's client costs 35 ms to import and three times the processor per request, nearly all of it for
parsing headers as mail. Here an answer's body is read as it comes, in bounded memory, and a connection goes back to the
others once its answer has been read to the end. No proxies, no redirects, no compression, no cookies.

Failures without an answer have the names that botocore gives them, since `errors` decides by these.
"""

from __future__ import annotations

import select
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

_MOST_HEAD = 1 << 18
_PIECE = 1 << 18
_SENT_AT_ONCE = 1 << 17
"""Bytes: a time limit holds for so many, so that a slow line is no broken one."""
_IDLE = 25
"""Seconds: a connection that nobody used for longer may be forgotten on the other side."""


class EndpointConnectionError(Exception):
    """There is nobody."""


class ConnectTimeoutError(Exception):
    """Nobody answered in time."""


class ReadTimeoutError(Exception):
    """The answer did not come in time."""


class ConnectionClosedError(Exception):
    """The connection broke before the answer came."""


class IncompleteReadError(Exception):
    """The answer ended before its end."""


class ResponseParserError(Exception):
    """What came is no answer."""


class Server(NamedTuple):
    """Whom to connect to.

    Attributes:
        host: Name or address.
        port: Its number.
        context: Makes the TLS context (an `ssl.SSLContext`), once; None for plain HTTP.
        connect_timeout: Seconds. ``read_timeout`` likewise, for each wait.
        connections: How many at once.
    """

    host: str
    port: int
    context: Callable[[], Any] | None = None
    connect_timeout: float = 10
    read_timeout: float = 60
    connections: int = 16


class Connections:
    """Connections to one server, used again by whoever comes next; safe for threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[_Connection] = []
        self._places = threading.BoundedSemaphore(server.connections)
        self._lock = threading.Lock()
        self._context: Any = None

    def ask(self, method: str, head: bytes, body: Sequence[bytes]) -> Answer:
        """Sends a request and returns the beginning of its answer, which must be read to its end or closed.

        A connection that turns out to have been closed while it was idle is no failure: the request goes out on a new
        one, unless it is a POST, which might then be obeyed twice.
        """
        self._places.acquire()
        try:
            connection = self._reused()
            if connection is not None:
                try:
                    return connection.ask(method, head, body)
                except ConnectionClosedError:
                    if method == "POST":
                        raise
            return self._new().ask(method, head, body)
        except BaseException:
            self._places.release()
            raise

    def close(self) -> None:
        """Closes those that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _reused(self) -> _Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_usable():
                return connection
            connection.close()

    def _new(self) -> _Connection:
        if self._server.context is not None:
            with self._lock:
                self._context = self._context or self._server.context()
        return _Connection(self._server, self._context, self._give_back)

    def _give_back(self, connection: _Connection, *, again: bool) -> None:
        if again:
            self._idle.append(connection)
        else:
            connection.close()
        self._places.release()


class _Connection:
    """One connection, with what was received and not yet read."""

    def __init__(self, server: Server, context: Any, give_back: Callable[..., None]) -> None:
        self._buffer = b""
        self._give_back = give_back
        self._used = time.monotonic()
        self._socket = _connected(server, context)
        self._socket.settimeout(server.read_timeout)
        self._hang_up = weakref.finalize(self, self._socket.close)  # where nobody closed what he had opened

    def is_usable(self) -> bool:
        """Whether the other side seems to be there still: it has not hung up, nor said what nobody asked."""
        return time.monotonic() - self._used < _IDLE and not _has_news(self._socket)

    def ask(self, method: str, head: bytes, body: Sequence[bytes]) -> Answer:
        """Sends a request and reads the head of its answer."""
        whole = True
        try:
            try:
                self._send(head, body)
            except OSError as error:  # who refuses a large body answers and hangs up, and the answer says why
                whole = False
                if not body or isinstance(error, TimeoutError):
                    raise
            status, headers = self._head()
        except TimeoutError as error:
            self.close()
            raise ReadTimeoutError("no answer in time") from error
        except OSError as error:
            self.close()
            raise ConnectionClosedError(str(error)) from error
        except BaseException:
            self.close()
            raise
        return Answer(self, method, status, headers, keep=whole)

    def _send(self, head: bytes, body: Sequence[bytes]) -> None:
        if sum(map(len, body)) < _SENT_AT_ONCE:
            self._socket.sendall(b"".join((head, *body)))
            return
        self._socket.sendall(head)
        for piece in body:
            view = memoryview(piece)
            for start in range(0, len(view), _SENT_AT_ONCE):
                self._socket.sendall(view[start : start + _SENT_AT_ONCE])

    def _head(self) -> tuple[int, dict[str, str]]:
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            words = lines[0].split(" ", 2)
            if not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():
                raise ResponseParserError(f"no answer of HTTP: {lines[0][:80]!r}")
            if words[1][0] != "1" or words[1] == "101":
                break
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if words[0] == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return int(words[1]), headers

    def _until(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _MOST_HEAD:
                raise ResponseParserError("the head of the answer has no end")
            piece = self._socket.recv(1 << 16)
            if not piece:
                raise ConnectionClosedError("the server hung up")
            self._buffer += piece
        found, self._buffer = self._buffer[:end], self._buffer[end + len(mark) :]
        return found

    def line(self) -> bytes:
        """The next line, without its end."""
        return self._until(b"\r\n")

    def some(self, size: int) -> bytes:
        """The next bytes, at most so many; empty when the other side has closed."""
        if self._buffer:
            found, self._buffer = self._buffer[:size], self._buffer[size:]
            return found
        return self._socket.recv(min(size, _PIECE))

    def leave(self, *, again: bool) -> None:
        """The answer is over."""
        self._used = time.monotonic()
        self._give_back(self, again=again and not self._buffer)

    def close(self) -> None:
        """Hangs up."""
        with suppress(OSError):
            self._hang_up()


class Answer:
    """What a server says.

    Attributes:
        status: The number of HTTP.
        headers: By name in lower case.
        length: Bytes of the body; None where the server does not say beforehand.
    """

    def __init__(
        self, connection: _Connection, method: str, status: int, headers: Mapping[str, str], *, keep: bool
    ) -> None:
        self.status = status
        self.headers = headers
        self.length = _length(method, status, headers)
        self._connection: _Connection | None = connection
        self._chunked = self.length is None and "chunked" in headers.get("transfer-encoding", "").lower()
        self._left = 0 if self._chunked or self.length is None else self.length
        self._keep = keep and headers.get("connection", "").lower() != "close"
        if self.length == 0:
            self._end()

    def read(self, size: int | None = None) -> bytes:
        """The next bytes, at most so many (None: all there are); empty at the end. Raises what `errors` knows."""
        if size is None:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        if self._connection is None:
            return b""
        try:
            return self._some(self._connection, size)
        except TimeoutError as error:
            self.close()
            raise ReadTimeoutError("the answer stopped") from error
        except (OSError, ConnectionClosedError, ValueError) as error:
            self.close()
            raise IncompleteReadError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the connection; what was not read is lost."""
        self._keep = False
        self._end()

    def _some(self, connection: _Connection, size: int) -> bytes:
        if self._chunked and not self._left and not self._next_chunk(connection):
            return b""
        ends = self._chunked or self.length is not None
        data = connection.some(min(size, self._left) if ends else size)
        if not data and ends:
            raise ConnectionClosedError(f"{self._left} bytes did not come")
        if not data:
            self.close()
        elif ends:
            self._left -= len(data)
            if not self._left and not self._chunked:
                self._end()
            elif not self._left:
                connection.line()
        return data

    def _next_chunk(self, connection: _Connection) -> bool:
        self._left = int(connection.line().partition(b";")[0], 16)
        if self._left < 0:
            raise ValueError("a chunk of less than nothing")
        if self._left:
            return True
        while connection.line():
            pass
        self._end()
        return False

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.leave(again=self._keep)


def _has_news(one: socket.socket) -> bool:
    if hasattr(select, "poll"):  # which takes any number of open files
        poll = select.poll()
        poll.register(one, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([one], [], [], 0)[0])


def _length(method: str, status: int, headers: Mapping[str, str]) -> int | None:
    if method == "HEAD" or status in (204, 304):
        return 0
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return None
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _connected(server: Server, context: Any) -> socket.socket:
    try:
        made = socket.create_connection((server.host, server.port), server.connect_timeout)
    except TimeoutError as error:
        raise ConnectTimeoutError(f"{server.host}:{server.port}") from error
    except (OSError, UnicodeError) as error:
        raise EndpointConnectionError(f"{server.host}:{server.port}: {error}") from error
    try:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return made
        secured: socket.socket = context.wrap_socket(made, server_hostname=server.host)
    except TimeoutError as error:
        made.close()
        raise ConnectTimeoutError(f"{server.host}:{server.port}") from error
    except BaseException:
        made.close()
        raise
    return secured
