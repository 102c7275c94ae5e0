"""Puts files into Git's index, for who has set ``core.autostage``: the one way in which data verbs write it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from assay.engine import disk
from assay.engine.git.index import entry_of
from assay.engine.git.indexdraft import editing
from assay.engine.project import Project
from assay.engine.workspace.files import stored


def autostage(project: Project, paths: Iterable[str]) -> bool:
    """Notes in the index what these files are now, where ``core.autostage`` asks for it.

    Args:
        project: The project.
        paths: Project paths of files that a command wrote or removed.

    Returns:
        Whether the index was written.

    Raises:
        Locked: Another program holds ``index.lock``.
    """
    paths = tuple(paths)
    if not paths or not project.has_git or not project.config.flag("core", "autostage"):
        return False
    stage(project, paths)
    return True


def stage(project: Project, paths: Iterable[str]) -> None:
    """Notes in the index what these files are now, whatever the configuration. Raises Locked."""
    names = [project.prefix + path for path in paths]
    repo = project.repo
    # Looked at before they are read: what changes after this shows in the stat data.
    seen = {name: os.lstat(f"{repo.worktree}/{name}") for name in names if os.path.lexists(f"{repo.worktree}/{name}")}
    with repo.objects.batch() as batch:
        items = stored(project, batch, names)
    disk.sync_tree(repo.common_dir)
    with editing(repo.common_dir, repo.index_path, project.world.command) as index:
        for name, item in items.items():
            if item is None or name not in seen:
                index.remove(name)
            else:
                index.put(name, entry_of(seen[name], *item))
