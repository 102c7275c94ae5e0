"""Makes the workspace what an experiment was: every file of its tree, and its outputs from the cache.

A file that the experiment's tree has is written; one that its baseline had and it has not is taken away; any other file
of the workspace stays. What was there before goes into an undo record first, so nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.engine.experiments import undo
from assay.engine.experiments.restore import Restored, Wanted, restore
from assay.engine.experiments.workspace import hold
from assay.engine.git.revisions import resolve
from assay.engine.git.status import snapshot_changes
from assay.engine.git.trees import diff_trees, walk_tree
from assay.engine.model import Oid
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied, and what changed in the workspace."""

    commit: Oid
    restored: Restored


def apply(project: Project, revision: str) -> Applied:
    """Makes the workspace what a revision was.

    Args:
        project: The project.
        revision: An experiment's name or any other revision.

    Raises:
        UnknownRevision: There is none of that name.
        MissingArtifact: An output is not in the cache; nothing was changed.
    """
    with hold(project):
        commit = resolve(project.repo, revision)
        wanted = Wanted(_files(project, commit), dict(tracked_at(project, commit).outs))
        return Applied(commit, restore(project, wanted, what=f"apply {revision}", remember=undo.remember))


def _files(project: Project, commit: Oid) -> dict[str, tuple[int, Oid] | None]:
    """The work tree paths that differ from the commit's tree, each as it should be."""
    database = project.repo.objects
    info = database.read_commit(commit)
    target = {path: (mode, oid) for path, mode, oid in walk_tree(database, info.tree)}
    gone: set[str] = set()
    if info.parents and info.parents[0] not in project.repo.shallow:
        baseline = database.read_commit(info.parents[0]).tree
        gone = {path for path, _, new in diff_trees(database, baseline, info.tree) if new is None}
    about = {*target, *gone}
    folders = {path[:cut] for path in about for cut in range(len(path)) if path[cut] == "/"}
    differing = snapshot_changes(
        project.repo,
        info.tree,
        None,
        include_untracked=True,
        skip=lambda path: path not in about and path not in folders,
    )
    return {path: target.get(path) for path in differing if path in about}
