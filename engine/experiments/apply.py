"""Makes the workspace what an experiment was: every file of its tree, and its outputs from the cache.

A file that the experiment's tree has is written; one that its baseline had and it has not is taken away; any other file
of the workspace stays, unless the whole tree is asked for. What was there before goes into an undo record first, so
nothing is lost. Temporary files and the cache are never written, even if a tree has some.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass

from assay.engine.errors import MissingObject
from assay.engine.git.revisions import resolve
from assay.engine.git.status import snapshot_changes
from assay.engine.git.trees import Item, diff_trees, walk_tree
from assay.engine.git.workfiles import WorkFiles
from assay.engine.model import Oid
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.workspace import undo
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.files import transient, within
from assay.engine.workspace.restore import Goal, Restored, carry_out, plan


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied, and what changed in the workspace."""

    commit: Oid
    restored: Restored


def apply(project: Project, revision: str, *, whole: bool = False) -> Applied:
    """Makes the workspace what a revision was.

    Args:
        project: The project.
        revision: An experiment's name or any other revision.
        whole: Whether unchanged files of HEAD's that the revision does not know go away too.

    Raises:
        UnknownRevision: There is none of that name.
        MissingArtifact: An output is not in the cache; nothing was changed.
    """
    with hold_with_head(project) as held:
        held.using(write=[""])
        commit = resolve(project.repo, revision)
        outs = dict(tracked_at(project, commit).outs)
        leaving = _taken_away(project, commit) + (_unknown_to(project, commit) if whole else [])
        change = plan(project, Goal(_files(project, commit, outs, leaving), outs))
        if change.is_empty:
            return Applied(commit, Restored(0, 0, {}))
        undo.remember(project, f"apply {revision}", paths=change.wanted.files, outs=change.before)
        return Applied(commit, carry_out(project, change))


def _files(project: Project, commit: Oid, outs: Collection[str], leaving: Collection[str]) -> dict[str, Item | None]:
    """The work tree paths that differ from the commit's tree, each as it should be, without what the cache gives."""
    database = project.repo.objects
    tree = database.read_commit(commit).tree
    foreign = [project.prefix + folder for folder in project.layout.foreign]
    is_apart = within({*(project.prefix + path for path in outs), *transient(project), *foreign})
    target = {path: (mode, oid) for path, mode, oid in walk_tree(database, tree) if not is_apart(path)}
    gone = {path for path in leaving if not is_apart(path)}
    about = {*target, *gone}
    folders = {path[:cut] for path in about for cut in range(len(path)) if path[cut] == "/"}
    differing = snapshot_changes(
        project.repo,
        tree,
        None,
        include_untracked=True,
        skip=lambda path: path not in about and path not in folders,
    )
    # What Git ignores and the index has not is not looked at there.
    paths = [path for path in {**differing, **dict.fromkeys(sorted(gone))} if path in about]
    files, found = WorkFiles(project.repo), {}
    for path in paths:
        if _state(files, path) != target.get(path):
            found[path] = target.get(path)
    return found


def _state(files: WorkFiles, path: str) -> Item | None:
    try:
        return files.state(path, os.lstat(f"{files.root}/{path}"))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unknown_to(project: Project, commit: Oid) -> list[str]:
    """The paths that HEAD has, that the commit has not, and that are as HEAD has them."""
    database, head = project.repo.objects, project.repo.head()
    if head is None:
        return []
    files, trees = WorkFiles(project.repo), (database.read_commit(oid).tree for oid in (head, commit))
    return [path for path, old, new in diff_trees(database, *trees) if new is None and _state(files, path) == old]


def _taken_away(project: Project, commit: Oid) -> list[str]:
    """The paths that the commit's parent has and it has not; none where history is cut off."""
    database = project.repo.objects
    info = database.read_commit(commit)
    if commit in project.repo.shallow or not info.parents:
        return []
    try:
        parent = database.read_commit(info.parents[0]).tree
        return [path for path, _, new in diff_trees(database, parent, info.tree) if new is None]
    except MissingObject:
        return []
