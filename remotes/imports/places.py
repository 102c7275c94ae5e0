"""Files and folders elsewhere: at a URL, or at a path of this machine that no project needs to know.

What a place says of its content (an ETag, a digest) goes into ``.dvc`` files in DVC's words. Content is streamed into
files of our own, and the place is asked again when all of it is there: what changed meanwhile is not taken.

Limits: pages over HTTP are single files; versions are kept by S3 alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from assay.engine import disk
from assay.engine.config import Config
from assay.engine.errors import AssayError, BadInput, RemoteError, UsageError
from assay.engine.events import Done, Progress, Reporter
from assay.engine.model import Artifact, Entry, HashName
from assay.engine.pipeline.paths import is_url
from assay.engine.ports import RemoteStore, Sink, UrlState
from assay.engine.store.cache import Cache
from assay.engine.store.manifest import write_manifest
from assay.remotes.parallel import each
from assay.remotes.registry import Remote, checked_url, find_in, open_store, s3_store
from assay.remotes.stores.retry import patiently
from assay.remotes.urls import place_of, state_of
from assay.remotes.verify import Passing

_HTTP = ("http", "https")
_ATTEMPTS = 3
_VERSION = "versionId="
Told = Mapping[str, Any]
"""What a ``.dvc`` file says of the content of a place."""


class Place(NamedTuple):
    """A place elsewhere.

    Attributes:
        spelled: As the user says it.
        remote: Its URL, or absolute path, with the settings that reach it.
    """

    spelled: str
    remote: Remote

    @property
    def is_here(self) -> bool:
        """Whether it is a path of this machine."""
        return not is_url(self.remote.url)

    @property
    def keeps_versions(self) -> bool:
        """Whether it is to be known by the versions that a cloud keeps."""
        return str(self.remote.settings.get("version_aware", "")).lower() == "true"


def place_at(
    spelled: str, folder: str, config: Config, settings: Mapping[str, Any] | None = None, *, proxied: bool = False
) -> Place:
    """The place that somebody means.

    Args:
        spelled: A URL, ``remote://name/path``, or a path.
        folder: Absolute path of the folder that a path is relative to.
        config: With the remotes that URLs name.
        settings: Further settings (``fs_config``).
        proxied: Whether a proxy may stand before it.

    Raises:
        ConfigError: There is no such remote, or no such kind of URL.
        UsageError: It names no file or folder.
    """
    if not is_url(spelled):
        return Place(spelled, Remote("", os.path.normpath(os.path.join(folder, spelled)), {}))
    found = place_of(spelled, config.named("remote"))
    if not is_url(found.url):
        parts = urlsplit(spelled)
        return Place(spelled, Remote("", os.path.normpath(f"{find_in(config, parts.netloc).url}/{parts.path}"), {}))
    checked_url(found.url)
    if _VERSION in found.url.partition("?")[2] and found.scheme == "s3":
        raise UsageError(f"{spelled} names a version.", "Leave ?versionId=... out; --version-aware takes the latest.")
    own = {str(key): str(value) for key, value in (settings or {}).items()}
    place = Place(spelled, found._replace(settings={**found.settings, **own}, direct=not proxied))
    if place.keeps_versions and place.remote.scheme != "s3":
        raise UsageError(f"{spelled} is nothing of which versions are kept.", "Only s3:// is; leave that out.")
    return place


def split(url: str) -> tuple[str, str]:
    """What lies above a URL or an absolute path, and its name there. Raises UsageError where it has no name."""
    path, query, rest = url.partition("?") if urlsplit(url).scheme in _HTTP else (url, "", "")
    above, _, name = path.rstrip("/").rpartition("/")
    if not name or (is_url(url) and not urlsplit(above).netloc):
        raise UsageError(f"{url} names no file.", "Name a file, or a folder in a bucket.")
    return above or "/", name + query + rest


@contextmanager
def opened(place: Place) -> Iterator[tuple[RemoteStore, str]]:
    """The store above a place, and its key there."""
    above, name = split(place.remote.url)
    store = open_store(place.remote._replace(url=above))
    try:
        yield store, name
    finally:
        store.close()


class Rows(NamedTuple):
    """The files at a place, with what is said of them.

    Attributes:
        told: What a ``.dvc`` file says of the whole.
        files: The keys of the files in the store above, by their path below the place; "" is the place itself.
        versions: The version of each, by the same path, where those are kept.
    """

    told: Told
    files: Mapping[str, str]
    versions: Mapping[str, str] = {}


def told(place: Place, store: RemoteStore, name: str) -> Rows:
    """What a URL says it has.

    Raises:
        BadInput: Nothing is there.
        RemoteError: It cannot be reached.
    """
    if place.keeps_versions:
        return _with_versions(place, name)
    state = state_of(place.remote)
    if state is None:
        raise nothing(place)
    if state.nfiles is None:
        return Rows(_said(state), {"": name})
    return Rows(_said(state), dict(_below(store, name)))


def nothing(place: Place) -> BadInput:
    """That nothing is at a place."""
    return BadInput(place.spelled, "does not exist", hint="Check its spelling.")


def _below(store: RemoteStore, name: str) -> Iterator[tuple[str, str]]:
    for key, _, _ in store.list(f"{name}/"):
        if not key.endswith("/"):
            yield key[len(name) + 1 :], key


def _said(state: UrlState) -> dict[str, Any]:
    sums = {state.key: state.value, "size": state.size, "nfiles": state.nfiles}
    return {**{key: value for key, value in sums.items() if value is not None}, "hash": "md5"}


def _with_versions(place: Place, name: str) -> Rows:
    """As `told`, of a bucket that keeps versions."""
    store = s3_store(place.remote._replace(url=split(place.remote.url)[0]))

    def head(key: str) -> dict[str, Any] | None:
        found = patiently(lambda: store.head(key), _ATTEMPTS)
        if found is None:
            return None
        version = str(found.get("VersionId") or "")
        if not version:
            raise RemoteError(f"{place.spelled} keeps no versions.", "Leave --version-aware out.")
        return {
            "etag": str(found.get("ETag", "")).strip('"'),
            "size": int(found["ContentLength"]),
            "version_id": version,
        }

    try:
        whole = head(name)
        if whole is not None:
            return Rows({**whole, "hash": "md5"}, {"": name}, {"": whole["version_id"]})
        files = dict(_below(store, name))
        rows: dict[str, dict[str, Any]] = {}
        for below, row in each(lambda below: head(files[below]), files, place.remote.jobs):
            if isinstance(row, AssayError):
                raise row
            if row is None:
                raise _changed(place)
            rows[below] = {"relpath": below, **row}
    finally:
        store.close()
    if not rows:
        raise nothing(place)
    listed = [rows[below] for below in sorted(rows)]
    return Rows({"hash": "md5", "files": listed}, files, {below: row["version_id"] for below, row in rows.items()})


def taken(place: Place, cache: Cache, algo: HashName, report: Reporter) -> tuple[Artifact, Told]:
    """Brings what a URL has into the cache; returns what it is, and what a ``.dvc`` file says of the place.

    Raises:
        BadInput: Nothing is there.
        RemoteError: It cannot be reached, or changed meanwhile.
    """
    with come(place, cache.new_file, algo, report) as (came, said):
        return _kept(came, cache, algo), said


@contextmanager
def come(
    place: Place, new_file: Callable[[], disk.NewFile], algo: HashName, report: Reporter
) -> Iterator[tuple[Came, Told]]:
    """Brings what a URL has, and makes sure that it is still that in the end. Arguments are those of `gathered`.

    Raises:
        BadInput: Nothing is there.
        RemoteError: It cannot be reached, or changed meanwhile.
    """
    jobs = place.remote.jobs
    with opened(place) as (store, name):
        rows = told(place, store, name)
        if rows.versions:
            with _versions(place) as get_version:
                ways = {below: _at(get_version, key, rows.versions[below]) for below, key in rows.files.items()}
                with gathered(ways, new_file, algo, jobs, report, place.spelled) as came:
                    yield came, rows.told
            return
        with gathered(ways_to(store, rows.files), new_file, algo, jobs, report, place.spelled) as came:
            size = rows.told.get("size")
            if size is not None and size != sum(held.file.size for held in came.values()):
                raise RemoteError(f"{place.spelled} did not come as a whole.", "Run the same command again.")
            if told(place, store, name) != rows:
                raise _changed(place)
            yield came, rows.told


@contextmanager
def _versions(place: Place) -> Iterator[Callable[[str, str, Sink], int]]:
    store = s3_store(place.remote._replace(url=split(place.remote.url)[0]))
    try:
        yield store.get_version_to
    finally:
        store.close()


def _changed(place: Place) -> RemoteError:
    return RemoteError(f"{place.spelled} changed while it was read.", "Run the same command again.")


Way = Callable[[Sink], object]
"""Streams one file."""


def ways_to(store: RemoteStore, files: Mapping[str, str]) -> dict[str, Way]:
    """How the files are had that have these keys."""

    def way(key: str) -> Way:
        return lambda sink: store.get_to(key, sink)

    return {below: way(key) for below, key in files.items()}


def _at(get_version: Callable[[str, str, Sink], int], key: str, version: str) -> Way:
    def way(sink: Sink) -> object:
        return patiently(lambda: _once(get_version, key, version, sink), _ATTEMPTS)

    return way


def _once(get_version: Callable[[str, str, Sink], int], key: str, version: str, sink: Sink) -> int:
    sink.restart()
    return get_version(key, version, sink)


Came = Mapping[str, Passing]
"""Files that came, by their path, "" for a file by itself; they lie where nobody looks for them."""


def _kept(came: Came, cache: Cache, algo: HashName) -> Artifact:
    """Lets files into the cache, as one file or as a folder."""
    entries = {name: Entry(name, held.digest, held.file.size) for name, held in came.items()}
    with cache.writer(algo) as writer:
        for held in came.values():
            writer.add_file(held.file.path)
        if list(entries) == [""]:
            return Artifact(entries[""].digest, entries[""].size)
        return write_manifest(writer, entries)


@contextmanager
def gathered(
    ways: Mapping[str, Way],
    new_file: Callable[[], disk.NewFile],
    algo: HashName,
    jobs: int,
    report: Reporter,
    what: str,
) -> Iterator[Came]:
    """Brings files; they are gone in the end but for what was published.

    Args:
        ways: How each is had, by its path.
        new_file: Makes the file that one comes into.
        algo: The hash that names them.
        jobs: How many at once.
        report: Hears of progress.
        what: What is brought, for that.
    """
    task = f"bringing {what}"
    held: dict[str, Passing] = {}

    def bring(name: str) -> Passing:
        passing = Passing(new_file(), algo)
        try:
            ways[name](passing)
            passing.file.close()
        except BaseException:
            passing.file.drop()
            raise
        return passing

    with ExitStack() as stack:
        for name, passing in each(bring, ways, jobs, lambda passing: passing.file.drop()):
            if isinstance(passing, AssayError):
                raise passing
            stack.enter_context(passing.file)
            held[name] = passing
            report(Progress(task, len(held), len(ways), "files"))
        report(Done(task))
        yield held
