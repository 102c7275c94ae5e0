"""A remote in an S3 bucket, or in anything that speaks S3, through `wire`, or through s3fs where that cannot.

s3fs is imported on first use (a quarter of a second). Its own retries are off: `retry` has them, and a wrong endpoint
is said soon. Checksums that other servers do not know are sent only where S3 requires them. Conditional writes are
tried on a scratch key before they are trusted, because some servers accept the condition and ignore it.
"""

from __future__ import annotations

import os
import threading
import time
from base64 import b64encode
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from hashlib import md5
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from assay.engine.errors import AccessDenied, AssayError, ConfigError, KeyMissing, RemoteError, Unavailable
from assay.engine.ports import KeyInfo, Sink, Source
from assay.remotes.budget import Budget
from assay.remotes.s3 import parts as s3_parts
from assay.remotes.s3.errors import Place, answer, lost_race, translated
from assay.remotes.s3.journal import Journal
from assay.remotes.s3.reach import reach
from assay.remotes.s3.wire import S3Wire, takes
from assay.remotes.stores.keys import checked, is_key
from assay.remotes.stores.retry import patiently

_CHUNK = 4 << 20
_WHOLE = 80 << 20
"""Bytes: what is no longer than this is sent in one request; a pack with its table of contents is."""
_IN_MEMORY = 160 << 20
"""Bytes: so much is held in memory on its way out, over all threads."""
_PART = 32 << 20
_MOST_PARTS = 9_000
_PAST_THE_END = 416
_READING = ("get_object", "head_object")


class S3Settings(NamedTuple):
    """How to reach a bucket; the words are those of DVC's configuration.

    Attributes:
        endpointurl: The server; empty for AWS.
        region: The bucket's region; empty for the client's default.
        profile: A profile of the AWS configuration files.
        access_key_id: With ``secret_access_key`` and ``session_token``, explicit credentials.
        anonymous: Ask without credentials.
        verify: False for no verification of certificates, or the path of a CA bundle.
        use_ssl: Whether to use https where the endpoint does not say.
        addressing_style: "path", "virtual" or "auto".
        connect_timeout: Seconds. ``read_timeout`` likewise.
        connections: How many at once.
        credentials_file: Path of a file of credentials instead of the client's own; ``config_file`` likewise.
        writing: Further arguments of requests that write (encryption at rest, access rights), in the API's words.
        direct: Whether to ask the server ourselves where we can; all is left to s3fs, which finds proxies, when not.
    """

    endpointurl: str = ""
    region: str = ""
    profile: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    anonymous: bool = False
    verify: bool | str = True
    use_ssl: bool = True
    addressing_style: str = "auto"
    connect_timeout: int = 10
    read_timeout: int = 60
    connections: int = 16
    credentials_file: str = ""
    config_file: str = ""
    writing: Mapping[str, str] = {}
    direct: bool = True

    def for_s3fs(self) -> dict[str, Any]:
        """The arguments of `s3fs.S3FileSystem`."""
        client: dict[str, Any] = {"verify": self.verify}
        if self.region:
            client["region_name"] = self.region
        chosen = {
            "endpoint_url": self.endpointurl, "key": self.access_key_id, "secret": self.secret_access_key,
            "token": self.session_token, "profile": self.profile,
        }  # fmt: skip
        return {
            **{name: value for name, value in chosen.items() if value},
            "anon": self.anonymous,
            "use_ssl": self.use_ssl,
            "client_kwargs": client,
            "config_kwargs": {
                "s3": {"addressing_style": self.addressing_style},
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
                "max_pool_connections": self.connections,
                "connect_timeout": self.connect_timeout,
                "read_timeout": self.read_timeout,
                "retries": {"total_max_attempts": 1},
            },
            "skip_instance_cache": True,
            "use_listings_cache": False,
        }


_CLOSING = 10.0  # seconds


class S3Store:
    """Values in a bucket.

    Args:
        url: ``s3://bucket/prefix``.
        settings: How to reach it.
        journal: Where it is noted what has arrived of large values; None to send them anew each time.

    Raises:
        ConfigError: The URL names no bucket.
    """

    def __init__(self, url: str, settings: S3Settings, journal: Journal | None = None) -> None:
        parts = urlsplit(url)
        if not parts.netloc or "@" in parts.netloc:
            raise ConfigError("The remote's url must be s3://BUCKET or s3://BUCKET/PREFIX.")
        self._bucket = parts.netloc
        self._prefix = f"{path}/" if (path := parts.path.strip("/")) else ""
        self.url = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        self._settings = settings
        self._journal = journal
        self._lock = threading.Lock()
        self._opened: Any = None
        self._wire: S3Wire | None = None
        self._is_resolved = False
        self._atomic: bool | None = None
        self._ranges = True
        self._blind: bool | None = None
        self._budget = Budget(_IN_MEMORY)
        self.page = 1000

    def get(self, key: str) -> bytes:
        """The whole value."""
        return b"".join(self._chunks(key))

    def get_to(self, key: str, sink: Sink) -> int:
        """Streams the value into ``sink``."""
        total = 0
        for chunk in self._chunks(key):
            sink.write(chunk)
            total += len(chunk)
        return total

    def get_version_to(self, key: str, version: str, sink: Sink) -> int:
        """Streams what the value was at a version into ``sink``, in a bucket that keeps versions. Raises KeyMissing."""
        total = 0
        for chunk in self._pieces(self._call("reading", "get_object", key, VersionId=version), key):
            sink.write(chunk)
            total += len(chunk)
        return total

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """A part of the value; of a server that sends the whole instead, only the part is kept."""
        if length < 1:
            return b""
        wanted = {"Bucket": self._bucket, "Key": self._prefix + checked(key)}
        try:
            found = self._raw("get_object", **wanted, Range=f"bytes={start}-{start + length - 1}")
        except Exception as error:
            if answer(error)[0] == _PAST_THE_END:
                return b""
            raise self._said(error, key, "reading") from error
        if found.get("ContentRange"):  # not the status: there are servers that say 200 and send the part
            return b"".join(self._pieces(found, key))
        self._ranges = False
        with closing(self._pieces(found, key)) as pieces:
            return b"".join(_between(pieces, start, start + length))

    def has_ranges(self) -> bool:
        """True until the server has sent a whole value to whoever asked for a part."""
        return self._ranges

    def put(self, key: str, data: bytes) -> str:
        """Writes the value in one request."""
        return _stamp(self._put_pieces(key, [data]))

    def _put_pieces(self, key: str, pieces: Sequence[bytes]) -> Mapping[str, Any]:
        said: Mapping[str, Any] = self._call("writing", "put_object", key, **_body(pieces), **self._settings.writing)
        return said

    def put_from(self, key: str, source: Source) -> str:
        """Writes what ``source`` gives: in one request up to 80 MiB, else in parts that become visible together."""
        return _stamp(self._put_source(key, source))

    def _put_source(self, key: str, source: Source) -> Mapping[str, Any]:
        """`put_from`, and what the server says of it, in the API's words; nothing where its answer was lost."""
        if source.size > _WHOLE:
            return self._put_parts(key, source)
        with self._budget.holding(source.size):
            return self._put_pieces(key, list(iter(lambda: source.read(_CHUNK), b"")))

    def size(self, key: str) -> int | None:
        """The value's length."""
        said = self.head(key)
        return None if said is None else int(said["ContentLength"])

    def info(self, key: str) -> KeyInfo | None:
        """The value's length and entity tag."""
        said = self.head(key)
        return None if said is None else KeyInfo(key, int(said["ContentLength"]), _stamp(said))

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        """The keys that start with ``prefix``, a thousand per request."""
        for key, item in self.items(prefix):
            yield KeyInfo(key, int(item["Size"]), _stamp(item))

    def head(self, key: str) -> Mapping[str, Any] | None:
        """What the server says of a value, in the API's words; None when there is none."""
        try:
            found: Mapping[str, Any] = self._call("reading", "head_object", key)
        except KeyMissing:
            return None
        return found

    def items(self, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The keys that start with ``prefix`` with what the server says of each, in the API's words."""
        for item in self._items(prefix):
            key = item["Key"][len(self._prefix) :]
            if is_key(key):  # the placeholders that other tools make for folders are none
                yield key, item

    def _items(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        wanted: dict[str, Any] = {"Prefix": self._prefix + prefix, "MaxKeys": self.page}

        def ask() -> Any:
            return self._request("listing", "list_objects_v2", prefix, **wanted)

        page = ask()
        while True:
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]
            page = patiently(ask)

    def settle(self) -> None:
        """Nothing to do: what the server has answered for is durable."""

    def delete(self, keys: Iterable[str]) -> None:
        """Removes the keys one by one: the request for many needs a checksum that servers disagree on."""
        for key in keys:
            with suppress(KeyMissing):
                self._call("removing", "delete_object", key)

    def is_atomic(self) -> bool:
        """Whether conditional writes work here, tried once on a scratch key."""
        if self._atomic is None:
            self._atomic = self._probe()
        return self._atomic

    def create(self, key: str, data: bytes) -> bool:
        """Writes the value where there is none."""
        self._must_be_atomic()
        return self._put_if(key, data, IfNoneMatch="*")

    def swap(self, key: str, old: bytes | None, new: bytes) -> bool:
        """Replaces ``old`` by ``new``."""
        if old is None:
            return self.create(key, new)
        self._must_be_atomic()
        try:
            answer = self._call("reading", "get_object", key)
        except KeyMissing:
            return False
        there = self._body(answer, key)
        if there == new:
            return True
        return there == old and self._put_if(key, new, IfMatch=answer["ETag"])

    def clock_ahead(self) -> float | None:
        """By how many seconds this machine's clock is ahead of the server's; None when the server does not say."""
        from email.utils import parsedate_to_datetime

        try:
            said = self._raw("head_object", Bucket=self._bucket, Key=f"{self._prefix}tmp/clock")
        except Exception as error:  # noqa: BLE001  # every answer has the time, a refusal as well
            said = getattr(error, "response", None) or getattr(error.__cause__, "response", None) or {}
        text = said.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        try:
            return time.time() - parsedate_to_datetime(text).timestamp()
        except ValueError:
            return None

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            opened, self._opened = self._opened, None
            if self._wire is not None:
                self._wire.close()
        if opened is not None and opened._s3 is not None:
            from fsspec.asyn import sync

            with suppress(Exception):  # s3fs waits a tenth of a second, which a busy machine may need for nothing
                sync(opened.loop, opened._s3.__aexit__, None, None, None, timeout=_CLOSING)

    def _must_be_atomic(self) -> None:
        if not self.is_atomic():
            raise RemoteError(f"{self.url} does not honour conditional writes.")

    def _put_if(self, key: str, data: bytes, **condition: str) -> bool:
        try:
            place = {"Bucket": self._bucket, "Key": self._prefix + checked(key)}
            self._raw("put_object", **place, **_body([data]), **condition, **self._settings.writing)
        except Exception as error:
            # A request is sent again when its connection breaks, so the value that refuses us may be our own.
            if lost_race(error) or (answer(error)[0] == 404 and "IfMatch" in condition):
                with suppress(KeyMissing):
                    return patiently(lambda: self.get(key)) == data
                return False
            raise self._said(error, key, "writing") from error
        return True

    def _probe(self) -> bool:
        key = f"tmp/probe-{os.urandom(8).hex()}"

        def accepted(body: bytes, **condition: str) -> bool:
            try:
                return patiently(lambda: self._put_if(key, body, **condition))
            except Unavailable:
                raise
            except RemoteError as error:
                if answer(error.__cause__ or error)[0] in (400, 404, 501):
                    return False
                raise

        try:
            return bool(
                accepted(b"1", IfNoneMatch="*")
                and (etag := str((patiently(lambda: self.head(key)) or {}).get("ETag", "")))
                and not accepted(b"2", IfNoneMatch="*")
                and not accepted(b"3", IfMatch='"00000000000000000000000000000000"')
                and accepted(b"4", IfMatch=etag)
                and patiently(lambda: self.get(key)) == b"4"
            )
        finally:
            with suppress(AssayError):
                self.delete([key])

    def _put_parts(self, key: str, source: Source) -> Mapping[str, Any]:
        length = self._part_length(source)
        with self._budget.holding(min(_IN_MEMORY, s3_parts.IN_FLIGHT * length)):
            return s3_parts.send(self._call, key, source, length, self._settings.writing, self._journal)

    def _part_length(self, source: Source) -> int:
        return max(_PART, -(-source.size // _MOST_PARTS))

    def _chunks(self, key: str) -> Iterator[bytes]:
        return self._pieces(self._call("reading", "get_object", key), key)

    def _pieces(self, answer: Mapping[str, Any], key: str) -> Generator[bytes, None, None]:
        """The body of an answer, to its last byte."""
        body, left = answer["Body"], int(answer.get("ContentLength", -1))
        try:
            while left:
                chunk = self._read(body, key)
                if not chunk and left < 0:  # its length was not said beforehand
                    return
                if not chunk:
                    raise self._said(EOFError(f"{left} bytes did not come"), key, "reading")
                left -= len(chunk)
                yield chunk
        finally:
            body.close()

    def _body(self, answer: Mapping[str, Any], key: str) -> bytes:
        try:
            return self._read(answer["Body"], key, None)
        finally:
            answer["Body"].close()

    def _read(self, body: Any, key: str, size: int | None = _CHUNK) -> bytes:
        try:
            data: bytes = body.read(size)
        except Exception as error:
            raise self._said(error, key, "reading") from error
        return data

    def _call(self, doing: str, method: str, key: str, **arguments: Any) -> Any:
        return self._request(doing, method, key, Key=self._prefix + checked(key), **arguments)

    def _request(self, doing: str, method: str, key: str, **arguments: Any) -> Any:
        try:
            return self._raw(method, Bucket=self._bucket, **arguments)
        except Exception as error:
            said = self._said(error, key, doing)
            if method in _READING and isinstance(said, AccessDenied) and self._is_blind():
                raise KeyMissing(
                    f"{self.url}/{key} does not exist, or may not be read: S3 does not tell those who may not list.",
                    "Ask for s3:ListBucket there to see which.",
                ) from error
            raise said from error

    def _is_blind(self) -> bool:
        """Whether we may not list: then what is missing is refused, as what is forbidden. Tried once."""
        if self._blind is None:
            try:
                self._raw("list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
            except Exception as error:  # noqa: BLE001  # whatever else is wrong is not this
                self._blind = answer(error)[:2] == (403, "AccessDenied")
            else:
                self._blind = False
        return self._blind

    def _raw(self, method: str, **arguments: Any) -> Any:
        """One request, raising whatever the client raises; the seam where tests make a server misbehave."""
        wire = self._direct() if takes(method, arguments) else None
        if wire is not None:
            return wire.call(method, arguments)
        if "Body" in arguments:
            arguments["Body"] = b"".join(arguments["Body"])
        said = self._fs().call_s3(method, **arguments)
        if method == "get_object":
            said["Body"] = _Awaited(said["Body"], self._fs().loop)
        return said

    def _direct(self) -> S3Wire | None:
        """Our own client, where it can reach this bucket."""
        with self._lock:
            if not self._is_resolved:
                found = reach(self._settings, self._bucket)
                self._wire = S3Wire(*found) if found is not None else None
                self._is_resolved = True
            return self._wire

    def _said(self, error: Exception, key: str, doing: str) -> AssayError:
        if isinstance(error, AssayError):
            return error
        return translated(error, Place(self._bucket, self._prefix + key, self._settings.endpointurl), doing)

    def _fs(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = _connect(self._settings)
            return self._opened


class _Awaited:
    """A body that comes from the loop of s3fs, read from any thread."""

    def __init__(self, body: Any, loop: Any) -> None:
        self._body = body
        self._loop = loop

    def read(self, size: int | None) -> bytes:
        """The next bytes, at most so many (None: all there are)."""
        from fsspec.asyn import sync

        data: bytes = sync(self._loop, self._body.read, size)
        return data

    def close(self) -> None:
        """Lets go of the connection."""
        self._body.close()


def _stamp(said: Mapping[str, Any]) -> str:
    return str(said.get("ETag") or "").strip('"')


def _body(pieces: Sequence[bytes]) -> dict[str, Any]:
    """What is sent, with its sum, so that the server takes nothing that changed on the way."""
    state = md5(usedforsecurity=False)
    for piece in pieces:
        state.update(piece)
    return {"Body": pieces, "ContentMD5": b64encode(state.digest()).decode()}


def _connect(settings: S3Settings) -> Any:
    try:
        import s3fs
    except ImportError as error:
        raise ConfigError("S3 remotes need the package s3fs.", "Install it: pip install s3fs") from error
    from botocore.config import Config

    arguments = settings.for_s3fs()
    known = Config.OPTION_DEFAULTS  # older ones send no checksums that they could be told to leave out
    arguments["config_kwargs"] = {key: value for key, value in arguments["config_kwargs"].items() if key in known}
    if settings.credentials_file or settings.config_file:
        arguments["session"] = _session(settings)
        arguments.pop("profile", None)
    opened = s3fs.S3FileSystem(**arguments)
    opened.retries = 1
    return opened


def _session(settings: S3Settings) -> Any:
    """A session of the client that reads other files than its own."""
    from aiobotocore.session import AioSession

    session = AioSession(profile=settings.profile or None)
    for name, path in (("credentials_file", settings.credentials_file), ("config_file", settings.config_file)):
        if path:
            session.set_config_variable(name, path)
    return session


def _between(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """What of the pieces lies between two places of the whole; the rest is not waited for."""
    at = 0
    for piece in pieces:
        yield piece[max(0, start - at) : max(0, end - at)]
        at += len(piece)
        if at >= end:
            return
