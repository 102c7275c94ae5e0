"""Imports that were noted and never brought (``--no-download``): pulling brings what their files say the source had.

Of a path, or a page with a checksum, the ``.dvc`` file says what was there, and something else is not taken. Of another
repository it says at which commit; where not even that is known (``--no-exec``), it is what is followed. The file stays
as it is, as with DVC: what was brought is recorded by `update`.

Limits: of databases nothing is brought.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.errors import AssayError, RemoteError
from assay.engine.model import Artifact
from assay.engine.pipeline.datafile import CONTENT
from assay.engine.project import Project
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.foreign import origin_of
from assay.remotes.imports.importing import content_at
from assay.remotes.imports.places import place_at
from assay.remotes.selection import Source
from assay.remotes.sources import Sources


class Brought(NamedTuple):
    """What was brought into the cache: artifacts by project path, how much, and why the others did not come."""

    artifacts: Mapping[str, Artifact]
    moved: Moved
    failed: Mapping[str, str]


def bring(project: Project, wanted: Mapping[str, Source]) -> Brought:
    """Brings imports of which nothing is here yet.

    Args:
        project: The project.
        wanted: Where each comes from, by project path.
    """
    artifacts: dict[str, Artifact] = {}
    failed: dict[str, str] = {}
    with Sources(project) as sources:
        for path, source in wanted.items():
            try:
                artifacts[path] = _bring(project, sources, source)
            except AssayError as error:
                failed[path] = error.message
        return Brought(artifacts, sources.moved, failed)


def _bring(project: Project, sources: Sources, source: Source) -> Artifact:
    dep = source.dep
    if "db" in dep:
        raise RemoteError("It came from a database, from which assay brings nothing.")
    if source.is_repository:
        origin = origin_of(dep)
        there = sources.foreign(origin.url, source.folder)
        return sources.take(there, there.commit(origin.locked or origin.revision), origin)
    settings = {**dep.get("fs_config", {}), **source.settings}
    place = place_at(dep["path"], os.path.join(project.root, source.folder), project.config, settings)
    said = {key: value for key, value in dep.items() if key in CONTENT}
    if said.keys() <= {"hash"}:
        raise RemoteError(f"Nothing says what {place.spelled} had.", _UPDATE)
    _, now = content_at(project, place, "said")
    if now != said:
        raise _other(place.spelled)
    artifact, then = content_at(project, place, "all")
    if artifact is None or then != said:
        raise _other(place.spelled)
    sources.moved.artifacts += artifact.nfiles or 1
    sources.moved.size += artifact.size or 0
    return artifact


def _other(spelled: str) -> RemoteError:
    return RemoteError(f"{spelled} is not what was recorded any more.", _UPDATE)


_UPDATE = "`assay-dvc update` records what it is now."
