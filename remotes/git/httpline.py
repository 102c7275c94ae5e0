"""The line to a server over http: connections, proxies, TLS, bodies that come and go, and sentences about what fails.

Nothing here knows Git. Limits: proxies that speak http, and for https only such as let a tunnel through.
"""

from __future__ import annotations

import http.client
import socket
import time
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from assay.engine.errors import ConfigError, RemoteError, Unavailable
from assay.remotes.git.httpsettings import HttpSettings
from assay.remotes.git.packets import as_text

if TYPE_CHECKING:
    from ssl import SSLContext

_CONNECT = 30.0  # seconds
_PIECE = 1 << 17


class Message(NamedTuple):
    """One request.

    Attributes:
        path: What follows the repository's URL.
        headers: What is sent along.
        body: What is sent first; None for a request without a body.
        pack: Path of a file that follows; may be empty.
        repeatable: Whether it may be sent again when nobody knows whether it was heard.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    pack: str = ""
    repeatable: bool = True

    @property
    def method(self) -> str:
        """GET or POST."""
        return "GET" if self.body is None else "POST"


class Line:
    """A connection to a server, through a proxy where there is one.

    Args:
        base: The repository's URL.
        settings: How to reach it.

    Attributes:
        connection: Python's own.
        used: When it was last heard of.
    """

    def __init__(self, base: str, settings: HttpSettings) -> None:
        self.used = time.monotonic()
        self._parts = urlsplit(base)
        self._proxy = settings.proxy
        self._silence = settings.silence
        host, port = self._parts.hostname or "", self._parts.port
        via = _proxy_parts(settings.proxy) if settings.proxy else None
        self._say_whole_url = via is not None and self._parts.scheme == "http"
        self._proxy_secret = "" if via is None else _secret(via.username, via.password)
        to = (host, port) if via is None else (via.hostname or "", via.port or 1080)
        if self._parts.scheme == "https":
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                *to, timeout=_CONNECT, context=_context(settings)
            )
            if via is not None:
                secret = {"Proxy-Authorization": self._proxy_secret} if self._proxy_secret else {}
                self.connection.set_tunnel(host, port, secret)
        else:
            self.connection = http.client.HTTPConnection(*to, timeout=_CONNECT)

    @property
    def age(self) -> float:
        """Seconds since it was last heard of, or made."""
        return time.monotonic() - self.used

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; Python's is closed after an answer that ends it."""
        return self.connection.sock is not None

    def start(self, message: Message, base: str, headers: Mapping[str, str]) -> None:
        """Sends all but the body."""
        if not self.is_open:
            self.connection.connect()
            self.connection.sock.settimeout(self._silence)
        where = base + message.path
        path = where if self._say_whole_url else where[where.index("/", where.index("://") + 3) :]
        self.connection.putrequest(message.method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(name, value.encode("utf-8", "surrogateescape"))
        if self._say_whole_url and self._proxy_secret:
            self.connection.putheader("Proxy-Authorization", self._proxy_secret)
        if message.body is not None:
            self.connection.putheader("Content-Length", str(len(message.body) + _size(message.pack)))
        self.connection.endheaders()

    def send_body(self, message: Message) -> None:
        """Sends the body, the file piece by piece."""
        if message.body:
            self.connection.send(message.body)
        if message.pack:
            with open(message.pack, "rb") as file:
                while piece := file.read(_PIECE):
                    self.connection.send(piece)

    def trouble(self, error: Exception, url: str) -> RemoteError:
        """The sentence about what went wrong on the line."""
        return trouble(error, url, self._proxy)


class Body:
    """The body of an answer, unzipped where it is zipped."""

    def __init__(self, response: http.client.HTTPResponse, url: str) -> None:
        self._response = response
        self._url = url
        zipped = response.headers.get("Content-Encoding", "identity").lower()
        if zipped not in ("identity", "gzip", "x-gzip"):
            raise RemoteError(f"{url} squeezes its answer by {as_text(zipped.encode())}, which was not asked for.")
        self._unzip = zlib.decompressobj(wbits=31) if "gzip" in zipped else None

    def read(self, size: int) -> bytes:
        """The next bytes; empty at the end, and where the server broke off. Raises RemoteError."""
        try:
            if self._unzip is None:
                return self._response.read1(size)
            while not self._unzip.eof:
                squeezed = self._unzip.unconsumed_tail or self._response.read1(size)
                found = self._unzip.decompress(squeezed, size)
                if found or not squeezed:
                    return found
        except zlib.error as error:
            raise RemoteError(f"{self._url} sends an answer that is zipped wrong.") from error
        except (http.client.HTTPException, OSError) as error:
            raise trouble(error, self._url, "") from error
        return b""


def trouble(error: Exception, url: str, proxy: str) -> RemoteError:
    """The sentence about what went wrong on the line; the proxy may be empty."""
    import ssl

    via = f", through the proxy {shown(proxy)}" if proxy else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return RemoteError(
            f"{url} shows a certificate that cannot be trusted: {error.verify_message}.",
            "http.sslCAInfo in Git's configuration names a file of certificates to trust.",
        )
    if isinstance(error, TimeoutError):
        return Unavailable(f"{url} does not answer{via}.")
    if isinstance(error, socket.gaierror):
        return Unavailable(f"{url} cannot be reached{via}: nobody knows that host.")
    said = as_text((error.strerror or str(error) if isinstance(error, OSError) else str(error)).encode())
    why = said or "the server hung up"
    return Unavailable(f"{url} cannot be reached{via}: {why[0].lower()}{why[1:]}.")


def _context(settings: HttpSettings) -> SSLContext:
    """How TLS is spoken. Raises ConfigError when files that settings name cannot be used."""
    import ssl

    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None, capath=settings.ca_folder or None)
        if not settings.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.key or None, password=lambda: "")
    except (OSError, ValueError) as error:
        named = settings.certificate or settings.ca_file or settings.ca_folder
        raise ConfigError(
            f"The certificates in {named} cannot be used: {as_text(str(error).encode())}.",
            "See http.sslCAInfo and http.sslCert in Git's configuration.",
        ) from error
    return context


def _proxy_parts(proxy: str) -> SplitResult:
    """What a proxy's URL says. Raises ConfigError when it is one that cannot be used."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() != "http" or not parts.hostname:
        raise ConfigError(
            f"The proxy {shown(proxy)} cannot be used: only proxies that speak http can.",
            "See http.proxy in Git's configuration, and the variables http_proxy, https_proxy and all_proxy.",
        )
    return parts


def _secret(user: str | None, password: str | None) -> str:
    return basic(unquote(user or ""), unquote(password or "")) if user or password else ""


def basic(user: str, password: str) -> str:
    """The header that says who we are."""
    return "Basic " + b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode()


def shown(url: str) -> str:
    """A URL without user, password and whatever else may be secret."""
    head, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{head}{mark}{host.rpartition('@')[2]}{slash}{path.partition('?')[0].partition('#')[0]}"


def clean(url: str) -> str:
    """A URL of a server without user, password, query and slash at the end, as it goes into a request.

    Raises:
        RemoteError: It is no such URL.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise RemoteError(f"{shown(url)} is not the URL of a Git server.")
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._", encoding="utf-8", errors="surrogateescape")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"


def _size(path: str) -> int:
    if not path:
        return 0
    with open(path, "rb") as file:
        return file.seek(0, 2)
