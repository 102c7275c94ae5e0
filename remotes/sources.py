"""Where imported data came from: brought from there when no remote has it, and held against what was recorded.

A source is a path in another Git repository at the commit that the import names (`foreign`), a URL, or a path outside
the project. What is brought becomes an artifact here only if it is what the import recorded (law 3); a source that
has changed since is told, and nothing of it is taken.

Limits: of databases nothing is brought. What was never downloaded has no digest to hold it against (`imports.absent`).
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from assay.engine.errors import AssayError, CorruptArtifact, MissingArtifact, RemoteError
from assay.engine.model import Artifact, Digest, Entry, HashName, Oid
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.paths import is_url
from assay.engine.ports import RemoteStore, Sink
from assay.engine.project import Project
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import files_in, write_manifest
from assay.engine.workspace.files import within
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.artifacts.loose import LooseHoldings
from assay.remotes.foreign import Foreign, Found, Origin, origin_of
from assay.remotes.git.addresses import shown
from assay.remotes.registry import Remote, is_proxied, limited, open_store, s3_store
from assay.remotes.selection import Source
from assay.remotes.urls import place_of
from assay.remotes.verify import Passing


class Sources:
    """The sources of a project's imports, each opened once.

    Args:
        project: The project.
        jobs: How many transfers at once; None for what the configuration says.

    Attributes:
        moved: How many objects and bytes were brought so far.
    """

    def __init__(self, project: Project, jobs: int | None = None) -> None:
        self.moved = Moved()
        self._jobs = jobs
        self._project = project
        self._open: dict[str, Foreign] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def is_here(self, artifact: Artifact) -> bool:
        """Whether the cache has an artifact with all below it."""
        everything, closed = Contents(self._project.cache).walk([artifact.digest])
        return not closed and not self._project.cache.missing(everything)

    def bring(self, artifact: Artifact, source: Source) -> None:
        """Brings an artifact into the cache.

        Raises:
            AssayError: Its source cannot be reached, or has something else by now; nothing of that was taken.
        """
        if "db" in source.dep:
            raise RemoteError("It came from a database, from which assay brings nothing.")
        if source.is_repository:
            origin = origin_of(source.dep)
            self._from_repository(artifact, origin, self.foreign(origin.url, source.folder))
        else:
            self._from_place(artifact, source)

    def foreign(self, url: str, folder: str) -> Foreign:
        """Another repository, a path to which is relative to the project, or to the folder of the import."""
        if url not in self._open:
            root = self._project.root
            beside = f"{root}/{folder}" if folder and not os.path.exists(os.path.join(root, url)) else root
            self._open[url] = self._stack.enter_context(Foreign(self._project, url, beside))
        return self._open[url]

    def _from_repository(self, artifact: Artifact, origin: Origin, there: Foreign) -> None:
        commit = there.commit(origin.locked or origin.revision)
        found = there.at(commit, origin.path)
        entries, data = self._found(there, commit, origin, found, artifact.digest.algo)
        if _whole(entries, _Listings(artifact.digest.algo)).digest != artifact.digest:
            raise RemoteError(f"What {there.url} has at {origin.path} is not what was recorded.", "Import it again.")
        self._keep(entries, data, artifact.digest.algo)

    def take(self, there: Foreign, commit: Oid, origin: Origin) -> Artifact:
        """Brings what another repository has at a commit into the cache, whatever that is.

        Raises:
            AssayError: It has nothing there, or its data cannot be reached; nothing is named then.
        """
        algo, found = self._project.layout.hash_name, there.at(commit, origin.path)
        if found.doubt:
            raise RemoteError(f"{there.url} may have more at {origin.path!r} than can be brought: {found.doubt}")
        return self._keep(*self._found(there, commit, origin, found, algo), algo)

    def _found(self, there: Foreign, commit: Oid, origin: Origin, found: Found, algo: HashName) -> _Content:
        if found.artifacts:
            self._bring_data(there, commit, origin, found)
        return _entries(there, found, self._project.cache, algo)

    def _keep(self, entries: Mapping[str, Entry], data: Sequence[Callable[[], bytes]], algo: HashName) -> Artifact:
        with self._project.cache.writer(algo) as writer:
            for read in data:
                writer.add_bytes(read())
            artifact = _whole(entries, writer)
        self.moved.artifacts += len(data) + artifact.digest.is_dir
        return artifact

    def _bring_data(self, there: Foreign, commit: Oid, origin: Origin, found: Found) -> None:
        """Brings what the other project tracks; what one place lacks another one may have."""
        cache, contents = self._project.cache, Contents(self._project.cache)
        roots = {artifact.digest for artifact in found.artifacts.values()}
        why = ""
        for remote in there.remotes(commit, origin):
            everything, closed = contents.walk(roots)
            if not closed and not cache.missing(everything):
                return
            remote = limited(remote, self._jobs)
            store = open_store(remote)
            try:
                held = LooseHoldings(cache, store, remote.jobs, self._project.report)
                if found.part:
                    held.bring(roots, contents, only_manifests=True)
                    roots = _parts(cache, roots, found.part)
                moved = held.bring(roots, contents)
            finally:
                store.close()
            self.moved.artifacts += moved.artifacts
            self.moved.size += moved.size
            if not moved.failed:
                return
            why = why or next(iter(moved.failed.values()))
        raise RemoteError(f"The data of {there.url} did not come: {why or 'it names no remote.'}")

    def _from_place(self, artifact: Artifact, source: Source) -> None:
        """Brings an artifact from a URL, or from a path on this machine."""
        digest, cache, versions = artifact.digest, self._project.cache, _versions(source.dep)
        with self._opened(source) as (store, name, get):
            if not digest.is_dir:
                try:
                    with cache.receive(digest) as sink:
                        self.moved.size += get(name, versions.get("", ""), sink)
                except CorruptArtifact as error:
                    raise RemoteError(f"{store.url}/{name} is not what was recorded any more.", _AGAIN) from error
                self.moved.artifacts += 1
                return
            entries: dict[str, Entry] = {}
            with ExitStack() as stack:
                paths = []
                keys = [f"{name}/{below}" for below in versions] or [info.key for info in store.list(f"{name}/")]
                for key in keys:
                    if not key.endswith("/"):
                        below = key[len(name) + 1 :]
                        held = stack.enter_context(_held(cache, digest.algo))
                        get(key, versions.get(below, ""), held)
                        held.file.close()
                        entries[below] = Entry(below, held.digest, held.file.size)
                        paths.append(held.file.path)
                if _whole(entries, _Listings(digest.algo)).digest != digest:
                    raise RemoteError(f"{store.url}/{name} is not what was recorded any more.", _AGAIN)
                with cache.writer(digest.algo) as writer:
                    for path in paths:
                        writer.add_file(path)
                    _whole(entries, writer)
            self.moved.artifacts += len(entries) + 1
            self.moved.size += sum(entry.size for entry in entries.values())

    @contextmanager
    def _opened(self, source: Source) -> Iterator[tuple[RemoteStore, str, _Get]]:
        """The place above a source, its name there, and how a file is had at a version ("" for the latest)."""
        path = source.dep["path"]
        said = {**source.dep.get("fs_config", {}), **source.settings}
        settings = {str(key): str(value) for key, value in said.items()}
        if is_url(path):
            place = place_of(path, self._project.config.named("remote"))
        else:
            place = Remote("", os.path.normpath(os.path.join(self._project.root, source.folder, path)), {})
        above, _, name = place.url.rstrip("/").rpartition("/")
        direct = not is_proxied(self._project.world.environment)
        there = Remote(place.name, above, {**place.settings, **settings}, direct)
        store = open_store(there)

        def get(key: str, version: str, sink: Sink) -> int:
            if not version:
                return store.get_to(key, sink)
            kept = s3_store(there)
            try:
                return kept.get_version_to(key, version, sink)
            finally:
                kept.close()

        try:
            yield store, name, get
        finally:
            store.close()


_Get = Callable[[str, str, Sink], int]


def _versions(dep: Mapping[str, Any]) -> dict[str, str]:
    """The versions that an import recorded of the files at its source, by their path below it."""
    if dep.get("version_id"):
        return {"": dep["version_id"]}
    return {row["relpath"]: row["version_id"] for row in dep.get("files") or () if row.get("version_id")}


_AGAIN = "`assay-dvc update` records what it is now."


class _Listings:
    """Names manifests, and keeps none."""

    def __init__(self, algo: HashName) -> None:
        self.algo = algo

    def add_bytes(self, data: bytes, *, is_dir: bool = False) -> Digest:
        """Takes an object, and returns its digest."""
        return digest_bytes(self.algo, data, is_dir=is_dir)


@contextmanager
def _held(cache: Cache, algo: HashName) -> Iterator[Passing]:
    with cache.new_file() as file:
        yield Passing(file, algo)


def _whole(entries: Mapping[str, Entry], writer: Any) -> Artifact:
    """The artifact that these files are: the one without a name, or a folder of all of them."""
    if "" in entries:
        return Artifact(entries[""].digest, entries[""].size)
    return write_manifest(writer, entries)


_Content = tuple[dict[str, Entry], list[Callable[[], bytes]]]
"""Files by their path, and how those are read that the cache may not have."""


def _entries(there: Foreign, found: Found, cache: Cache, algo: HashName) -> _Content:
    """The files at a path of another repository, and how those are read that the cache may not have."""
    entries: dict[str, Entry] = {}
    data: list[Callable[[], bytes]] = []

    def take(name: str, read: Callable[[], bytes]) -> None:
        content = read()
        entries[name] = Entry(name, digest_bytes(algo, content), len(content))
        data.append(read)

    for name, oid in found.blobs.items():
        take(name, lambda oid=oid: there.read(oid))  # type: ignore[misc]
    for path, artifact in found.artifacts.items():
        for name, entry in _files(cache, path, artifact, found.part):
            if entry.digest.algo == algo:
                entries[name] = entry
            else:  # DVC 2 recorded it, under a hash of its own
                take(name, lambda digest=entry.digest: cache.read(digest))  # type: ignore[misc]
    return entries, data


def _files(cache: Cache, path: str, artifact: Artifact, part: str) -> Iterator[tuple[str, Entry]]:
    """The files of an artifact by their path below what was imported."""
    if not artifact.digest.is_dir:
        yield path, Entry(posixpath.basename(path), artifact.digest, cache.size(artifact.digest) or 0)
        return
    covers = within((part,)) if part else None
    for name, entry in files_in(cache, artifact.digest):
        if covers is None:
            yield posixpath.join(path, name), entry
        elif covers(name):
            yield name[len(part) :].lstrip("/"), entry


def _parts(cache: Cache, roots: set[Digest], part: str) -> set[Digest]:
    """The files that are meant of a directory. Raises AssayError where its manifest is not here."""
    covers = within((part,))
    try:
        return {entry.digest for root in roots for name, entry in files_in(cache, root) if covers(name)}
    except MissingArtifact as error:
        raise RemoteError(error.message) from error


def brought(project: Project, wanted: Mapping[str, tuple[Artifact, Source]]) -> tuple[Moved, dict[str, str]]:
    """Brings artifacts from their sources, those that are not here.

    Args:
        project: The project.
        wanted: What is wanted, by name.

    Returns:
        What was brought, and why the others did not come, by name.
    """
    failed: dict[str, str] = {}
    with Sources(project) as sources:
        for name, (artifact, source) in wanted.items():
            try:
                if not sources.is_here(artifact):
                    sources.bring(artifact, source)
            except AssayError as error:
                failed[name] = error.message
        return sources.moved, failed


def news(project: Project, files: Iterable[DataFile]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Which imports have something newer where they came from: a branch that moved since, for example.

    Args:
        project: The project.
        files: ``.dvc`` files; those that did not come from another repository have no news.

    Returns:
        By the file's path, the sources that have; and why nothing is known of others.
    """
    found: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    now: dict[tuple[str, str], Oid] = {}
    with Sources(project) as sources:
        for file in files:
            for dep in file.deps:
                origin = origin_of(dep) if "repo" in dep else None
                if origin is None or not origin.locked:
                    continue
                key = origin.url, origin.revision
                try:
                    if key not in now:
                        now[key] = sources.foreign(origin.url, file.wdir).commit(origin.revision)
                    if now[key].hex() != origin.locked:
                        found.setdefault(file.path, []).append(f"{origin.path} ({shown(origin.url)})")
                except AssayError as error:
                    failed[file.path] = error.message
    return found, failed
