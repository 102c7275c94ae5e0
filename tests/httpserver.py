"""A small HTTP server for tests: what it says of a path is in the path's first part; every request is remembered."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER, PASSWORD = "ann", "s3cr3t"
_GRANTED = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_STATUS = {"missing": 404, "forbidden": 403, "broken": 500, "odd": 418}


class HttpServer:
    """A server on this machine.

    Attributes:
        url: Where it is, without a slash at the end.
        versions: What is at paths that are not as at the start; the ETag and the content differ.
        asked: The methods and paths of all requests.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.versions: dict[str, int] = {}
        self.asked: list[str] = []

    def content(self, path: str) -> bytes:
        """The bytes at a path."""
        return b"" if path.startswith("empty/") else f"{path} {self.versions.get(path, 0)}\n".encode()


@contextlib.contextmanager
def serving() -> Iterator[HttpServer]:
    """Serves for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_PUT(self) -> None:
            path = self.path.strip("/")
            server.versions[path] = server.versions.get(path, 0) + 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            path = self.path.strip("/")
            kind, _, rest = path.partition("/")
            server.asked.append(f"{self.command} {self.path}")
            if kind == "put" and path not in server.versions:
                kind = "missing"
            if kind == "secret" and self.headers.get("Authorization") != _GRANTED:
                kind = "forbidden"
            if kind in _STATUS or (kind == "nohead" and not with_body):
                self.send_error(_STATUS.get(kind, 405))
                return
            data = server.content(path)
            self.send_response(302 if kind in ("redirect", "loop") else 200)
            if kind == "redirect":
                self.send_header("Location", f"/etag/{rest}")
            elif kind == "loop":
                self.send_header("Location", f"/{path}")
            elif kind == "md5":
                self.send_header("Content-MD5", base64.b64encode(hashlib.md5(data).digest()).decode())
            elif kind == "dated":
                self.send_header("Last-Modified", f"Wed, 21 Oct 2015 07:28:{server.versions.get(path, 0):02} GMT")
                self.send_header("Content-Type", "text/plain; charset=utf-8")
            elif kind != "bare":
                self.send_header("ETag", f'{"W/" if kind == "weak" else ""}"{server.versions.get(path, 0)}-{rest}"')
            if kind != "unsized":
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if with_body:
                with contextlib.suppress(ConnectionError):  # whoever wanted the head alone has gone
                    self.wfile.write(data)

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = HttpServer(listener.server_address[1])
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
