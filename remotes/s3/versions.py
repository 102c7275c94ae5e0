"""A bucket that keeps versions: what a value was at each time that it was written, by the name of that version.

A value that is removed stays at its versions, behind a mark that hides it from those who ask for no version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from assay.engine.errors import AccessDenied, AssayError, ConfigError, KeyMissing, RemoteError, Unavailable
from assay.engine.ports import Source
from assay.remotes.s3.errors import answer
from assay.remotes.s3.store import S3Store
from assay.remotes.stores.keys import is_key
from assay.remotes.stores.retry import patiently

_NO_NAME = ("", "null")
"""What the version of a value is called that was written while the bucket kept none."""
_NO_SUCH_VERSION = (400, 404, 405)
"""Statuses of a version that is not there, has a name that none has, or is a mark that hides the others."""


class Version(NamedTuple):
    """What a value was when it was written: its entity tag, the version's name, its bytes, whether it is the latest."""

    etag: str
    name: str
    size: int = 0
    is_latest: bool = True


class VersionedStore(S3Store):
    """Values in a bucket that keeps versions. Arguments and errors are those of `S3Store`."""

    def require_versions(self) -> None:
        """Checks that the bucket keeps versions, where it may be asked. Raises ConfigError when it keeps none."""
        try:
            said = self._request("reading", "get_bucket_versioning", "")
        except (AccessDenied, KeyMissing):
            return  # then the first value that is written tells
        except Unavailable:
            raise
        except RemoteError:
            return
        if said.get("Status") != "Enabled":
            raise _without(self._bucket)

    def put_version(self, key: str, source: Source) -> Version:
        """Writes what ``source`` gives, and returns what version of the value that is.

        Raises:
            ConfigError: The bucket keeps no versions; by then the value is written.
            RemoteError: It could not be written, or somebody else wrote at the same moment.
        """
        said = self._put_source(key, source)
        found = _version(said, source.size)
        if not found.name:  # not every server says it of what came in parts
            there = patiently(lambda: self.latest(key))
            if there is not None and there.name:
                if there.size != source.size or found.etag not in ("", there.etag):
                    place = f"{self.url}/{key}"
                    raise RemoteError(f"Somebody else wrote {place} at the same moment.", "Push again.")
                found = there
        if not found.name:
            raise _without(self._bucket)
        return found

    def latest(self, key: str) -> Version | None:
        """What the value is now; None when there is none."""
        said = self.head(key)
        return None if said is None else _version(said, int(said["ContentLength"]))

    def version(self, key: str, name: str) -> Version | None:
        """What the value was at a version; None when there is no such version."""
        try:
            said = self._call("reading", "head_object", key, VersionId=name)
        except AssayError as error:
            if isinstance(error, KeyMissing) or answer(error.__cause__ or error)[0] in _NO_SUCH_VERSION:
                return None
            raise
        return _version(said, int(said["ContentLength"]))._replace(name=name)

    def versions(self, prefix: str) -> Iterator[tuple[str, Version]]:
        """All versions of the values whose keys start with ``prefix``, a thousand per request."""
        wanted: dict[str, Any] = {"Prefix": self._prefix + prefix, "MaxKeys": self.page}

        def ask() -> Any:
            return self._request("listing", "list_object_versions", prefix, **wanted)

        while True:
            page = patiently(ask)
            for item in page.get("Versions", ()):
                key = item["Key"][len(self._prefix) :]
                if is_key(key):
                    yield key, _version(item, int(item["Size"]))._replace(is_latest=item["IsLatest"])
            if not page.get("IsTruncated"):
                return
            wanted |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker") or ""}


def _version(said: Mapping[str, Any], size: int) -> Version:
    name = str(said.get("VersionId") or "")
    return Version(str(said.get("ETag", "")).strip('"'), "" if name in _NO_NAME else name, size)


def _without(bucket: str) -> ConfigError:
    return ConfigError(
        f"The bucket {bucket} keeps no versions, which its remote's version_aware or worktree asks for.",
        "Switch versioning on there.",
    )
