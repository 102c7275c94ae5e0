"""Makes paths of the workspace what somebody wants them to be, and remembers what was there.

The one way in which `apply` and `undo` change a workspace: find out what would change, make sure that all of it can be
given back and that everything wanted is here, write the undo record, then act. HEAD and the index stay (law 2).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from assay.engine import disk
from assay.engine.errors import MissingArtifact, Refused
from assay.engine.git.worktree import write_files
from assay.engine.model import Artifact, Oid
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.project import Project
from assay.engine.store import checkout
from assay.engine.store.snapshot import snapshot


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a workspace should be.

    Attributes:
        files: Work tree paths that have to change: (mode, blob), or None for no file.
        outs: Project paths of cached outputs as they should be, or None for nothing there.
    """

    files: Mapping[str, tuple[int, Oid] | None]
    outs: Mapping[str, Artifact | None]


class Remember(Protocol):
    """Writes an undo record, see `assay.engine.experiments.undo.remember`."""

    def __call__(self, project: Project, what: str, *, paths: list[str], outs: Mapping[str, Artifact | None]) -> object:
        """Writes the record."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What changed: numbers of files and outputs, and how many files each kind of link placed."""

    files: int
    outs: int
    links: Mapping[str, int]


def restore(project: Project, wanted: Wanted, *, what: str, remember: Remember) -> Restored:
    """Changes the workspace to what is wanted.

    Raises:
        MissingArtifact: An output's content is not in the cache; nothing was changed.
        Refused: A folder stands where a file should be.
    """
    changing = _outs_to_change(project, wanted.outs)
    _check_places(project, wanted.files)
    before = {path: _stored_now(project, path) for path in changing}
    if not wanted.files and not changing:
        return Restored(0, 0, {})
    remember(project, what, paths=list(wanted.files), outs=before)
    write_files(project.repo, wanted.files)
    links: dict[str, int] = {}
    kinds = link_kinds(project)
    for path, artifact in changing.items():
        plan = checkout.plan(project.root, path, artifact, project.cache, project.stat_cache)
        for kind, count in checkout.carry_out(plan, kinds).items():
            links[kind] = links.get(kind, 0) + count
    return Restored(len(wanted.files), len(changing), links)


def _outs_to_change(project: Project, outs: Mapping[str, Artifact | None]) -> dict[str, Artifact | None]:
    changing, absent = {}, []
    for path, artifact in outs.items():
        try:
            plan = checkout.plan(project.root, path, artifact, project.cache, project.stat_cache)
        except MissingArtifact:
            absent.append(path)
            continue
        if plan.missing:
            absent.append(path)
        elif not plan.is_done:
            changing[path] = artifact
    if absent:
        raise MissingArtifact(
            f"The cache does not have {', '.join(absent[:10])}, so nothing was changed.",
            "Get them with `assay pull NAME`, then try again.",
        )
    return changing


def _check_places(project: Project, files: Mapping[str, tuple[int, Oid] | None]) -> None:
    for path, value in files.items():
        full = f"{project.repo.worktree}/{path}"
        if value is not None and os.path.isdir(full) and not os.path.islink(full):
            raise Refused(
                f"{path} is a folder here, but the experiment has a file of that name.", "Move it away first."
            )


def _stored_now(project: Project, path: str) -> Artifact | None:
    """An output as it is now, its content put into the cache so that it can be given back; None when absent."""
    if not os.path.lexists(project.path(path)):
        return None
    with project.cache.writer() as writer:
        artifact = snapshot(
            project.root,
            path,
            algo=project.layout.hash_name,
            stat_cache=project.stat_cache,
            writer=writer,
            links_into=(project.cache_folder,),
        )
    disk.sync_tree(project.cache_folder)
    return artifact
