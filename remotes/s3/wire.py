"""The requests of S3's interface that transfers are made of, without its client library.

s3fs and what it stands on take a quarter of a second to import and 5 ms of processor for each request; this takes a
few milliseconds and 0.15. It speaks the words of S3's interface as botocore does, arguments and answers, so that a
store can hand a request to either; what it does not know it does not take (`takes`), and s3fs does it. A clock that is
wrong is corrected by the server's, a region by the one that the server names, each once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from assay.remotes.s3.http_wire import Answer, Connections, ResponseParserError, Server
from assay.remotes.s3.sign import EMPTY, Keys, Scope, authorization, path_of, query_of

_MOST_SAID = 1 << 20
"""Bytes of an error that are read."""
_REFUSED = 300
"""From here on, a status means that it was not done."""
_ELSEWHERE = (301, 307, 400, 403)
"""What may be answered where the region is another one."""


class Reach(NamedTuple):
    """How to reach a bucket.

    Attributes:
        server: Whom to connect to.
        host: The value of the header ``Host``.
        path: What comes before a key in the path, with its last slash, not encoded: ``/`` or ``/bucket/``.
        region: For whom requests are signed.
        keys: Who signs, asked before each request since keys may expire; None for nobody.
    """

    server: Server
    host: str
    path: str
    region: str
    keys: Callable[[], Keys] | None


class Operation(NamedTuple):
    """A request of the interface: its method, what its query always has, and the arguments that become part of it."""

    method: str
    always: tuple[tuple[str, str], ...] = ()
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


class RefusedError(Exception):
    """The server said no. ``response`` is what botocore's errors have there."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        super().__init__(f"{response['Error'].get('Code')}: {response['Error'].get('Message')}")
        self.response = response


class ParamValidationError(Exception):
    """A key cannot be written in a request."""


_WRITING = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ACL": "x-amz-acl",
    "GrantRead": "x-amz-grant-read",
    "GrantReadACP": "x-amz-grant-read-acp",
    "GrantWriteACP": "x-amz-grant-write-acp",
    "GrantFullControl": "x-amz-grant-full-control",
    "StorageClass": "x-amz-storage-class",
    "ContentType": "content-type",
}
_SUM = {"ContentMD5": "content-md5"}
_CONDITIONS = {"IfMatch": "if-match", "IfNoneMatch": "if-none-match"}
_PART = {"PartNumber": "partNumber", "UploadId": "uploadId"}
_LISTING = {
    "Prefix": "prefix", "MaxKeys": "max-keys", "ContinuationToken": "continuation-token", "StartAfter": "start-after",
}  # fmt: skip
_VERSIONS = {
    "Prefix": "prefix", "MaxKeys": "max-keys", "KeyMarker": "key-marker", "VersionIdMarker": "version-id-marker",
}  # fmt: skip

OPERATIONS: Mapping[str, Operation] = {
    "get_object": Operation("GET", (), {"VersionId": "versionId"}, {"Range": "range", **_CONDITIONS}),
    "head_object": Operation("HEAD", (), {"VersionId": "versionId"}, _CONDITIONS),
    "put_object": Operation("PUT", (), {}, {**_WRITING, **_CONDITIONS, **_SUM}),
    "delete_object": Operation("DELETE", (), {}, {"IfMatch": "if-match"}),
    "list_objects_v2": Operation("GET", (("list-type", "2"), ("encoding-type", "url")), _LISTING),
    "list_object_versions": Operation("GET", (("versions", ""), ("encoding-type", "url")), _VERSIONS),
    "get_bucket_versioning": Operation("GET", (("versioning", ""),)),
    "create_multipart_upload": Operation("POST", (("uploads", ""),), {}, _WRITING),
    "upload_part": Operation("PUT", (), _PART, _SUM),
    "complete_multipart_upload": Operation("POST", (), {"UploadId": "uploadId"}, _CONDITIONS),
    "abort_multipart_upload": Operation("DELETE", (), {"UploadId": "uploadId"}),
    "list_parts": Operation("GET", (), {"UploadId": "uploadId", "PartNumberMarker": "part-number-marker"}),
}
_FIELDS = {
    "Contents": ("Key", "Size", "ETag", "LastModified"),
    "Part": ("PartNumber", "Size", "ETag"),
    "Version": ("Key", "VersionId", "IsLatest", "Size", "ETag"),
}
"""What is read of the items of a list, by their name in its XML."""
_BODIES = {"put_object": "Body", "upload_part": "Body", "complete_multipart_upload": "MultipartUpload"}
Content = bytes | Sequence[bytes]


class S3Wire:
    """A client of one bucket; safe for threads.

    Args:
        reach: How to reach it.
        elsewhere: How to reach it if it lies in another region.
        now: Seconds since 1970; tests pass another clock.
    """

    def __init__(self, reach: Reach, elsewhere: Callable[[str], Reach], now: Callable[[], float] = time.time) -> None:
        self._reach = reach
        self._elsewhere = elsewhere
        self._now = now
        self._ahead = 0.0
        self._connections = Connections(reach.server)

    def close(self) -> None:
        """Closes connections that nobody uses."""
        self._connections.close()

    def call(self, operation: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """One request and what was answered, in the words of S3's interface.

        The body of ``get_object`` is an `Answer`, which must be read to its end or closed; a body that is sent may be
        a sequence of pieces.

        Raises:
            RefusedError: The server says no.
            Exception: One of those of `http_wire`.
        """
        kind, reach = OPERATIONS[operation], self._reach
        body = _body(operation, arguments)
        answer = self._ask(reach, kind, arguments, body)
        if answer.status >= _REFUSED:
            error = _refusal(answer, kind.method)
            if not self._mended(reach, error):
                raise error
            answer = self._ask(self._reach, kind, arguments, body)
            if answer.status >= _REFUSED:
                raise _refusal(answer, kind.method)
        return _said(operation, answer)

    def _ask(self, reach: Reach, kind: Operation, arguments: Mapping[str, Any], body: Sequence[bytes]) -> Answer:
        try:
            path = path_of(reach.path + arguments["Key"] if "Key" in arguments else reach.path.rstrip("/") or "/")
            pairs = [(name, str(arguments[word])) for word, name in kind.query.items() if word in arguments]
            query = query_of([*kind.always, *pairs])
        except UnicodeEncodeError as error:
            raise ParamValidationError("it is not Unicode") from error
        headers = {name: str(arguments[word]) for word, name in kind.headers.items() if word in arguments}
        headers["host"] = reach.host
        if reach.keys is not None:
            headers |= self._signed(reach, kind.method, path, query, headers, body)
        if body or kind.method in ("PUT", "POST"):
            headers["content-length"] = str(sum(map(len, body)))
        target = f"{path}?{query}" if query else path
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{kind.method} {target} HTTP/1.1\r\n{lines}user-agent: assay\r\naccept-encoding: identity\r\n\r\n"
        return self._connections.ask(kind.method, head.encode("latin-1"), body)

    def _signed(
        self, reach: Reach, method: str, path: str, query: str, headers: Mapping[str, str], body: Sequence[bytes]
    ) -> dict[str, str]:
        """The headers that say who asks, when, and what is sent."""
        keys = reach.keys() if reach.keys is not None else Keys("", "")
        content = _hash(body)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now() + self._ahead))
        own = {"x-amz-content-sha256": content, "x-amz-date": stamp}
        if keys.session_token:
            own["x-amz-security-token"] = keys.session_token
        words = authorization(method, path, query, {**headers, **own}, content, keys, Scope(reach.region))
        return {**own, "authorization": words}

    def _mended(self, reach: Reach, error: RefusedError) -> bool:
        """Whether the server said how it would have it, at another time or in another region, and it will be so."""
        said, details = error.response["ResponseMetadata"]["HTTPHeaders"], error.response["Error"]
        if details["Code"] == "RequestTimeTooSkewed" and (theirs := _seconds(said.get("date", ""))):
            self._ahead = theirs - self._now()
            return True
        region = said.get("x-amz-bucket-region") or details.get("Region", "")
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in _ELSEWHERE or region in ("", reach.region):
            return False
        if self._reach is reach:  # no other thread has heard it before
            other = self._elsewhere(region)
            if other.server is not reach.server:
                self._connections = Connections(other.server)
            self._reach = other
        return True


def takes(operation: str, arguments: Iterable[str]) -> bool:
    """Whether a request with these arguments is one of ours."""
    kind = OPERATIONS.get(operation)
    if kind is None:
        return False
    known = {"Bucket", "Key", _BODIES.get(operation, "Key")}
    return all(word in known or word in kind.query or word in kind.headers for word in arguments)


def _body(operation: str, arguments: Mapping[str, Any]) -> Sequence[bytes]:
    word = _BODIES.get(operation)
    if word is None or word not in arguments:
        return ()
    value = arguments[word]
    if operation == "complete_multipart_upload":
        parts = "".join(
            f"<Part><PartNumber>{part['PartNumber']}</PartNumber><ETag>{_escaped(part['ETag'])}</ETag></Part>"
            for part in value["Parts"]
        )
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        return (f'<CompleteMultipartUpload xmlns="{space}">{parts}</CompleteMultipartUpload>'.encode(),)
    return (value,) if isinstance(value, bytes) else value


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _hash(body: Sequence[bytes]) -> str:
    if not body:
        return EMPTY
    from hashlib import sha256

    state = sha256()
    for piece in body:
        state.update(piece)
    return state.hexdigest()


def _said(operation: str, answer: Answer) -> dict[str, Any]:
    headers = answer.headers
    said: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": answer.status, "HTTPHeaders": headers}}
    for name, word in (("etag", "ETag"), ("x-amz-version-id", "VersionId"), ("content-range", "ContentRange")):
        if name in headers:
            said[word] = headers[name]
    if headers.get("content-length", "").isdigit():
        said["ContentLength"] = int(headers["content-length"])
    if operation == "get_object":
        said["Body"] = answer
        return said
    content = answer.read()
    if operation in ("list_objects_v2", "list_parts", "list_object_versions"):
        return said | _listing(_list_of(content, headers))
    if operation == "get_bucket_versioning":
        return said | {"Status": _text(_parsed(content), "Status")}
    if operation in ("create_multipart_upload", "complete_multipart_upload"):
        root = _parsed(content)
        if root.tag.endswith("Error"):  # it was accepted long before it failed
            raise RefusedError(_response(500, headers, root))
        said |= {word: _text(root, word) for word in ("UploadId", "ETag") if _text(root, word)}
    return said


def _list_of(content: bytes, headers: Mapping[str, str]) -> ElementTree.Element:
    """The XML of a list, which nothing else is taken for: a list of nothing would say that there is nothing."""
    root = _parsed(content)
    if root.tag.endswith("Error"):
        raise RefusedError(_response(500, headers, root))
    if not root.tag.rpartition("}")[2].startswith("List"):  # ListBucketResult; servers do not all say Result
        raise ResponseParserError(f"what came is no list: {root.tag}")
    return root


def _listing(root: ElementTree.Element) -> dict[str, Any]:
    """A page of keys, of their versions, or of the parts of an upload."""
    is_encoded = _text(root, "EncodingType") == "url"
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _FIELDS}
    for element in root:
        kind = element.tag.rpartition("}")[2]
        if kind in found:
            found[kind].append(_item(element, _FIELDS[kind], is_encoded=is_encoded))
    marker = _text(root, "NextKeyMarker")
    return {
        "Contents": found["Contents"],
        "Parts": found["Part"],
        "Versions": found["Version"],
        "IsTruncated": _text(root, "IsTruncated") == "true",
        "NextContinuationToken": _text(root, "NextContinuationToken"),
        "NextPartNumberMarker": _text(root, "NextPartNumberMarker"),
        "NextKeyMarker": unquote_plus(marker) if is_encoded else marker,
        "NextVersionIdMarker": _text(root, "NextVersionIdMarker"),
    }


def _item(element: ElementTree.Element, names: Sequence[str], *, is_encoded: bool) -> dict[str, Any]:
    texts = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
    item: dict[str, Any] = {name: texts[name] for name in names if name in texts}
    try:
        item |= {name: int(item[name]) for name in ("Size", "PartNumber") if name in item}
    except ValueError as error:
        raise ResponseParserError(f"a list has an item without sense: {error}") from error
    if is_encoded and "Key" in item:
        item["Key"] = unquote_plus(item["Key"])
    if "IsLatest" in item:
        item["IsLatest"] = item["IsLatest"] == "true"
    return item


def _refusal(answer: Answer, method: str) -> RefusedError:
    """The error that an answer tells, of which the rest is read so that the connection can be used again."""
    content = answer.read(_MOST_SAID) if method != "HEAD" else b""
    while method != "HEAD" and len(content) < _MOST_SAID and (more := answer.read(_MOST_SAID)):
        content += more
    answer.close()
    try:
        root = _parsed(content) if content else None
    except ResponseParserError:
        root = None
    return RefusedError(_response(answer.status, answer.headers, root))


def _response(status: int, headers: Mapping[str, str], root: ElementTree.Element | None) -> dict[str, Any]:
    words = ("Code", "Message", "Region", "Condition")
    details = {word: _text(root, word) if root is not None else "" for word in words}
    return {
        "Error": {**details, "Code": details["Code"] or str(status)},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }


def _parsed(content: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(content.strip())  # noqa: S314  # expat itself refuses what grows when expanded
    except ElementTree.ParseError as error:
        raise ResponseParserError(f"no XML came: {error}") from error


def _text(root: ElementTree.Element, name: str) -> str:
    return root.findtext(f"{{*}}{name}") or ""


def _seconds(date: str) -> float:
    """A date of HTTP as seconds since 1970; 0 for what is none."""
    from calendar import timegm

    try:
        return timegm(time.strptime(date, "%a, %d %b %Y %H:%M:%S GMT"))
    except ValueError:
        return 0
