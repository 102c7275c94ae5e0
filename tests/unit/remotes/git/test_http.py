"""Git's protocol over http: who is let in, where redirects lead, what bodies look like, what failures say."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import AccessDenied, ConfigError, GitError, RemoteError, Unavailable
from assay.engine.git.repository import Repository
from assay.engine.ports import RefUpdate
from assay.remotes.git.greeting import Greeting, read_greeting
from assay.remotes.git.http import HttpWire
from assay.remotes.git.httpsettings import HttpSettings
from assay.remotes.git.packets import Packets
from assay.remotes.git.server import ServerTransport
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Answer
from tests import githttp, tls
from tests.githttp import PASSWORD, USER, GitHost

GOOD, BAD = Answer(USER, PASSWORD, "a file"), Answer("eve", "guess", "a guess")


class Known:
    """Knows some answers, and remembers what became of them."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self.told: list[str] = []

    def answers(self, url: str, realm: str) -> Iterator[Answer]:
        self.told.append(f"asked for {url.rpartition('/')[2]} in {realm!r}")
        yield from self._answers

    def accepted(self, url: str, answer: Answer) -> None:
        self.told.append(f"accepted {answer.source}")

    def refused(self, url: str, answer: Answer) -> None:
        self.told.append(f"refused {answer.source}")

    def said(self) -> list[str]:
        return [line for line in self.told if line.startswith("refused")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one repository, ``r.git``."""
    folder = tmp_path_factory.mktemp("served")
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder / "r.git")], check=True)
    git = ["git", "-C", str(folder / "r.git"), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    tree = subprocess.run([*git, "mktree"], input=b"", capture_output=True, check=True).stdout.decode().strip()
    commit = subprocess.run([*git, "commit-tree", tree, "-m", "x"], capture_output=True, check=True).stdout.decode()
    subprocess.run([*git, "update-ref", "refs/heads/main", commit.strip()], check=True)
    return folder


@pytest.fixture
def host(root: Path) -> Iterator[GitHost]:
    """A server in front of it."""
    with githttp.serving(root) as server:
        yield server


@pytest.fixture
def connect(host: GitHost) -> Iterator[Callable[..., HttpWire]]:
    """Makes a wire to the server; the repository's path and settings may be others."""
    opened = []

    def make(path: str = "/r.git", known: Known | None = None, url: str = "", **settings: Any) -> HttpWire:
        ask = None if known is None else lambda: known
        opened.append(HttpWire(url or host.url + path, lambda url: HttpSettings(**settings), ask, lambda seconds: 0))
        return opened[-1]

    yield make
    for wire in opened:
        wire.close()


def greet(wire: HttpWire, service: str = UPLOAD_PACK) -> Greeting:
    return read_greeting(Packets(wire.greet(service), wire.url), service, wire.url)


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], bool]:
    """Answers every request so, in place of Git."""

    def answer(handler: BaseHTTPRequestHandler) -> bool:
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return answer


@contextlib.contextmanager
def tunnel() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy for one connection: its port, and what it was asked."""
    heard: list[bytes] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def run() -> None:
        with server.accept()[0] as line:
            heard.append(line.recv(4000))
            address = heard[0].split()[1].decode().rpartition(":")
            with socket.create_connection((address[0], int(address[2]))) as there:
                line.sendall(b"HTTP/1.1 200 fine\r\n\r\n")
                back = threading.Thread(target=copy, args=(there, line))
                back.start()
                copy(line, there)
                back.join()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        thread.join()


class TestWhoWeAre:
    """Nobody is told who we are who did not ask."""

    def test_a_server_that_does_not_ask_is_not_told(self, host, connect) -> None:
        known = Known(GOOD)
        assert greet(connect(known=known)).version == 2
        assert known.told == []
        assert "Authorization" not in host.asked[0].headers

    def test_one_answer_after_the_other_is_tried_until_one_is_taken(self, host, connect) -> None:
        host.guards = lambda path: True
        known = Known(BAD, GOOD)
        wire = connect(known=known)
        greet(wire)
        assert known.told == ["asked for r.git in 'the lab'", "refused a guess", "accepted a file"]
        greet(wire, RECEIVE_PACK)
        assert len(host.asked) == 4, "the second service is greeted with the answer that was taken"

    def test_a_server_that_guards_only_pushes_is_told_when_it_asks(self, host, root, connect, tmp_path) -> None:
        host.guards = lambda path: path.endswith("/git-receive-pack")
        shutil.copytree(root / "r.git", tmp_path / "here.git")
        repo = Repository.open(str(tmp_path / "here.git"))
        transport = ServerTransport(connect(known=Known(GOOD)), repo, str(tmp_path / "incoming"))
        assert transport.push([RefUpdate("refs/tags/one", None, repo.head())], repo.objects) == [("refs/tags/one", "")]
        transport.close()
        repo.close()

    def test_without_an_answer_the_sentence_says_what_was_tried(self, host, connect) -> None:
        host.guards = lambda path: True
        with pytest.raises(AccessDenied, match="nobody here knows any"):
            greet(connect())
        with pytest.raises(AccessDenied, match="name and a password or token: refused a guess"):
            greet(connect(known=Known(BAD)))
        with pytest.raises(AccessDenied, match=r"http\.extraHeader names was refused"):
            greet(connect(headers=(("Authorization", "Bearer x"),)))

    def test_a_header_of_the_settings_lets_us_in(self, host, connect) -> None:
        host.guards = lambda path: True
        greet(connect(headers=(("authorization", githttp.GRANTED), ("X-Lab", "7"))))
        assert host.asked[0].headers["X-Lab"] == "7"

    def test_other_ways_to_say_who_we_are_are_named(self, host, connect) -> None:
        host.before = answering(401, WWW_Authenticate="Negotiate")
        with pytest.raises(AccessDenied, match="by Negotiate"):
            greet(connect(known=Known(GOOD)))

    def test_a_user_and_password_in_the_url_are_never_shown(self, host, connect) -> None:
        wire = connect(url=host.url.replace("://", "://ann:s3cr3t@") + "/none.git")
        with pytest.raises(GitError) as caught:
            greet(wire)
        assert "s3cr3t" not in caught.value.message
        assert "ann" not in wire.url


class TestRedirects:
    """Followed as Git follows them, and without secrets."""

    def test_the_first_request_is_followed_and_the_others_go_where_it_led(self, host, connect) -> None:
        moved = host.url + "/r.git/info/refs?service=git-upload-pack"
        host.before = lambda handler: handler.path.startswith("/old") and answering(301, Location=moved)(handler)
        wire = connect("/old/r")
        greet(wire)
        assert b"".join(iter(lambda: wire.ask(UPLOAD_PACK, b"0000").read(100), b"")) == b""
        assert [what.split("?")[0] for what in host.paths()] == [
            "GET /old/r/info/refs", "GET /r.git/info/refs", "POST /r.git/git-upload-pack",
        ]  # fmt: skip

    def test_another_server_gets_neither_passwords_nor_secret_headers(self, host, root, connect) -> None:
        with githttp.serving(root) as other:
            moved = f"{other.url}/r.git/info/refs?service=git-upload-pack"
            host.before = lambda handler: "Authorization" in handler.headers and answering(302, Location=moved)(handler)
            host.guards = lambda path: True
            greet(connect(known=Known(GOOD), headers=(("Cookie", "id=7"), ("X-Lab", "7"))))
            assert host.asked[1].headers["Cookie"] == "id=7"
            [asked] = other.asked
        assert asked.headers["X-Lab"] == "7"
        assert not {"Authorization", "Cookie"} & set(asked.headers)

    @pytest.mark.parametrize(
        ("location", "sentence"),
        [
            ("/login?next=/r.git", "which is no Git repository"),
            ("ftp://there/r.git/info/refs?service=git-upload-pack", "which is no URL"),
            ("http://[::1/r.git", "which is no URL"),
            ("http://there:x/r.git/info/refs?service=git-upload-pack", "which is no URL"),
            ("", "in circles"),
        ],
    )
    def test_where_no_repository_can_be_is_not_gone_to(self, host, connect, location, sentence) -> None:
        host.before = answering(302, Location=location)
        with pytest.raises(RemoteError, match=sentence):
            greet(connect())

    def test_a_request_is_not_followed_unless_the_settings_say_so(self, host, connect) -> None:
        moved = host.url + "/r.git/git-upload-pack"
        host.before = lambda handler: (
            handler.path.startswith("/old") and (handler.command == "POST" and answering(307, Location=moved)(handler))
        )
        (host.root / "old").symlink_to(host.root, target_is_directory=True)
        wire = connect("/old/r.git")
        greet(wire)
        with pytest.raises(RemoteError, match="is not followed"):
            wire.ask(UPLOAD_PACK, b"0000")
        wire = connect("/old/r.git", follow="true")
        greet(wire)
        assert wire.ask(UPLOAD_PACK, b"0000").read(9) == b""
        host.before = answering(301, Location=moved)
        with pytest.raises(RemoteError, match="is not followed"):
            greet(connect(follow="false"))
        (host.root / "old").unlink()


class TestBodies:
    """What is sent and what comes back."""

    def test_long_requests_are_zipped_and_pushes_have_a_length(self, host, root, connect, tmp_path) -> None:
        shutil.copytree(root / "r.git", tmp_path / "here.git")
        repo = Repository.open(str(tmp_path / "here.git"))
        transport = ServerTransport(connect(), repo, str(tmp_path / "incoming"))
        prefixes = [f"refs/heads/{number}" for number in range(100)]
        assert transport.refs([*prefixes, "refs/heads/main"]) == {"refs/heads/main": repo.head()}
        assert host.asked[-1].headers["Content-Encoding"] == "gzip"
        transport.push([RefUpdate("refs/tags/two", None, repo.head())], repo.objects)
        headers = host.asked[-1].headers
        assert int(headers["Content-Length"]) > 0
        assert not {"Transfer-Encoding", "Expect", "Content-Encoding"} & set(headers)
        transport.close()
        repo.close()

    def test_what_was_begun_is_asked_once(self, host, connect) -> None:
        wire = connect()
        wire.begin(UPLOAD_PACK)
        assert greet(wire).version == 2
        wire.begin(RECEIVE_PACK)
        assert greet(wire).version == 2, "of another service than was begun"
        assert host.paths().count("GET /r.git/info/refs?service=git-upload-pack") == 2

    def test_a_way_that_leads_nowhere_is_said_when_it_is_needed(self, connect) -> None:
        wire = connect(url="http://127.0.0.1:1/r.git")
        wire.begin(UPLOAD_PACK)
        with pytest.raises(Unavailable, match="cannot be reached"):
            greet(wire)

    def test_one_connection_serves_all_requests(self, host, connect, tmp_path) -> None:
        ports = set()
        host.before = lambda handler: bool(ports.add(handler.client_address[1]))
        wire = connect()
        for _ in range(3):
            greet(wire)
        assert len(ports) == 1

    def test_zipped_answers_are_unzipped(self, host, connect) -> None:
        kind = {"Content_Type": "application/x-git-upload-pack-advertisement", "Content_Encoding": "gzip"}
        text = b"000eversion 2\n" + b"0020agent=" + b"x" * 22 + b"0000"
        host.before = answering(200, gzip.compress(text), **kind)
        assert greet(connect()).abilities == {"agent": "x" * 22}
        host.before = answering(200, b"no gzip at all", **kind)
        with pytest.raises(RemoteError, match="zipped wrong"):
            greet(connect())
        host.before = answering(200, text, **{**kind, "Content_Encoding": "br"})
        with pytest.raises(RemoteError, match="squeezes its answer by br"):
            greet(connect())

    def test_an_answer_that_breaks_off_is_a_sentence(self, host, connect) -> None:
        kind = {"Content_Type": "application/x-git-upload-pack-advertisement", "Content_Length": "50"}
        host.before = answering(200, b"000eversion 2\n", Connection="close", **kind)
        with pytest.raises(Unavailable, match="broke off"):
            greet(connect())


class TestFailures:
    """What servers say no with."""

    @pytest.mark.parametrize(
        ("status", "kind", "sentence", "times"),
        [
            (403, AccessDenied, "does not let you read it: go away", 1),
            (404, GitError, "There is no Git repository at", 1),
            (418, RemoteError, "answers with status 418: go away", 1),
            (503, Unavailable, r"cannot answer now \(503\): go away", 3),
            (429, Unavailable, r"cannot answer now \(429\)", 3),
        ],
    )
    def test_every_status_is_a_sentence(self, host, connect, status, kind, sentence, times) -> None:
        host.before = answering(status, b"go\x1b[31m away\n", Content_Type="text/plain")
        with pytest.raises(kind, match=sentence) as caught:
            greet(connect())
        assert caught.value.message.isprintable()
        assert len(host.asked) == times

    def test_what_passes_is_not_seen(self, host, connect) -> None:
        host.before = lambda handler: len(host.asked) < 3 and answering(502)(handler)
        assert greet(connect()).version == 2

    def test_a_push_is_sent_once(self, host, connect) -> None:
        wire = connect()
        greet(wire, RECEIVE_PACK)
        host.asked.clear()
        host.before = answering(503)
        with pytest.raises(Unavailable):
            wire.ask(RECEIVE_PACK, b"0000")
        assert len(host.asked) == 1

    def test_a_push_that_is_too_large_says_what_to_do(self, host, connect) -> None:
        host.before = answering(413)
        with pytest.raises(RemoteError, match="as much as this push") as caught:
            connect().ask(RECEIVE_PACK, b"0000")
        assert "client_max_body_size" in caught.value.hint

    def test_a_page_for_browsers_is_no_repository(self, host, connect) -> None:
        host.before = answering(200, b"<html>", Content_Type="text/html")
        with pytest.raises(GitError, match="not one behind Git's smart protocol"):
            greet(connect())
        with pytest.raises(RemoteError, match="answers git-upload-pack with something"):
            connect().ask(UPLOAD_PACK, b"0000")

    @pytest.mark.parametrize("raw", [b"", b"HELLO\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"])
    def test_what_is_no_http_is_a_sentence(self, connect, raw) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                for _ in range(3):
                    with server.accept()[0] as line:
                        line.recv(1000)
                        line.sendall(raw)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            with pytest.raises(Unavailable, match="cannot be reached"):
                greet(connect(url=f"http://127.0.0.1:{server.getsockname()[1]}/r.git"))
            thread.join()

    def test_a_server_that_says_nothing_is_not_waited_for_for_ever(self, connect) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            wire = connect(url=f"http://127.0.0.1:{server.getsockname()[1]}/r.git", silence=0.05)
            with pytest.raises(Unavailable, match="does not answer"):
                greet(wire)

    @pytest.mark.parametrize("url", ["http:///r.git", "http://h:x/r.git", "http://[::1/r", "gopher://h/r"])
    def test_what_is_no_url_is_a_sentence(self, connect, url) -> None:
        with pytest.raises(RemoteError, match="is not the URL of a Git server"):
            connect(url=url)

    def test_a_host_that_nobody_knows_is_a_sentence(self, connect) -> None:
        with pytest.raises(Unavailable, match="cannot be reached"):
            greet(connect(url="http://nobody.invalid/r.git"))


class TestTls:
    """Certificates."""

    @pytest.fixture
    def secure(self, root: Path, tmp_path: Path) -> Iterator[GitHost]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (tmp_path / "both.pem").write_text(tls.KEY + tls.CERTIFICATE)
        (tmp_path / "ca.pem").write_text(tls.CERTIFICATE)
        context.load_cert_chain(tmp_path / "both.pem")
        with githttp.serving(root, context) as server:
            yield server

    def test_a_stranger_is_not_trusted_unless_the_settings_say_so(self, secure, connect, tmp_path) -> None:
        url = f"{secure.url}/r.git"
        with pytest.raises(RemoteError, match=r"a certificate that cannot be trusted: self.signed"):
            greet(connect(url=url))
        assert greet(connect(url=url, ca_file=str(tmp_path / "ca.pem"))).version == 2
        assert greet(connect(url=url, verify=False)).version == 2

    def test_nobody_is_led_from_https_to_http(self, secure, connect) -> None:
        moved = secure.url.replace("https", "http") + "/r.git/info/refs?service=git-upload-pack"
        secure.before = answering(301, Location=moved)
        with pytest.raises(RemoteError, match="redirects from https to http://"):
            greet(connect(url=f"{secure.url}/r.git", verify=False))

    def test_files_that_cannot_be_used_are_named(self, secure, connect, tmp_path) -> None:
        for settings in ({"ca_file": "/none.pem"}, {"certificate": str(tmp_path / "ca.pem")}):
            with pytest.raises(ConfigError, match="The certificates in /"):
                greet(connect(url=f"{secure.url}/r.git", **settings))

    def test_through_a_proxy_goes_a_tunnel(self, secure, connect, tmp_path) -> None:
        with tunnel() as (port, heard):
            wire = connect(
                url=f"{secure.url}/r.git", ca_file=str(tmp_path / "ca.pem"), proxy=f"http://me:pw@127.0.0.1:{port}"
            )
            assert greet(wire).version == 2
            wire.close()
        assert heard[0].startswith(b"CONNECT " + secure.url.removeprefix("https://").encode())
        assert b"Proxy-Authorization: Basic bWU6cHc=" in heard[0]


class TestProxies:
    """On the way to servers without TLS."""

    def test_a_proxy_is_told_the_whole_url(self, host, connect) -> None:
        def strip(handler: BaseHTTPRequestHandler) -> bool:
            handler.path = handler.path.removeprefix("http://far.away:81")
            return False

        host.before = strip
        proxy = host.url.replace("://", "://me:p%40w@")
        assert greet(connect(url="http://far.away:81/r.git", proxy=proxy)).version == 2
        assert host.paths()[0].startswith("GET http://far.away:81/r.git/info/refs")
        assert host.asked[0].headers["Host"] == "far.away:81"
        assert host.asked[0].headers["Proxy-Authorization"] == "Basic bWU6cEB3"

    def test_a_proxy_that_refuses_us_is_named(self, host, connect) -> None:
        host.before = answering(407)
        with pytest.raises(AccessDenied, match=f"The proxy {host.url} refuses you"):
            greet(connect(url="http://far.away/r.git", proxy=host.url.replace("://", "://me:pw@")))

    @pytest.mark.parametrize("proxy", ["socks5://h:1", "http://h:x", "https://h"])
    def test_other_proxies_are_a_sentence(self, connect, proxy) -> None:
        with pytest.raises(ConfigError, match="only proxies that speak http"):
            greet(connect(proxy=proxy))
