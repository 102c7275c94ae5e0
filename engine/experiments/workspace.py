"""The workspace: who may change it (law 4), and what of it goes into a Git tree.

Every path here is relative to the repository's work tree unless it says "project path"; `Project.prefix` joins the two.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from assay.engine import disk
from assay.engine.git import objects
from assay.engine.git.batch import ObjectBatch
from assay.engine.locks import FileLock
from assay.engine.model import Oid
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project

Changes = Mapping[str, tuple[int, Oid] | None]
"""Edits of a tree: path to (mode, blob), or to None where the path goes away."""


@contextmanager
def hold(project: Project, wait: float = 0.0) -> Iterator[None]:
    """Keeps other commands from changing this workspace meanwhile; readers do not ask.

    Args:
        project: The project whose workspace is meant.
        wait: Seconds to wait for another command to end.

    Raises:
        Locked: Another command holds it; the sentence says which.
    """
    folder = f"{project.repo.git_dir}/assay"
    disk.make_folders(folder)
    with FileLock(f"{folder}/workspace.lock", command=project.world.command, wait=wait):
        yield


def lock_path(project: Project) -> str:
    """Where the workspace's lock file lies."""
    return f"{project.repo.git_dir}/assay/workspace.lock"


def cached_paths(project: Project, pipeline: Pipeline) -> Callable[[str], bool]:
    """Tells which paths lie in the cache and so never in a tree: cached outputs and what is below them."""
    outs = {project.prefix + out.path for stage in pipeline.stages.values() for out in stage.outs if out.cache}

    def is_cached(path: str) -> bool:
        if path in outs:
            return True
        cut = path.rfind("/")
        while cut > 0:
            if path[:cut] in outs:
                return True
            cut = path.rfind("/", 0, cut)
        return False

    return is_cached


def blob_of(project: Project, batch: ObjectBatch, path: str) -> tuple[int, Oid] | None:
    """One file of the work tree as (mode, blob), written to the batch; None when it is not there."""
    full = f"{project.repo.worktree}/{path}"
    try:
        found = os.lstat(full)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(found.st_mode):
        return 0o120000, batch.add(objects.BLOB, os.fsencode(os.readlink(full)))
    if not stat.S_ISREG(found.st_mode):
        return None
    with open(full, "rb") as file:
        data = file.read()
    mode = 0o100755 if found.st_mode & 0o100 else 0o100644
    return mode, batch.add(objects.BLOB, data)


def files_below(project: Project, path: str) -> Iterator[str]:
    """The files at or below a path of the work tree; none when nothing is there."""
    full = f"{project.repo.worktree}/{path}"
    if os.path.isdir(full) and not os.path.islink(full):
        for found in disk.walk(full):
            yield f"{path}/{found.path}"
    elif os.path.lexists(full):
        yield path


def current(project: Project, batch: ObjectBatch, paths: Iterable[str]) -> dict[str, tuple[int, Oid] | None]:
    """The files at these paths as they are now, written to the batch; None where there is none."""
    return {path: blob_of(project, batch, path) for path in paths}
