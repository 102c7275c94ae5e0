"""A way to an HTTP server on which things go wrong: each fault is a class, named for what it does.

The proxy stands between a client and a real server, passes requests and answers on piece by piece, and asks its fault
at each. It keeps a log: every request with what became of it, and how many bytes have passed, at which something can
be made to happen ("kill the client after 40,000").

Limits: HTTP/1.1 without TLS; what a client sends with ``Expect`` is waited for here.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

_PIECE = 8192
_HEAD = 65536


class Cut(Exception):
    """The connection ends here, ``rest`` still passing: by a reset, or as if everything had been said."""

    def __init__(self, rest: bytes = b"", *, reset: bool = True) -> None:
        super().__init__()
        self.rest = rest
        self.reset = reset


@dataclass
class Asked:
    """A request and what became of it.

    Attributes:
        method: GET, PUT, ...
        path: The key with the bucket, decoded; ``query`` is what follows it.
        size: Bytes of the request's body, as announced.
        sent: Bytes of it that came from the client; ``received`` those of the answer's body that went to it.
        status: Of the answer; 0 while there is none.
        harmed: Whether the fault touched it.
    """

    method: str
    path: str
    query: str
    size: int
    sent: int = 0
    received: int = 0
    status: int = 0
    harmed: bool = False

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and "list-type" in self.query


class Fault:
    """Nothing goes wrong; the others say what does.

    Args:
        method: Which requests it touches: of a method ("LIST" for lists), empty for any.
        where: Those whose path or query has this in it.
        every: Each so-manieth of them.
        times: At most so often; always when None.
    """

    def __init__(self, method: str = "", where: str = "", every: int = 1, times: int | None = None) -> None:
        self._method = method
        self._where = where
        self._every = every
        self._times = times
        self._met = 0
        self.done = 0
        self._lock = threading.Lock()

    def touches(self, asked: Asked) -> bool:
        """Whether this request is one of those."""
        method = "LIST" if asked.is_list else asked.method
        if self._method not in ("", method) or self._where not in asked.path + "?" + unquote(asked.query):
            return False
        with self._lock:
            self._met += 1
            if self._met % self._every or (self._times is not None and self.done >= self._times):
                return False
            self.done += 1
        return True

    def instead(self, asked: Asked) -> bytes | None:
        """An answer that the server is not asked for. May raise `Cut`."""

    def upward(self, asked: Asked, piece: bytes) -> bytes:
        """What goes on of a piece of the request's body."""
        return piece

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        """What goes on of a piece of the answer's body."""
        return piece

    def head(self, asked: Asked, head: bytes) -> bytes:
        """What goes on of the answer's head. May raise `Cut`."""
        return head


class Busy(Fault):
    """503 SlowDown, the request being left alone."""

    def instead(self, asked: Asked) -> bytes:
        body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
        return _answer("503 Slow Down", body if asked.method != "HEAD" else b"", "application/xml")


class Failing(Fault):
    """500 InternalError."""

    def instead(self, asked: Asked) -> bytes:
        body = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
        return _answer("500 Internal Server Error", body if asked.method != "HEAD" else b"", "application/xml")


class Refusing(Fault):
    """403 AccessDenied, always and for good."""

    def instead(self, asked: Asked) -> bytes:
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>"
        return _answer("403 Forbidden", body if asked.method != "HEAD" else b"", "application/xml")


class Resetting(Fault):
    """The connection is reset as soon as the request has been read."""

    def instead(self, asked: Asked) -> bytes | None:
        raise Cut


class CutUpload(Fault):
    """The connection is reset when half of what the client sends has passed."""

    def upward(self, asked: Asked, piece: bytes) -> bytes:
        beyond = asked.sent - asked.size // 2
        if beyond > 0:
            raise Cut(piece[: len(piece) - beyond])
        return piece


class LostAnswer(Fault):
    """The server does it, and its answer is lost."""

    def head(self, asked: Asked, head: bytes) -> bytes:
        raise Cut


class TruncatedAnswer(Fault):
    """The answer ends in the middle of its first piece, without any sign of an error but its announced length."""

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        if asked.status >= 300:
            return piece
        raise Cut(piece[: len(piece) // 2], reset=False)


class ResetAnswer(Fault):
    """The connection is reset in the middle of the answer's first piece."""

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        if asked.status >= 300:
            return piece
        raise Cut(piece[: len(piece) // 2])


class ShortAnswer(Fault):
    """The last byte is missing, and the announced length fits what comes."""

    def head(self, asked: Asked, head: bytes) -> bytes:
        size = int(_fields(head).get("content-length", 0))
        if asked.method != "GET" or asked.status >= 300 or not size:
            return head
        self.left = size - 1
        return b"\r\n".join(
            b"Content-Length: %d" % self.left if line.lower().startswith(b"content-length:") else line
            for line in head.split(b"\r\n")
        )

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        if asked.status >= 300:
            return piece
        return piece[: max(0, self.left - asked.received)]


class WrongBytes(Fault):
    """Other bytes of the right number, with status 200."""

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        return b"\x2a" * len(piece) if asked.status < 300 else piece


class FlippedBit(Fault):
    """One bit of the answer's first piece is another one."""

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        return _flipped(piece) if asked.status < 300 and not asked.received else piece


class FlippedUpload(Fault):
    """One bit of what the client sends is another one when it reaches the server."""

    def upward(self, asked: Asked, piece: bytes) -> bytes:
        return _flipped(piece) if asked.sent == len(piece) else piece


class Slow(Fault):
    """Every piece comes late."""

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        time.sleep(0.05)
        return piece


class Blackhole(Fault):
    """The request is taken, and no answer ever comes."""

    def instead(self, asked: Asked) -> bytes | None:
        self.closed.wait(60)
        raise Cut

    def __init__(self, method: str = "", where: str = "", every: int = 1, times: int | None = None) -> None:
        super().__init__(method, where, every, times)
        self.closed = threading.Event()


class StaleLists(Fault):
    """A list is answered as it was when it was first asked for."""

    def __init__(self, where: str = "") -> None:
        super().__init__("LIST", where)
        self.known: dict[str, bytes] = {}

    def instead(self, asked: Asked) -> bytes | None:
        body = self.known.get(asked.query)
        return None if body is None else _answer("200 OK", body, "application/xml")

    def downward(self, asked: Asked, piece: bytes) -> bytes:
        if asked.status == 200:
            so_far = self.known.get(asked.query, b"") if asked.received else b""
            self.known[asked.query] = so_far + piece
        return piece


class Passed(NamedTuple):
    """So many bytes went one way at a moment."""

    time: float
    is_up: bool
    count: int


class Proxy:
    """The way to a server.

    Args:
        target: ``http://host:port``.

    Attributes:
        endpoint: Where clients find it.
        fault: What goes wrong; can be replaced at any moment.
        asked: Every request so far.
    """

    def __init__(self, target: str) -> None:
        where = urlsplit(target)
        self._target = (where.hostname or "", where.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.fault = Fault()
        self.asked: list[Asked] = []
        self.log: list[Passed] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._total = 0
        self._due: tuple[int, Callable[[], object]] | None = None
        self._is_closed = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def total(self) -> int:
        """Bytes of bodies and heads that have passed, both ways."""
        return self._total

    @property
    def sent(self) -> int:
        """Bytes of request bodies that came from clients."""
        return sum(asked.sent for asked in self.asked)

    @property
    def received(self) -> int:
        """Bytes of answers' bodies that went to clients."""
        return sum(asked.received for asked in self.asked)

    def forget(self) -> None:
        """Begins the log anew."""
        with self._lock:
            self.asked.clear()
            self.log.clear()
            self._total, self._due = 0, None

    def after(self, count: int, act: Callable[[], object]) -> None:
        """Does something once, when so many bytes have passed and before the next one does."""
        with self._lock:
            self._due = (count, act)

    def close(self) -> None:
        """Takes no connection any more, and ends those there are."""
        if isinstance(self.fault, Blackhole):
            self.fault.closed.set()
        self._is_closed = True
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()  # whoever waits there wakes up
        self._accepting.join()  # else he may wait at the socket that gets this one's number: the next test's
        self._listener.close()
        for one in list(self._open):
            _end(one, reset=False)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_closed:
                client.close()
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        reset = False
        files: list[BinaryIO] = []
        self._open.add(client)
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = client.makefile("rb", buffering=_HEAD)
            files.append(reader)
            while True:
                head = _head(reader)
                if not head:
                    return
                if server is None:
                    server = socket.create_connection(self._target)
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.add(server)
                    answers = server.makefile("rb", buffering=_HEAD)
                    files.append(answers)
                if not self._pass(head, client, reader, server, answers):
                    return
        except Cut as cut:
            reset = cut.reset
        except OSError:
            reset = True
        finally:
            for one in filter(None, (client, server)):
                self._open.discard(one)
                _end(one, reset=reset)
            for file in files:  # which hold the sockets open
                file.close()

    def _pass(self, head: bytes, client: socket.socket, reader: Any, server: socket.socket, answers: Any) -> bool:
        """One request and its answer; whether another may follow."""
        method, target, fields = _parsed(head)
        parts = urlsplit(target)
        asked = Asked(method, unquote(parts.path), parts.query, int(fields.get("content-length", 0)))
        with self._lock:
            self.asked.append(asked)
        fault = self.fault
        asked.harmed = fault.touches(asked)
        if not asked.harmed:
            fault = _NONE
        self._count(len(head), is_up=True)
        if "expect" in fields:
            head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        said = fault.instead(asked)
        if said is None:
            server.sendall(head)
        for piece in _pieces(reader, fields, asked.size):
            asked.sent += len(piece)
            self._count(len(piece), is_up=True)
            if said is None:
                _pass_on(server, fault.upward, asked, piece)
        if said is not None:
            asked.status = int(said[9:12])
            client.sendall(said)
            return True
        return self._answer(asked, fault, client, answers)

    def _answer(self, asked: Asked, fault: Fault, client: socket.socket, answers: Any) -> bool:
        head = _head(answers)
        while head[9:12] == b"100":
            head = _head(answers)
        if not head:
            raise OSError
        asked.status = int(head[9:12])
        fields = _fields(head)
        self._count(len(head), is_up=False)
        client.sendall(fault.head(asked, head))
        size = int(fields.get("content-length", 0))
        has_body = asked.method != "HEAD" and asked.status not in (204, 304)
        for piece in _pieces(answers, fields, size) if has_body else ():
            self._count(len(piece), is_up=False)
            _pass_on(client, fault.downward, asked, piece)
            asked.received += len(piece)
        return fields.get("connection", "").lower() != "close"

    def _count(self, count: int, *, is_up: bool) -> None:
        with self._lock:
            self._total += count
            self.log.append(Passed(time.monotonic(), is_up, count))
            due = self._due
            if due is None or self._total < due[0]:
                return
            self._due = None
            due[1]()


_NONE = Fault()


@contextlib.contextmanager
def between(target: str) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()


def _pass_on(to: socket.socket, hook: Callable[[Asked, bytes], bytes], asked: Asked, piece: bytes) -> None:
    try:
        to.sendall(hook(asked, piece))
    except Cut as cut:
        with contextlib.suppress(OSError):
            to.sendall(cut.rest)
        raise


def _head(reader: Any) -> bytes:
    """The lines up to the empty one; empty when the other side has nothing more to say."""
    lines = []
    while True:
        line: bytes = reader.readline(_HEAD)
        lines.append(line)
        if line in (b"\r\n", b""):
            return b"".join(lines) if line else b""


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return method, target, _fields(head)


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


def _pieces(reader: Any, fields: dict[str, str], size: int) -> Iterator[bytes]:
    """A body as it comes: so many bytes, or chunks with their lengths before them."""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        while True:
            line: bytes = reader.readline(_HEAD)
            length = int(line.split(b";")[0], 16)
            yield line + reader.read(length + 2)
            if not length:
                return
    while size:
        piece: bytes = reader.read1(min(size, _PIECE))
        if not piece:
            raise OSError
        size -= len(piece)
        yield piece


def _answer(status: str, body: bytes, kind: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :] if data else data


def _end(one: socket.socket, *, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            one.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        one.close()
