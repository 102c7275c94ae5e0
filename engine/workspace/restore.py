"""Makes paths of the workspace what somebody wants them to be.

The one way in which `apply` and `undo` change a workspace, in two steps so that an undo record can be written between
them: `plan` finds out what would change, makes sure that all of it can be given back and that everything wanted is
here, and changes nothing; `carry_out` acts. HEAD and the index stay (law 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import MissingArtifact, MissingObject, WouldLose
from assay.engine.git.objects import MODE_GITLINK
from assay.engine.git.trees import Item
from assay.engine.git.worktree import write_files
from assay.engine.model import Artifact
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.pipeline.present import artifact_now
from assay.engine.pipeline.spec import no_part
from assay.engine.project import Project
from assay.engine.store import checkout
from assay.engine.words import first_of


class Goal(NamedTuple):
    """What a workspace should be.

    Attributes:
        files: Work tree paths that have to change: (mode, blob), or None for no file.
        outs: Project paths of cached outputs as they should be, or None for nothing there.
        raw: Whether the blobs hold the files' own bytes, and not what Git would store for them.
    """

    files: Mapping[str, Item | None]
    outs: Mapping[str, Artifact | None]
    raw: bool = False


class Change(NamedTuple):
    """What has to change.

    Attributes:
        wanted: The files that change, and of the outputs only those that do.
        before: Those outputs as they are now, in the cache; None where there is nothing.
    """

    wanted: Goal
    before: Mapping[str, Artifact | None]

    @property
    def is_empty(self) -> bool:
        """Whether the workspace is already what it should be."""
        return not self.wanted.files and not self.wanted.outs


class Restored(NamedTuple):
    """What changed: numbers of files and outputs, and how many files each kind of link placed."""

    files: int
    outs: int
    links: Mapping[str, int]


def plan(project: Project, wanted: Goal) -> Change:
    """Finds out what has to change, and puts the outputs that would be replaced into the cache.

    Raises:
        MissingArtifact: An output's content is not in the cache.
        MissingObject: A file's content is not in the repository.
        WouldLose: Something stands in the way that cannot be given back.
    """
    objects = project.repo.objects
    gone = [path for path, item in wanted.files.items() if item and item[0] != MODE_GITLINK and item[1] not in objects]
    if gone:
        raise MissingObject(f"The repository does not have the content of {first_of(gone)}, so nothing was changed.")
    link_kinds(project)
    write_files(project.repo, wanted.files, dry=True)
    outs = _outs_to_change(project, wanted.outs)
    before = {path: stored_now(project, path) for path in outs}
    for path, artifact in outs.items():
        lost = planned(project, path, artifact).would_lose
        if lost:
            raise WouldLose(f"{first_of(lost)}: neither a file nor a folder, and would be lost.", "Move it away first.")
    return Change(Goal(wanted.files, outs, wanted.raw), before)


def carry_out(project: Project, change: Change) -> Restored:
    """Changes the workspace as planned."""
    wanted = change.wanted
    write_files(project.repo, wanted.files, raw=wanted.raw, report=project.report)
    links: dict[str, int] = {}
    kinds = link_kinds(project)
    for path, artifact in wanted.outs.items():
        todo = planned(project, path, artifact)
        for kind, count in checkout.carry_out(todo, kinds, report=project.report).items():
            links[kind] = links.get(kind, 0) + count
    return Restored(len(wanted.files), len(wanted.outs), links)


def planned(project: Project, path: str, artifact: Artifact | None) -> checkout.Plan:
    """What it takes to have an output as it should be, None for nothing there."""
    return checkout.plan(
        project.root, path, artifact, project.cache, project.stat_cache, ignored=no_part(project), report=project.report
    )


def _outs_to_change(project: Project, outs: Mapping[str, Artifact | None]) -> dict[str, Artifact | None]:
    changing, absent = {}, []
    for path, artifact in outs.items():
        try:
            todo = planned(project, path, artifact)
        except MissingArtifact:
            absent.append(path)
            continue
        if todo.missing:
            absent.append(path)
        elif not todo.is_done:
            changing[path] = artifact
    if absent:
        raise MissingArtifact(
            f"The cache does not have {first_of(absent)}, so nothing was changed.",
            "Get it with `assay pull NAME`, then try again.",
        )
    return changing


def stored_now(project: Project, path: str) -> Artifact | None:
    """An output as it is now, its content put into the cache so that it can be given back; None when absent."""
    with disk.Folder(project.root) as folder:
        if folder.stat(path) is None:
            return None
    with project.cache.writer() as writer:
        artifact = artifact_now(project, path, writer)
    disk.sync_tree(project.cache_folder)
    return artifact
