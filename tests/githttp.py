"""A small HTTP server in front of the real ``git http-backend``, with passwords, TLS and bad manners as a test wants.

Bodies are streamed both ways and every request is remembered.
"""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, NamedTuple

USER, PASSWORD = "ann", "s3cr3t"
GRANTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Asked(NamedTuple):
    """A request: method and path, and what was sent along."""

    what: str
    headers: Mapping[str, str]


class GitHost:
    """A server on this machine.

    Attributes:
        url: Where it is, without a slash at the end.
        root: The folder whose repositories are served.
        asked: All requests.
        guards: Says of a path with its query whether a password is asked for.
        old: Whether the server knows only the old protocol.
        before: Answers a request in place of Git; None where Git does. It gets the handler.
    """

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.root = root
        self.asked: list[Asked] = []
        self.guards: Callable[[str], bool] = lambda path: False
        self.old = False
        self.before: Callable[[BaseHTTPRequestHandler], bool] = lambda handler: False

    def paths(self) -> list[str]:
        """What was asked for so far."""
        return [asked.what for asked in self.asked]


@contextlib.contextmanager
def serving(root: Path, tls: ssl.SSLContext | None = None) -> Iterator[GitHost]:
    """Serves the repositories in a folder for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.asked.append(Asked(f"{self.command} {self.path}", dict(self.headers)))
            if host.before(self):
                return
            if host.guards(self.path) and self.headers.get("Authorization") != GRANTED:
                self._refuse()
            else:
                self._run_git()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

        def _refuse(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="the lab"')
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True

        def _run_git(self) -> None:
            process = subprocess.Popen(
                ["git", "http-backend"], env=self._variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            assert process.stdin is not None
            assert process.stdout is not None
            feeder = threading.Thread(target=self._feed, args=(process.stdin,))
            feeder.start()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._answer(process.stdout)
            process.stdout.close()
            feeder.join()
            process.wait()

        def _variables(self) -> dict[str, str]:
            path, _, query = self.path.partition("?")
            headers = self.headers
            found = {
                "PATH": os.environ["PATH"], "HOME": str(root), "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_NOSYSTEM": "1", "PATH_INFO": path, "QUERY_STRING": query,
                "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1", "REMOTE_USER": USER,
                "CONTENT_TYPE": headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            }  # fmt: skip
            if "Content-Length" in headers:
                found["CONTENT_LENGTH"] = headers["Content-Length"]
            if not host.old:
                found["GIT_PROTOCOL"] = headers.get("Git-Protocol", "")
            return found

        def _feed(self, pipe: BinaryIO) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError), pipe:
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        pipe.write(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                left = int(self.headers.get("Content-Length") or 0)
                while left > 0 and (piece := self.rfile.read(min(left, 1 << 16))):
                    left -= len(piece)
                    pipe.write(piece)

        def _answer(self, pipe: BinaryIO) -> None:
            status, headers = 200, []
            while line := pipe.readline().rstrip(b"\r\n").decode():
                name, _, value = line.partition(": ")
                if name.lower() == "status":
                    status = int(value.split()[0])
                else:
                    headers.append((name, value))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while piece := pipe.read(1 << 16):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is none."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    host = GitHost(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
