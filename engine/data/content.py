"""Tracked data as a flat listing: every path with what it is, folders with a slash at the end.

The same form for a commit, for what is recorded now, and for what lies in the workspace, so that status and diff are
comparisons of two listings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.errors import MissingArtifact
from assay.engine.model import Artifact, Digest, HashName
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.present import artifact_now, files_now
from assay.engine.project import Project
from assay.engine.store.manifest import files_in


class Known(NamedTuple):
    """What one path is: its digest, its size in bytes where that is known, whether it may be executed."""

    digest: Digest
    size: int | None
    is_exec: bool = False


Listing = Mapping[str, Known]
"""By project path; a folder that is tracked as a whole ends in a slash, and stands beside the files in it."""


def shown(path: str, artifact: Artifact) -> str:
    """A tracked path as listings have it."""
    return f"{path}/" if artifact.digest.is_dir else path


def recorded(project: Project, outs: Mapping[str, Artifact]) -> tuple[dict[str, Known], set[str]]:
    """The listing of recorded data, and the tracked paths whose own listing the cache lacks.

    Args:
        project: The project.
        outs: Artifacts by project path.
    """
    found: dict[str, Known] = {}
    unknown = set()
    for path, artifact in outs.items():
        found[shown(path, artifact)] = Known(artifact.digest, artifact.size, artifact.is_exec)
        if not artifact.digest.is_dir:
            continue
        try:
            for name, entry in files_in(project.cache, artifact.digest):
                found[f"{path}/{name}"] = Known(entry.digest, entry.size, entry.is_exec)
        except MissingArtifact:
            unknown.add(path)
    return found, unknown


def present(
    project: Project, observer: Observer, outs: Mapping[str, Artifact | None], *, files: bool = True
) -> dict[str, Known]:
    """The listing of what lies in the workspace at tracked paths.

    Args:
        project: The project.
        observer: Looks at the workspace.
        outs: What is recorded, by project path: what is there is named by the same hash.
        files: Whether the files in folders are listed too.
    """
    found: dict[str, Known] = {}
    for path, known in outs.items():
        algo = known.digest.algo if known is not None else project.layout.hash_name
        artifact = _artifact(project, observer, path, algo)
        if artifact is None:
            continue
        found[shown(path, artifact)] = Known(artifact.digest, artifact.size, artifact.is_exec)
        if artifact.digest.is_dir and files:
            for name, entry in _files(project, path, artifact.digest).items():
                found[name] = Known(entry.digest, entry.size, entry.is_exec)
    return found


def _artifact(project: Project, observer: Observer, path: str, algo: HashName) -> Artifact | None:
    if algo == project.layout.hash_name or not observer.exists(path):
        return observer.artifact(path)
    return artifact_now(project, path, algo=algo)


def _files(project: Project, path: str, digest: Digest) -> dict[str, Known]:
    entries = files_now(project, path, digest.algo)
    return {name: Known(entry.digest, entry.size, entry.is_exec) for name, entry in entries.items()}


class Difference(NamedTuple):
    """How one listing differs from another; every tuple is sorted.

    ``unknown`` is what is there now in a folder whose former listing the cache lacks.
    """

    added: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    unchanged: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def compared(old: Listing, new: Listing, *, modes: bool = True) -> Difference:
    """How the new listing differs from the old one.

    Args:
        old: Before.
        new: After.
        modes: Whether a file that only became executable, or no longer is, counts as modified.
    """
    common = sorted(old.keys() & new.keys())
    modified = tuple(path for path in common if not _same(old[path], new[path], modes=modes))
    changed = set(modified)
    return Difference(
        tuple(sorted(new.keys() - old.keys())),
        modified,
        tuple(sorted(old.keys() - new.keys())),
        (),
        tuple(path for path in common if path not in changed),
    )


def _same(one: Known, other: Known, *, modes: bool) -> bool:
    return one.digest == other.digest and (one.is_exec == other.is_exec or not modes)


def with_renames(found: Difference, old: Listing, new: Listing) -> Difference:
    """The same, where what went from one path to another is neither added nor deleted but renamed."""
    gone: dict[Digest, list[str]] = {}
    for path in reversed(found.deleted):
        gone.setdefault(old[path].digest, []).append(path)
    renamed = []
    for path in found.added:
        sources = gone.get(new[path].digest)
        if sources:
            renamed.append((sources.pop(), path))
    left, came = ({pair[side] for pair in renamed} for side in (0, 1))
    return found._replace(
        added=tuple(path for path in found.added if path not in came),
        deleted=tuple(path for path in found.deleted if path not in left),
        renamed=tuple(renamed),
    )
