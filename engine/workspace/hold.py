"""Who may change the workspace (law 4): one command at a time, of this tool or of DVC; readers do not ask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.locks import FileLock
from assay.engine.project import Project

_UNDER_WAY = {"MERGE_HEAD": "A merge", "CHERRY_PICK_HEAD": "A cherry-pick", "REVERT_HEAD": "A revert"}


@contextmanager
def hold(project: Project) -> Iterator[None]:
    """Keeps other commands from changing this workspace meanwhile; readers do not ask.

    Args:
        project: The project whose workspace is meant.

    Raises:
        Locked: Another command holds it; the sentence says which.
    """
    path = lock_path(project)
    disk.make_folders(os.path.dirname(path))
    with FileLock(path, what="The workspace", command=project.world.command), project.shared_locks.hold():
        yield


def lock_path(project: Project) -> str:
    """Where the workspace's lock file lies."""
    return f"{project.repo.git_dir}/assay/workspace.lock"


def refuse_half_merged(project: Project) -> None:
    """Stops what would move HEAD while a merge is under way: its second parent would be lost.

    Raises:
        Refused: A merge, cherry-pick or revert is not finished.
    """
    for name, what in _UNDER_WAY.items():
        if os.path.lexists(f"{project.repo.git_dir}/{name}"):
            raise Refused(f"{what} is under way here.", "Finish or abort it with Git first.")
