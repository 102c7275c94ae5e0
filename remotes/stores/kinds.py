"""The kinds of remotes that are reached through fsspec: their URLs, settings, packages, and what clients are told.

The settings have DVC's words. Nothing is imported here before a store is opened; a package that is missing is a
sentence with the command that installs it. Limits: passwords are not asked for (`ask_password`), and ssh checks the
server's key against ``~/.ssh/known_hosts`` where DVC accepts any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from assay.engine.errors import ConfigError

if TYPE_CHECKING:
    from assay.remotes.registry import Remote

Arguments = dict[str, Any]
_CONNECT = 10
_LOGIN = 30
_NO_CACHE = {"use_listings_cache": False}
_KEEPALIVE = 15
"""Seconds without a sign of life from an ssh server until it is asked for one; four unanswered ones end it."""


class Kind(NamedTuple):
    """A kind of remote.

    Attributes:
        client: fsspec's file system for it: module and class.
        extra: What to install: ``pip install 'assay[EXTRA]'``; empty when nothing more is needed.
        form: What a URL looks like, for sentences.
        words: The settings it takes.
        arguments: What its client is told.
        root: Where the remote begins, as the client wants it.
        store: Which of the stores in `by_fsspec`: "objects", "files", "dav" or "pages".
        user: Whether the URL may name a user.
    """

    client: str
    extra: str
    form: str
    words: tuple[str, ...]
    arguments: Callable[[Remote], Arguments]
    root: Callable[[str], str]
    store: str
    user: bool = False


def _bucket_and_path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _container_and_path(url: str) -> str:
    """``abfs://container@account.../path`` has the container before the account."""
    parts = urlsplit(url)
    return f"{parts.netloc.partition('@')[0]}{parts.path}".rstrip("/")


def _path(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/")


def _whole_url(url: str) -> str:
    return url.rstrip("/")


def _given(remote: Remote, words: Mapping[str, str]) -> Arguments:
    """The settings that are there, under the client's names."""
    return {theirs: value for ours, theirs in words.items() if (value := remote.settings.get(ours))}


def _number(remote: Remote, word: str, default: int) -> int:
    text = remote.settings.get(word, "") or str(default)
    try:
        value = int(float(text))
    except ValueError:
        value = 0
    if value < 1:
        raise ConfigError(f"remote.{remote.name}.{word} is {text!r}; it must be a number from 1 upwards.")
    return value


def _says_yes(remote: Remote, word: str, *, default: bool = False) -> bool:
    text = remote.settings.get(word, "").lower()
    return text in ("true", "yes", "on", "1") if text else default


def _gs(remote: Remote) -> Arguments:
    found = _given(remote, {"projectname": "project", "credentialpath": "token", "endpointurl": "endpoint_url"})
    if _says_yes(remote, "allow_anonymous_login"):
        found["token"] = "anon"  # noqa: S105  # the client's word for none
    return {**found, **_NO_CACHE, "consistency": "none", "check_connection": False}


_AZURE = {
    "connection_string": "connection_string", "sas_token": "sas_token", "account_name": "account_name",
    "account_key": "account_key", "tenant_id": "tenant_id", "client_id": "client_id", "client_secret": "client_secret",
}  # fmt: skip
_AZURE_EXCLUDES = tuple(
    f"exclude_{name}_credential"
    for name in ("environment", "visual_studio_code", "shared_token_cache", "managed_identity")
)


def _azure(remote: Remote) -> Arguments:
    found = _given(remote, _AZURE)
    host = urlsplit(remote.url).netloc.partition("@")[2]
    if host:
        found.setdefault("account_name", host.partition(".")[0])
    for word in ("timeout", "read_timeout", "connection_timeout"):
        if remote.settings.get(word):
            found[word] = _number(remote, word, 1)
    excluded = {word: True for word in _AZURE_EXCLUDES if _says_yes(remote, word)}
    anonymous = _says_yes(remote, "allow_anonymous_login")
    return {**found, **excluded, **_NO_CACHE, "anon": anonymous, "assume_container_exists": True}


def _ssh(remote: Remote) -> Arguments:
    parts = urlsplit(remote.url)
    found = _given(remote, {"user": "username", "password": "password", "passphrase": "passphrase"})
    if parts.username:
        found["username"] = unquote(parts.username)
    if remote.settings.get("keyfile"):
        found["client_keys"] = [remote.settings["keyfile"]]
    if parts.port or remote.settings.get("port"):
        found["port"] = parts.port or _number(remote, "port", 22)
    if not _says_yes(remote, "allow_agent", default=True):
        found["agent_path"] = None
    if not _says_yes(remote, "gss_auth"):
        found["gss_host"] = None
    known = remote.settings.get("known_hosts", "")
    return {
        "host": parts.hostname or "",
        **found,
        "known_hosts": known or (),  # () is the client's own: ~/.ssh/known_hosts
        "max_sessions": _number(remote, "max_sessions", 10),
        "connect_timeout": _number(remote, "timeout", _CONNECT),
        "login_timeout": _LOGIN,
        "keepalive_interval": _KEEPALIVE,
        "keepalive_count_max": 4,
    }


def _webdav(remote: Remote) -> Arguments:
    from assay.remotes.urls import tls

    parts = urlsplit(remote.url)
    scheme = "https" if parts.scheme == "webdavs" else "http"
    get = remote.settings.get
    found: Arguments = {"base_url": f"{scheme}://{parts.netloc}", "timeout": _number(remote, "timeout", 30)}
    if get("user"):
        found["auth"] = (get("user", ""), get("password", ""))
    if get("token"):
        header = get("custom_auth_header", "")
        found["headers"] = {header: get("token")} if header else {"Authorization": f"Bearer {get('token')}"}
    if get("cert_path"):
        found["cert"] = (get("cert_path"), get("key_path")) if get("key_path") else get("cert_path")
    found["verify"] = tls(get("ssl_verify", ""))
    return found


def _http(remote: Remote) -> Arguments:
    from assay.remotes.urls import http_options

    return {**http_options(remote), **_NO_CACHE}


_HTTP_WORDS = (
    "auth",
    "custom_auth_header",
    "user",
    "password",
    "ssl_verify",
    "connect_timeout",
    "read_timeout",
    "method",
)
_GS = ("projectname", "credentialpath", "endpointurl", "allow_anonymous_login")
_SSH = (
    "port", "user", "password", "passphrase", "keyfile", "timeout", "gss_auth", "allow_agent", "max_sessions",
    "known_hosts",
)  # fmt: skip
_DAV = ("user", "password", "token", "custom_auth_header", "cert_path", "key_path", "timeout", "ssl_verify")

_GOOGLE = Kind("gcsfs:GCSFileSystem", "gs", "gs://BUCKET/PREFIX", _GS, _gs, _bucket_and_path, "objects")
_MICROSOFT = Kind(
    "adlfs:AzureBlobFileSystem", "azure", "azure://CONTAINER/PREFIX",
    (*_AZURE, *_AZURE_EXCLUDES, "allow_anonymous_login", "timeout", "read_timeout", "connection_timeout"),
    _azure, _container_and_path, "objects", user=True,
)  # fmt: skip
_SFTP = Kind("sshfs:SSHFileSystem", "ssh", "ssh://USER@HOST/PATH", _SSH, _ssh, _path, "files", user=True)
_WEBDAV = Kind("webdav4.fsspec:WebdavFileSystem", "webdav", "webdavs://HOST/PATH", _DAV, _webdav, _path, "dav")
_WEB = Kind(
    "fsspec.implementations.http:HTTPFileSystem", "", "https://HOST/PATH", _HTTP_WORDS, _http, _whole_url, "pages"
)

KINDS: Mapping[str, Kind] = {
    "gs": _GOOGLE, "gcs": _GOOGLE, "azure": _MICROSOFT, "abfs": _MICROSOFT, "abfss": _MICROSOFT, "adl": _MICROSOFT,
    "ssh": _SFTP, "sftp": _SFTP, "webdav": _WEBDAV, "webdavs": _WEBDAV, "http": _WEB, "https": _WEB,
}  # fmt: skip
"""By the scheme of the URL."""
