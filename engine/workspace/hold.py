"""Who may change the workspace (law 4): one command at a time, of this tool or of DVC; readers do not ask."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.locks import FileLock
from assay.engine.project import Project

_UNDER_WAY = {"MERGE_HEAD": "A merge", "CHERRY_PICK_HEAD": "A cherry-pick", "REVERT_HEAD": "A revert"}


class Held:
    """The right to change a workspace, for as long as `hold` gives it."""

    def __init__(self, project: Project, until_the_end: ExitStack) -> None:
        self._project = project
        self._until_the_end = until_the_end

    def using(self, *, read: Collection[str] = (), write: Collection[str] = ()) -> None:
        """Says until the end which project paths are read and written ("" is all of them).

        Raises:
            Locked: A stage that somebody runs here uses one.
        """
        self._until_the_end.enter_context(self._project.shared_locks.using(read=read, write=write))


@contextmanager
def hold(project: Project) -> Iterator[Held]:
    """Keeps other commands from changing this workspace meanwhile; readers do not ask.

    Args:
        project: The project whose workspace is meant.

    Raises:
        Locked: Another command holds it; the sentence says which. Where the world is patient, that is waited for.
    """
    path = lock_path(project)
    disk.make_folders(os.path.dirname(path))
    wait = math.inf if project.world.patient else 0.0
    own = FileLock(path, what="The workspace", command=project.world.command, wait=wait)
    with own, project.shared_locks.hold(), ExitStack() as until_the_end:
        yield Held(project, until_the_end)


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
