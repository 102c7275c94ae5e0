"""What servers say of URLs that stages read and write: over HTTP, in S3, over ssh; in the words of DVC's lock files.

Over HTTP that is the ETag, else the Content-MD5, else a number made of everything that the answer's head says, as
fsspec makes it for DVC. In S3 it is the ETag; a folder is the md5 of the list of its ETags. Over ssh it is the md5 of
the content, which is read for it. A URL by itself is asked with what the machine knows (AWS's own files and variables,
ssh's keys), ``remote://name/path`` with the settings of that remote.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

from assay.engine.errors import AccessDenied, ConfigError, RemoteError, Unavailable, UsageError
from assay.engine.ports import RemoteStore, UrlState
from assay.remotes.registry import Remote, open_store, s3_store, shown
from assay.remotes.stores.retry import patiently

_HTTP = ("http", "https")
_PLUGINS = {
    "azure": "dvc-azure",
    "gdrive": "dvc-gdrive",
    "gs": "dvc-gs",
    "hdfs": "dvc-hdfs",
    "oss": "dvc-oss",
    "webdav": "dvc-webdav",
    "webdavs": "dvc-webdav",
    "webhdfs": "dvc-webhdfs",
}
"""What it takes that DVC runs such stages, beside DVC itself."""
_ATTEMPTS = 3
_CONNECT = 10
_READ = 60
_GONE = (404, 410)
_REFUSED = (401, 403, 407)
_BUSY = 429
_BROKEN = 500


def state(url: str, remotes: Mapping[str, Mapping[str, str]]) -> UrlState | None:
    """What is at a URL now; None when nothing is.

    Args:
        url: An ``http``, ``https``, ``s3`` or ``ssh`` one, or ``remote://name/path`` in a remote of such a kind.
        remotes: The settings of the remotes, by name.

    Raises:
        RemoteError: The server does not say.
        ConfigError: The URL, or a setting of the remote, cannot be used.
    """
    return state_of(place_of(url, remotes)._replace(direct=False))


def state_of(place: Remote) -> UrlState | None:
    """What is at a URL now, asked with these settings; None when nothing is. Errors are those of `state`."""
    if place.scheme in _HTTP:
        return patiently(lambda: _over_http(place), _ATTEMPTS)
    if place.scheme == "s3":
        try:
            return patiently(lambda: _in_s3(place), _ATTEMPTS)
        except UsageError as error:
            raise ConfigError(error.message, error.hint) from error
    if place.scheme == "ssh":
        return patiently(lambda: _over_ssh(place), _ATTEMPTS)
    plugin = f"DVC needs {_PLUGINS[place.scheme]} for it. " if place.scheme in _PLUGINS else ""
    raise ConfigError(
        f"{place.scheme}:// is not a kind of URL that assay can ask yet.",
        f"{plugin}Use http(s)://, s3:// or ssh://, or freeze the stage.",
    )


def place_of(url: str, remotes: Mapping[str, Mapping[str, str]], seen: tuple[str, ...] = ()) -> Remote:
    """The URL itself, with the settings of the remote that it names."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigError(f"{url.partition('://')[0]}://... is no URL.") from error
    if parts.scheme != "remote":
        login = parts.netloc.rpartition("@")[0]
        if login and (parts.scheme != "ssh" or ":" in login):
            hint = (
                "Put user and password into a remote of .dvc/config.local or .assay/config.local: remote://NAME/PATH."
            )
            raise ConfigError(f"{shown(url)} must be given without credentials.", hint)
        return Remote("", url, {})
    name = parts.netloc.lower()
    settings = remotes.get(name)
    if settings is None or not settings.get("url"):
        raise ConfigError(f"There is no remote {name!r}.", f"Known: {', '.join(remotes) or 'none'}.")
    if name in seen:
        raise ConfigError(f"The remote {name!r} lies in itself.")
    base = place_of(settings["url"], remotes, (*seen, name))
    own = {key: value for key, value in settings.items() if key != "url"}
    return Remote(name, f"{base.url.rstrip('/')}/{parts.path.lstrip('/')}".rstrip("/"), {**base.settings, **own})


def _in_s3(place: Remote) -> UrlState | None:
    parts = urlsplit(place.url)
    key = posixpath.normpath(parts.path).strip("/").removeprefix(".")
    store = s3_store(place._replace(url=f"s3://{parts.netloc}"))
    try:
        found = store.head(key) if key else None
        if found is not None:
            version = str(found.get("VersionId") or "")
            return UrlState("etag", _etag(found), int(found["ContentLength"]), None, version)
        files = {name[len(key) :].lstrip("/"): item for name, item in store.items(f"{key}/" if key else "")}
        return _folder(files) if files else None
    finally:
        store.close()


def _etag(said: Mapping[str, Any]) -> str:
    return str(said.get("ETag", "")).strip('"')


def _folder(files: Mapping[str, Mapping[str, Any]]) -> UrlState:
    listing = json.dumps([{"etag": _etag(files[path]), "relpath": path} for path in sorted(files)], sort_keys=True)
    digest = hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest()
    return UrlState("md5", f"{digest}.dir", sum(int(item["Size"]) for item in files.values()), len(files))


def _over_http(place: Remote) -> UrlState | None:
    from fsspec.implementations.http import HTTPFileSystem
    from fsspec.utils import tokenize

    url = _normal(place.url)
    system: Any = HTTPFileSystem(**http_options(place))
    try:
        info = system.info(url)
    except FileNotFoundError as error:
        if getattr(error.__cause__, "status", 0) in _GONE:
            return None
        _raise(place, error.__cause__ or error)  # the client raises this for everything that goes wrong
    finally:
        if system._session is not None:
            system.close_session(system.loop, system._session)
    tag = info.get("ETag") or info.get("Content-MD5") or str(int(tokenize(info), 16))
    return UrlState("checksum", tag, info.get("size"))


def _over_ssh(place: Remote) -> UrlState | None:
    """The md5 of what is there, which has to be read for it."""
    above, _, name = place.url.rstrip("/").rpartition("/")
    store = open_store(place._replace(url=above))
    try:
        if store.size(name) is not None:
            return UrlState("md5", *_summed(store, name))
        keys = [info.key for info in store.list(f"{name}/") if not info.key.endswith("/")]
        sums = {key[len(name) + 1 :]: _summed(store, key) for key in keys}
        if not sums:
            return None
        listing = json.dumps([{"md5": sums[path][0], "relpath": path} for path in sorted(sums)], sort_keys=True)
        digest = hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest()
        return UrlState("md5", f"{digest}.dir", sum(size for _, size in sums.values()), len(sums))
    finally:
        store.close()


def _summed(store: RemoteStore, key: str) -> tuple[str, int]:
    sink = _Sum()
    size = store.get_to(key, sink)
    return sink.state.hexdigest(), size


class _Sum:
    """Hashes what comes, and keeps none of it."""

    def __init__(self) -> None:
        self.state = hashlib.md5(usedforsecurity=False)

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self.state.update(data)

    def restart(self) -> None:
        """Begins again."""
        self.state = hashlib.md5(usedforsecurity=False)


def _normal(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=posixpath.normpath(parts.path) if parts.path else ""))


def http_options(place: Remote) -> dict[str, Any]:
    """The arguments of fsspec's HTTP client, from DVC's words for them. Raises ConfigError."""
    from aiohttp import ClientTimeout

    get = place.settings.get
    connect, read = _seconds(place, "connect_timeout", _CONNECT), _seconds(place, "read_timeout", _READ)
    timeout = ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=read)
    client: dict[str, Any] = {"timeout": timeout, "trust_env": True}
    user, password, header = get("user", ""), get("password", ""), get("custom_auth_header", "")
    if get("auth") == "basic" and user and password:
        client["headers"] = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    elif get("auth") == "custom" and header and password:
        client["headers"] = {header: password}
    elif get("auth"):
        raise ConfigError(
            f"remote.{place.name}.auth is {get('auth')!r}, and what that needs is not there.",
            "basic needs user and password; custom needs custom_auth_header and password; others are not supported.",
        )
    return {"client_kwargs": client, "skip_instance_cache": True, "ssl": tls(get("ssl_verify", ""))}


def tls(verify: str) -> Any:
    """What a client is told of certificates: to verify them (True), not to (False), or with which context."""
    if "/" in verify:
        import ssl

        try:
            return ssl.create_default_context(cafile=verify)
        except OSError as error:
            raise ConfigError(f"ssl_verify: {verify} cannot be read.") from error
    return verify.lower() not in ("false", "no", "off", "0")


def _seconds(place: Remote, key: str, default: int) -> float:
    value = place.settings.get(key, "")
    if not value:
        return default
    try:
        return float(value)
    except ValueError as error:
        raise ConfigError(f"remote.{place.name}.{key} is {value!r}; it must be a number of seconds.") from error


def _raise(place: Remote, error: BaseException) -> NoReturn:
    """Our error for what the client says; its own words are left out, since they may hold what is secret."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    where, status = shown(place.url), getattr(error, "status", 0)
    server = urlsplit(place.url).netloc
    if status in _REFUSED:
        raise AccessDenied(f"{where} was refused ({status}).", "Set auth, user and password of a remote.") from error
    if status and "TooManyRedirects" not in kinds:
        kind = Unavailable if status == _BUSY or status >= _BROKEN else RemoteError
        raise kind(f"{where} was answered with {status}.") from error
    if kinds & {"ClientSSLError", "SSLError", "ClientConnectorCertificateError"}:
        raise RemoteError(f"The certificate of {server} cannot be verified.", "Set ssl_verify of a remote.") from error
    if kinds & {"InvalidURL", "NonHttpUrlClientError"} or "TooManyRedirects" in kinds:
        raise RemoteError(f"{where} leads nowhere ({type(error).__name__}).") from error
    if kinds & {"ClientConnectionError", "TimeoutError", "OSError", "ClientPayloadError"}:
        raise Unavailable(f"{server} does not answer.", "Check the URL and the network.") from error
    raise RemoteError(f"{where} cannot be read ({type(error).__name__}).") from error
