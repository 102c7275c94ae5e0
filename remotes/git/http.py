"""Git's smart protocol over http and https, on the standard library alone.

Requests have a length, never chunks: a push is sent from its file, in bounded memory, and servers and proxies that
refuse chunks take it. One connection is kept as long as the server does. What only reads is tried again when the
server does not answer or says "not now"; a push never is, because it may have been heard.

Who we are is said only when the server asks, then with each request to that server; a redirect, which is followed
where Git follows it, takes neither passwords nor headers with secrets to another one.
"""

from __future__ import annotations

import http.client
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from assay.engine.errors import AccessDenied, AssayError, GitError, RemoteError, Unavailable
from assay.remotes.git.httpline import Body, Line, Message, basic, clean, shown
from assay.remotes.git.httpsettings import HttpSettings
from assay.remotes.git.packets import as_text
from assay.remotes.git.wire import RECEIVE_PACK, UPLOAD_PACK, Answer, Credentials, Reader

_FRESH = 15.0  # seconds for which what a service said of itself is taken for true
_IDLE = 2.0  # seconds after which a connection may have been cut without our knowing
_PAUSES = (0.3, 1.0)
_REDIRECTS = 20
_WORTH_SQUEEZING = 1024
_NOT_NOW = (429, 500, 502, 503, 504)
_SECRETS = ("authorization", "cookie", "proxy-authorization")


class HttpWire:
    """A repository's services over http.

    Args:
        address: The repository's URL; a user and a password in it are left to ``credentials``.
        settings: How to reach a URL; asked again when a redirect leads to another server.
        credentials: Gives who knows who we are, once a server asks; None when nobody does.
        sleep: How to wait between two attempts.

    Attributes:
        url: The same URL without them; redirects do not change it.
    """

    def __init__(
        self,
        address: str,
        settings: Callable[[str], HttpSettings],
        credentials: Callable[[], Credentials] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.url = shown(address)
        self._base = clean(address)
        self._settings_of = settings
        self._settings = settings(address)
        self._find_credentials = credentials
        self._credentials: Credentials | None = None
        self._sleep = sleep
        self._greeted: dict[str, float] = {}
        self._line: Line | None = None
        self._response: http.client.HTTPResponse | None = None
        self._answer: Answer | None = None
        self._answers: Iterator[Answer] | None = None
        self._accepted = False
        self._begun: Message | None = None

    def begin(self, service: str) -> None:
        """Sends what `greet` asks and does not wait for the answer."""
        message = _greeting(service)
        try:
            self._pick_up(message).start(message, self._base, self._headers(message))
            self._begun = message
        except (http.client.HTTPException, OSError, ValueError, AssayError):
            self._hang_up()

    def greet(self, service: str) -> Reader:
        """Asks a service what it says of itself. Raises RemoteError, GitError when there is no such repository."""
        response = self._request(_greeting(service))
        kind = response.headers.get_content_type()
        if kind != f"application/x-{service}-advertisement":
            raise GitError(
                f"{self.url} answers, but is not a Git repository, or not one behind Git's smart protocol.",
                "Check the URL: servers have one for browsers and one for Git.",
            )
        self._greeted[service] = time.monotonic()
        return Body(response, self.url)

    def ask(self, service: str, request: bytes, pack: str = "") -> Reader:
        """Sends a request, and a file behind it."""
        headers = {"Content-Type": f"application/x-{service}-request", "Accept": f"application/x-{service}-result"}
        if service == UPLOAD_PACK:
            headers["Git-Protocol"] = "version=2"
            if len(request) > _WORTH_SQUEEZING:
                headers["Content-Encoding"] = "gzip"
                squeeze = zlib.compressobj(wbits=31)
                request = squeeze.compress(request) + squeeze.flush()
        message = Message(f"/{service}", headers, request, pack, repeatable=service == UPLOAD_PACK)
        response = self._request(message)
        if response.headers.get_content_type() != f"application/x-{service}-result":
            raise RemoteError(f"{self.url} answers {service} with something that is not Git's protocol.")
        return Body(response, self.url)

    def is_ready(self, service: str) -> bool:
        """Whether the service was greeted a moment ago."""
        return time.monotonic() - self._greeted.get(service, -_FRESH) < _FRESH

    def said(self) -> str:
        """Nothing: over http all that a server says is its answer."""
        return ""

    def close(self) -> None:
        """Closes the connection."""
        self._greeted.clear()
        self._hang_up()

    def _request(self, message: Message) -> http.client.HTTPResponse:
        """Sends a message until it is answered well: to where redirects lead, as whom the server lets in.

        Raises:
            RemoteError: It is not, and why.
        """
        for _ in range(_REDIRECTS):
            response = self._patiently(message)
            if response.status in (301, 302, 303, 307, 308):
                self._move(message, response)
            elif response.status == 401:
                self._next_answer(response)
            elif response.status == 200:
                self._has_let_us_in()
                return response
            else:
                raise self._refusal(response, message)
        raise RemoteError(f"{self.url} redirects in circles.")

    def _patiently(self, message: Message) -> http.client.HTTPResponse:
        """Sends a message, and again after a pause where that is harmless. Raises RemoteError."""
        pauses = iter(_PAUSES if message.repeatable else ())
        while True:
            was_kept = self._line is not None
            try:
                response = self._send(message)
                pause = next(pauses, None) if response.status in _NOT_NOW else None
                if pause is None:
                    return response
            except Unavailable:
                pause = next(pauses, None)
                if pause is None:
                    raise
            self._hang_up()
            self._sleep(0 if was_kept else pause)

    def _send(self, message: Message) -> http.client.HTTPResponse:
        """Sends a message once. Raises RemoteError; Unavailable when there is no answer."""
        begun, self._begun = self._begun, None
        if begun is not None and (begun != message or self._line is None or self._line.age > _IDLE):
            self._hang_up()
            begun = None
        line = self._line if begun is not None and self._line is not None else self._pick_up(message)
        try:
            if begun is None:
                line.start(message, self._base, self._headers(message))
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why before it hung up
                line.send_body(message)
            self._response = line.connection.getresponse()
        except (http.client.HTTPException, OSError, ValueError) as error:
            self._hang_up()
            raise line.trouble(error, self.url) from error
        line.used = time.monotonic()
        return self._response

    def _headers(self, message: Message) -> dict[str, str]:
        headers = {"User-Agent": self._settings.agent, **message.headers}
        strange = _origin(self._base) != _origin(self.url)
        headers.update(pair for pair in self._settings.headers if not (strange and pair[0].lower() in _SECRETS))
        if self._answer is not None:
            headers["Authorization"] = basic(self._answer.user, self._answer.password)
        return headers

    def _pick_up(self, message: Message) -> Line:
        """The connection that is open, if it can be used for this, else a new one."""
        if self._line is not None:
            is_stale = not message.repeatable and self._line.age > _IDLE
            if is_stale or not _is_read(self._response) or not self._line.is_open:
                self._hang_up()
        if self._line is None:
            self._line = Line(self._base, self._settings)
        return self._line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.connection.close()
        self._line = self._response = self._begun = None

    def _move(self, message: Message, response: http.client.HTTPResponse) -> None:
        """Goes where a redirect leads. Raises RemoteError when that is not followed."""
        location = response.headers.get("Location", "")
        try:
            target = urljoin(self._base + message.path, location)
            base = clean(target.removesuffix(message.path))
        except (ValueError, RemoteError):
            raise RemoteError(f"{self.url} redirects to {as_text(location.encode())!r}, which is no URL.") from None
        follow = self._settings.follow or "initial"
        may = message.method == "GET" if follow == "initial" else follow == "true"
        if not may or (message.method == "POST" and response.status not in (307, 308)):
            raise RemoteError(
                f"{self.url} redirects to {base}, which is not followed.", "Use the URL that it leads to."
            )
        if not base.startswith("https:") and self._base.startswith("https:"):
            raise RemoteError(f"{self.url} redirects from https to {base}, which is not followed.")
        if not target.endswith(message.path):
            raise RemoteError(f"{self.url} redirects to {base}, which is no Git repository.", "Check the URL.")
        if _origin(base) != _origin(self._base):
            self._answer = self._answers = None
            self._accepted = False
            self._hang_up()
        self._base = base
        self._settings = self._settings_of(base)

    def _next_answer(self, response: http.client.HTTPResponse) -> None:
        """Chooses who to be next. Raises AccessDenied when there is nobody left."""
        offers = response.headers.get_all("WWW-Authenticate") or []
        url = self._base
        if self._answer is not None:
            self._refused(self._answer)
        basic = next((offer for offer in offers if offer.lower().startswith("basic")), None)
        if basic is None and offers:
            ways = ", ".join(as_text(offer.split()[0].encode()) for offer in offers if offer.split())
            raise AccessDenied(
                f"{self.url} wants to know who you are by {ways}; only a name with a password or token can be given.",
                "A token in http.extraHeader of Git's configuration may do.",
            )
        if self._credentials is None and self._find_credentials is not None:
            self._credentials = self._find_credentials()
        if self._answers is None and self._credentials is not None:
            self._answers = iter(self._credentials.answers(url, _realm(basic or "")))
        self._answer = next(self._answers, None) if self._answers is not None else None
        self._accepted = False
        if self._answer is None:
            raise self._locked_out()

    def _refused(self, answer: Answer) -> None:
        if self._credentials is not None:
            self._credentials.refused(self._base, answer)

    def _has_let_us_in(self) -> None:
        if self._answer is not None and not self._accepted and self._credentials is not None:
            self._accepted = True
            self._credentials.accepted(self._base, self._answer)

    def _locked_out(self) -> AccessDenied:
        """The sentence about a server that lets nobody in whom we know."""
        said = self._credentials.said() if self._credentials is not None else []
        if any(name.lower() == "authorization" for name, _ in self._settings.headers):
            said.insert(0, "the header that http.extraHeader names was refused")
        if not said:
            return AccessDenied(
                f"{self.url} asks for a name and a password or token, and nobody here knows any.",
                "A credential helper of Git, ~/.netrc or GIT_ASKPASS can know it.",
            )
        return AccessDenied(f"{self.url} asks for a name and a password or token: {'; '.join(said)}.")

    def _refusal(self, response: http.client.HTTPResponse, message: Message) -> AssayError:
        """The sentence about an answer that is no good."""
        status = response.status
        said = _words(response)
        behind = f": {said}" if said else "."
        if status == 403:
            what = "push there" if RECEIVE_PACK in message.path else "read it"
            return AccessDenied(f"{self.url} does not let you {what}{behind}")
        if status in (404, 410):
            return GitError(
                f"There is no Git repository at {self.url}{behind}", "Check the URL, and who you are there."
            )
        if status == 407:
            return AccessDenied(f"The proxy {shown(self._settings.proxy)} refuses you on the way to {self.url}.")
        if status == 413:
            return RemoteError(
                f"{self.url} does not take as much as this push at once (413).",
                "Push fewer experiments at a time, or have the server's limit raised (nginx: client_max_body_size).",
            )
        if status in _NOT_NOW:
            return Unavailable(f"{self.url} cannot answer now ({status}){behind}")
        return RemoteError(f"{self.url} answers with status {status}{behind}")


def _greeting(service: str) -> Message:
    """The question that a service answers with what it says of itself."""
    headers = {"Accept-Encoding": "gzip", "Pragma": "no-cache"}
    if service == UPLOAD_PACK:
        headers["Git-Protocol"] = "version=2"
    return Message(f"/info/refs?service={service}", headers)


def _is_read(response: http.client.HTTPResponse | None) -> bool:
    """Whether an answer was read to its end, so that the connection can be used again."""
    if response is None or response.isclosed():
        return True
    try:
        return not response.read1(1) and response.isclosed()
    except (http.client.HTTPException, OSError, ValueError):
        return False


def _realm(offer: str) -> str:
    return as_text(offer.partition('realm="')[2].partition('"')[0].encode())


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _words(response: http.client.HTTPResponse) -> str:
    """What a server says about its refusal, where that is text for people."""
    if response.headers.get_content_type() != "text/plain":
        return ""
    try:
        return as_text(response.read(1000))[:200]
    except (http.client.HTTPException, OSError):
        return ""
