"""A large value on its way to S3, in parts that become visible together; what was cut short is continued.

A part that has arrived is not sent again when the server lists it with the tag that it gave then, and the bytes to be
sent are those that were sent. Only uploads that this project began are ever continued or thrown away. Where the server
does not let us list parts, the value is sent anew.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import md5
from typing import Any, Protocol

from assay.engine.errors import AssayError, KeyMissing, RemoteError, Unavailable
from assay.engine.ports import Source
from assay.remotes.parallel import each
from assay.remotes.s3.journal import Entry, Journal, Part
from assay.remotes.stores.retry import patiently

_CHUNK = 4 << 20
IN_FLIGHT = 3
"""So many parts are in memory and on their way at once."""

Body = tuple[int, Sequence[bytes]]


class Call(Protocol):
    """One request about a key of a bucket."""

    def __call__(self, doing: str, method: str, key: str, **arguments: Any) -> Any:
        """The answer. Raises RemoteError."""


def send(
    call: Call, key: str, source: Source, length: int, writing: Mapping[str, str], journal: Journal | None
) -> Mapping[str, Any]:
    """Sends a value, and returns what the server says of it; nothing where that answer was lost.

    Args:
        call: Asks the server.
        key: Where it goes.
        source: Where it comes from.
        length: Bytes of each part but the last.
        writing: Further arguments of what begins an upload.
        journal: Where it is noted what has arrived; None to begin anew each time.
    """
    if journal is not None:
        _give_up_stale(call, journal)
    entry = journal.enter(key) if journal is not None else Entry()
    try:
        arrived = _continued(call, key, entry, length)
        if not entry.upload:
            begun = call("writing", "create_multipart_upload", key, **writing)
            entry.begin(key, str(begun["UploadId"]), length)
        _send_all(call, key, source, entry, arrived)
        said = _complete(call, key, source, entry)
        entry.forget()
    except BaseException as error:
        if not entry.is_kept or (isinstance(error, AssayError) and not isinstance(error, Unavailable)):
            _throw_away(call, key, entry)
        raise
    finally:
        entry.close()
    return said


def _continued(call: Call, key: str, entry: Entry, length: int) -> dict[int, Part]:
    """The parts of an earlier attempt that the server still has; the entry is as new when there are none."""
    if not entry.upload:
        return {}
    if (entry.key, entry.length) == (key, length):
        try:
            tags = _listed(call, key, entry.upload)
            return {number: part for number, part in entry.parts.items() if tags.get(number) == part.tag}
        except Unavailable:
            raise
        except RemoteError:  # the upload is gone, or nobody may see it
            pass
    _abort(call, key, entry)
    return {}


def _listed(call: Call, key: str, upload: str) -> dict[int, str]:
    """The tags of the parts that the server has."""
    found: dict[int, str] = {}
    marker: dict[str, Any] = {}
    while True:
        page = patiently(partial(call, "listing", "list_parts", key, UploadId=upload, **marker))
        found.update((int(part["PartNumber"]), str(part["ETag"])) for part in page.get("Parts", ()))
        if not page.get("IsTruncated"):
            return found
        marker = {"PartNumberMarker": page["NextPartNumberMarker"]}


def _send_all(call: Call, key: str, source: Source, entry: Entry, arrived: Mapping[int, Part]) -> None:
    """Sends the parts that have not arrived; all are read, since the source tells at its end whether it is sound."""

    def send_one(part: Body) -> Part | None:
        number, body = part
        state = md5(usedforsecurity=False)
        for piece in body:
            state.update(piece)
        known = arrived.get(number)
        if known is not None and known.md5 == state.hexdigest():
            return None
        sum_ = b64encode(state.digest()).decode()
        about = {"UploadId": entry.upload, "PartNumber": number}
        sent = patiently(lambda: call("writing", "upload_part", key, **about, Body=body, ContentMD5=sum_))
        return Part(str(sent["ETag"]), state.hexdigest())

    for (number, _), part in each(send_one, _parts(source, entry.length), IN_FLIGHT):
        if isinstance(part, AssayError):
            raise part
        if part is not None:
            entry.note(number, part)


def _complete(call: Call, key: str, source: Source, entry: Entry) -> Mapping[str, Any]:
    last = -(-source.size // entry.length)
    parts = [{"PartNumber": number, "ETag": entry.parts[number].tag} for number in range(1, last + 1)]
    try:
        about = {"UploadId": entry.upload, "MultipartUpload": {"Parts": parts}}
        said: Mapping[str, Any] = patiently(lambda: call("writing", "complete_multipart_upload", key, **about))
    except KeyMissing:
        # The answer to an earlier request was lost: the upload is gone because the value is there.
        if int(call("reading", "head_object", key)["ContentLength"]) != source.size:
            raise
        return {}
    return said


def _throw_away(call: Call, key: str, entry: Entry) -> None:
    _abort(call, key, entry)
    entry.forget()


def _abort(call: Call, key: str, entry: Entry) -> None:
    if entry.upload:
        with suppress(AssayError):
            call("writing", "abort_multipart_upload", key, UploadId=entry.upload)
    entry.upload = ""


def _give_up_stale(call: Call, journal: Journal) -> None:
    for entry in journal.stale():
        if entry.is_kept and entry.key:
            _throw_away(call, entry.key, entry)
        entry.close()


def _parts(source: Source, length: int) -> Iterator[Body]:
    return enumerate(iter(lambda: _exactly(source, length), []), 1)


def _exactly(source: Source, length: int) -> list[bytes]:
    """The next ``length`` bytes in pieces, fewer only at the end."""
    pieces = []
    while length and (piece := source.read(min(length, _CHUNK))):
        pieces.append(piece)
        length -= len(piece)
    return pieces
