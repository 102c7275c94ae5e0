"""Connections that are kept, answers of every form, and what happens when the other side stops."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from assay.remotes.s3 import http_wire
from assay.remotes.s3.http_wire import Connections, Server

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Scripted:
    """A server that sends the same bytes whatever it is asked, one script per connection, one answer per request.

    Attributes:
        asked: The requests, in the order in which they came, each with the number of its connection.
    """

    def __init__(self, *scripts: list[bytes]) -> None:
        self.asked: list[tuple[int, bytes]] = []
        self._scripts = list(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._run, daemon=True)
        self._accepting.start()

    def _run(self) -> None:
        for number, script in enumerate(self._scripts):
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._talk, args=(number, client, script), daemon=True).start()

    def _talk(self, number: int, client: socket.socket, script: list[bytes]) -> None:
        with contextlib.suppress(OSError):  # the client has hung up
            self._answer(number, client, script)

    def _answer(self, number: int, client: socket.socket, script: list[bytes]) -> None:
        for answer in script:
            request = self._request(client)
            if not request:
                break
            self.asked.append((number, request))
            if answer == b"silence":
                return
            client.sendall(answer)
        client.shutdown(socket.SHUT_RDWR)

    def _request(self, client: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(65536)
            if not piece:
                return b""
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(body) < length and (piece := client.recv(65536)):
            body += piece
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        """Hangs up, on those too who are let in at this moment."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        for one in (self._listener, *self._open):
            one.close()


Serve = Callable[..., tuple[Connections, Scripted]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a scripted server, with connections to it."""
    started: list[tuple[Connections, Scripted]] = []

    def start(*scripts: list[bytes], patience: float = 60) -> tuple[Connections, Scripted]:
        server = Scripted(*scripts)
        there = Server("127.0.0.1", server.port, read_timeout=patience, connections=2)
        started.append((Connections(there), server))
        return started[-1]

    yield start
    for connections, server in started:
        connections.close()
        server.close()


def test_one_connection_serves_many_requests(serve: Serve) -> None:
    connections, server = serve([OK] * 3)
    assert [connections.ask("GET", GET, ()).read() for _ in range(3)] == [b"ok"] * 3
    assert [number for number, _ in server.asked] == [0, 0, 0]


def test_a_connection_that_was_closed_meanwhile_is_opened_anew(serve: Serve) -> None:
    connections, server = serve([OK], [OK])
    assert connections.ask("GET", GET, ()).read() == b"ok"
    assert connections.ask("PUT", GET, ()).read() == b"ok"
    assert [number for number, _ in server.asked] == [0, 1]


def test_a_request_that_may_be_obeyed_twice_is_sent_once(serve: Serve) -> None:
    hangs_up = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    connections, server = serve([hangs_up, b""], [OK])
    connections.ask("GET", GET, ()).read()
    with pytest.raises(http_wire.ConnectionClosedError):
        connections.ask("POST", GET, ())
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n2;x=y\r\nle\r\n0\r\ntrailer: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length:  5\r\n\r\nwhole",
        b"HTTP/1.0 200 OK\r\n\r\nwhole",
    ],
    ids=["chunked", "continued", "until it hangs up"],
)
@pytest.mark.parametrize("size", [None, 2])
def test_an_answer_of_any_form_comes_whole(serve: Serve, answer: bytes, size: int | None) -> None:
    connections, _ = serve([answer])
    said = connections.ask("GET", GET, ())
    assert b"".join(iter(lambda: said.read(size), b"")) == b"whole"
    assert said.read(size) == b""


def test_the_answer_to_head_has_a_length_and_no_body(serve: Serve) -> None:
    connections, server = serve([b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n", OK])
    said = connections.ask("HEAD", GET, ())
    assert (said.headers["content-length"], said.read()) == ("2000", b"")
    assert connections.ask("GET", GET, ()).read() == b"ok"
    assert [number for number, _ in server.asked] == [0, 0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nwhole",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwhole\r\nnonsense\r\n",
    ],
)
def test_an_answer_that_ends_early_is_no_answer(serve: Serve, answer: bytes) -> None:
    connections, _ = serve([answer])
    said = connections.ask("GET", GET, ())
    with pytest.raises(http_wire.IncompleteReadError):
        said.read()


def test_an_answer_that_nobody_read_to_its_end_keeps_no_connection(serve: Serve) -> None:
    connections, server = serve([OK], [OK])
    connections.ask("GET", GET, ()).close()
    assert connections.ask("GET", GET, ()).read() == b"ok"
    assert [number for number, _ in server.asked] == [0, 1]


def test_silence_is_a_timeout(serve: Serve) -> None:
    connections, _ = serve([b"silence"], patience=0.5)
    with pytest.raises(http_wire.ReadTimeoutError):
        connections.ask("GET", GET, ())


def test_an_answer_that_stops_is_a_timeout(serve: Serve) -> None:
    connections, _ = serve([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwhole", b"silence"], patience=2)
    said = connections.ask("GET", GET, ())
    with pytest.raises(http_wire.ReadTimeoutError):
        said.read()


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * (1 << 19)])
def test_what_is_no_answer_is_not_taken_for_one(serve: Serve, answer: bytes) -> None:
    connections, _ = serve([answer])
    with pytest.raises(http_wire.ResponseParserError):
        connections.ask("GET", GET, ())


def test_nobody_there_is_said(serve: Serve) -> None:
    connections, server = serve()
    server.close()
    with pytest.raises(http_wire.EndpointConnectionError):
        connections.ask("GET", GET, ())


def test_failures_give_their_places_back(serve: Serve) -> None:
    """There are two places for connections: a third request would wait for ever if one had been lost."""
    connections, _ = serve(*[[b"nonsense\r\n\r\n"]] * 3, [OK])
    for _ in range(3):
        with pytest.raises(http_wire.ResponseParserError):
            connections.ask("GET", GET, ())
    assert connections.ask("GET", GET, ()).read() == b"ok"


def test_who_refuses_a_large_body_and_hangs_up_is_heard() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        client, _ = listener.accept()
        client.recv(1000)
        client.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")
        time.sleep(0.1)  # so that the answer is there before the connection breaks
        client.close()

    threading.Thread(target=refuse, daemon=True).start()
    connections = Connections(Server("127.0.0.1", listener.getsockname()[1], read_timeout=60))
    said = connections.ask("PUT", b"PUT / HTTP/1.1\r\ncontent-length: 40000000\r\n\r\n", [bytes(10_000_000)] * 4)
    assert (said.status, said.read()) == (403, b"no")
    connections.close()
    listener.close()


def test_large_bodies_in_pieces_arrive_whole(serve: Serve) -> None:
    connections, server = serve([OK])
    pieces = [bytes([number]) * 300_000 for number in range(5)]
    head = b"PUT / HTTP/1.1\r\ncontent-length: 1500000\r\n\r\n"
    assert connections.ask("PUT", head, pieces).read() == b"ok"
    assert server.asked[0][1] == head + b"".join(pieces)
