"""What changed since the last commit, which stages would run and why, and who holds the workspace."""

from __future__ import annotations

from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.engine.git.status import WorkState, work_state
from assay.engine.locks import Owner, is_dead, read_owner
from assay.engine.model import Oid
from assay.engine.pipeline.changes import StageStatus
from assay.engine.pipeline.repro import statuses
from assay.engine.pipeline.spec import load
from assay.engine.project import Project
from assay.engine.store.trash import collection_lock
from assay.engine.workspace.hold import lock_path


class Status(NamedTuple):
    """The state of a workspace.

    Attributes:
        branch: The current branch's short name; None when HEAD is detached, and without Git.
        head: The commit that HEAD names; None when there is none yet.
        files: What differs between HEAD, index and work tree.
        stages: The stages that would run, each with its reasons, and frozen ones whose outputs are not as recorded.
        owner: Who holds the workspace's lock; None when nobody does, or was killed with it.
        collector: Who collects what nobody needs out of the cache; None when nobody does.
        problem: Why nothing can be said about the stages; None when it can.
    """

    branch: str | None
    head: Oid | None
    files: WorkState
    stages: tuple[StageStatus, ...]
    owner: Owner | None
    problem: AssayError | None = None
    collector: Owner | None = None


def status(project: Project) -> Status:
    """Looks at everything and changes nothing."""
    _ = project.prefix
    head = project.repo.head()
    files = work_state(project.repo) if project.has_git else WorkState({}, {}, {}, ())
    stages: tuple[StageStatus, ...] = ()
    problem = None
    try:
        stages = tuple(item for item in statuses(project, load(project)) if item.reasons)
    except AssayError as error:
        problem = error  # what changed in the files, and who holds the workspace, is of use all the same
    ref = project.repo.head_ref()
    branch = ref.removeprefix("refs/heads/") if ref and project.has_git else None
    return Status(
        branch,
        head,
        files,
        stages,
        _holder(lock_path(project)),
        problem,
        _holder(collection_lock(project.cache_folder)),
    )


def _holder(path: str) -> Owner | None:
    """Who holds a lock; not whoever was killed and left it, since the next command takes it."""
    owner = read_owner(path)
    return None if owner is None or is_dead(owner) else owner
