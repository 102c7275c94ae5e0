"""Data on remotes whose files have the names of the workspace: fetched by the versions that were recorded of them.

DVC pushes to such a remote (``version_aware``, ``worktree``) under the workspace's names into a bucket that keeps
versions, and writes into ``.dvc`` and lock files which version each file is. What has another content than was
recorded is not taken (law 3).

Limits: only from S3; a file without a recorded version is not looked for, as with DVC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from assay.engine.errors import AssayError, CorruptArtifact, CorruptRemote, KeyMissing, StoreError
from assay.engine.events import Done, Progress
from assay.engine.model import Digest
from assay.engine.project import Project
from assay.engine.store.cache import Cache
from assay.engine.store.manifest import files_in
from assay.engine.workspace.files import within
from assay.remotes.artifacts.freight import Wanted
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.parallel import each
from assay.remotes.registry import Remote, versioned_store
from assay.remotes.stores.retry import patiently

_ATTEMPTS = 4


class Versions(NamedTuple):
    """What was recorded of the versions of one output.

    Attributes:
        path: Its project path, which is its name on the remote.
        known: The version of each file, by its path below the output, "" being the output itself.
        remotes: The remote that each of these is on, likewise.
    """

    path: str
    known: Mapping[str, str]
    remotes: Mapping[str, str] = {}

    def on(self, remote: str) -> dict[str, str]:
        """Those versions that are on one remote."""
        return {below: version for below, version in self.known.items() if self.remotes.get(below) == remote}


def versions_of(path: str, item: Mapping[str, Any]) -> Versions:
    """The versions in the map of an output, as ``.dvc`` and lock files have it."""
    rows = [("", item), *((file["relpath"], file) for file in item.get("files") or ())]
    said = {name: next(iter(row["cloud"].items())) for name, row in rows if row.get("cloud")}
    known = {name: str(cloud["version_id"]) for name, (_, cloud) in said.items() if cloud.get("version_id")}
    return Versions(path, known, {name: remote for name, (remote, _) in said.items()})


def bring(
    project: Project, remote: Remote, wanted: Mapping[str, tuple[Wanted, Versions]]
) -> tuple[Moved, dict[str, str]]:
    """Brings what the cache lacks of some outputs from a remote that keeps versions.

    Args:
        project: The project.
        remote: The remote.
        wanted: What is wanted, by name.

    Returns:
        What was brought, and why the others did not come, by name.

    Raises:
        ConfigError: It is a remote of a kind from which versions cannot be had.
        RemoteError: It refuses altogether.
    """
    cache = project.cache
    places: dict[Digest, tuple[str, str]] = {}
    needed: dict[str, set[Digest]] = {}
    moved, failed = Moved(), dict[str, str]()
    for name, (one, versions) in wanted.items():
        cache.keep_lent([one.artifact.digest])
        try:
            files = dict(files_of(cache, one))
        except StoreError:
            failed[name] = f"Nothing says which files of it {remote.name!r} has; push it there again."
            continue
        needed[name] = set(files.values())
        for below, digest in files.items():
            key = f"{versions.path}/{below}" if below else versions.path
            if below in versions.known:
                places.setdefault(digest, (key, versions.known[below]))
            elif digest not in places:
                moved.failed[digest] = f"no version of {key} on {remote.name!r} is recorded."
    missing = cache.missing(digest for digests in needed.values() for digest in digests)
    _fetch(project, remote, {digest: places[digest] for digest in missing if digest in places}, moved)
    for name, digests in needed.items():
        why = next((moved.failed[digest] for digest in sorted(digests & missing) if digest in moved.failed), "")
        if why:
            failed[name] = why
    return moved, failed


def files_of(cache: Cache, one: Wanted) -> Iterator[tuple[str, Digest]]:
    """The files that are wanted of an artifact, by their path in it. Raises StoreError where nobody knows them."""
    digest = one.artifact.digest
    if not digest.is_dir:
        yield "", digest
        return
    covers = within(one.parts) if one.parts else None
    for path, entry in files_in(cache, digest):
        if covers is None or covers(path):
            yield path, entry.digest


def _fetch(project: Project, remote: Remote, places: Mapping[Digest, tuple[str, str]], moved: Moved) -> None:
    store, task = versioned_store(remote), f"fetching data from {remote.url}"

    def fetch(digest: Digest) -> int:
        key, version = places[digest]
        try:
            with project.cache.receive(digest) as sink:

                def attempt() -> int:
                    sink.restart()
                    return store.get_version_to(key, version, sink)

                return patiently(attempt, _ATTEMPTS)
        except CorruptArtifact as error:
            raise CorruptRemote(f"{remote.url}/{key} is not what was recorded at that version.") from error

    try:
        for digest, done in each(fetch, sorted(places), remote.jobs):
            if isinstance(done, CorruptRemote | KeyMissing):
                moved.failed[digest] = done.message
            elif isinstance(done, AssayError):
                raise done
            else:
                moved.artifacts += 1
                moved.size += done
            project.report(Progress(task, moved.artifacts, len(places), "files"))
    finally:
        store.close()
    if places:
        project.report(Done(task))
