"""What of the workspace goes into a Git tree.

Every path here is relative to the repository's work tree unless it says "project path"; `Project.prefix` joins the two.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from assay.engine import disk
from assay.engine.git import objects
from assay.engine.git.batch import ObjectBatch
from assay.engine.git.trees import Item, lookup
from assay.engine.git.workfiles import WorkFiles
from assay.engine.model import Oid
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project

Changes = Mapping[str, Item | None]
"""Edits of a tree: path to (mode, blob), or to None where the path goes away."""


def within(paths: Collection[str]) -> Callable[[str], bool]:
    """Tells which paths are one of these, or lie below one."""

    def is_within(path: str) -> bool:
        if path in paths:
            return True
        cut = path.rfind("/")
        while cut > 0:
            if path[:cut] in paths:
                return True
            cut = path.rfind("/", 0, cut)
        return False

    return is_within


def outputs_of(project: Project, pipeline: Pipeline, *, cached: bool | None = None) -> set[str]:
    """The paths that stages write, and data in the cache; only what the cache keeps, or only what it does not."""
    outs = (out for stage in pipeline.stages.values() for out in stage.outs)
    found = {project.prefix + out.path for out in outs if cached is None or out.cache == cached}
    if cached is not False:
        found.update(project.prefix + out.path for file in pipeline.data.values() for out in file.outs if out.cache)
    return found


def transient(project: Project) -> set[str]:
    """The folders whose files belong to no experiment: temporary ones and the cache."""
    return {project.prefix + folder for folder in project.layout.transient}


def moved_to_cache(project: Project, pipeline: Pipeline, tree: Oid) -> list[str]:
    """The paths that a tree has and that are outputs or data which the cache keeps now: they should leave Git.

    Only those that a lock entry or ``.dvc`` file names: the content of any other would then be nowhere.
    """
    locks = Locks(project)
    named = [path for file in pipeline.data.values() for path in file.cached]
    for stage in pipeline.stages.values():
        entry = locks.entry(stage)
        named += [out.path for out in stage.outs if out.cache and entry is not None and out.spelled in entry.outs]
    return [project.prefix + path for path in named if lookup(project.repo.objects, tree, project.prefix + path)]


def files_below(project: Project, path: str) -> Iterator[str]:
    """The files and symlinks at or below a path of the work tree; none when nothing is there."""
    full = f"{project.repo.worktree}/{path}"
    if os.path.isdir(full) and not os.path.islink(full):
        for found in disk.walk(full):
            yield f"{path}/{found.path}"
    elif os.path.lexists(full):
        yield path


def stored(project: Project, batch: ObjectBatch, paths: Iterable[str]) -> dict[str, Item | None]:
    """The files at these paths as Git would store them now, written to the batch; None where there is no file.

    A path that leads through a symlink is none: what lies there is not part of this work tree.
    """
    files, folders = WorkFiles(project.repo), {"": True}
    return {path: _store(files, batch, path) if _is_real(files.root, path, folders) else None for path in paths}


def coming(files: WorkFiles, batch: ObjectBatch, contents: Mapping[str, bytes]) -> dict[str, Item | None]:
    """Files with contents that are not in the work tree yet, as Git would store them, written to the batch."""
    found: dict[str, Item | None] = {}
    for path, data in contents.items():
        try:
            known = files.mode_of(os.stat(f"{files.root}/{path}"), (files.index.item(path) or (None,))[0])
        except OSError:
            known = None
        found[path] = (known or objects.MODE_FILE, batch.add(objects.BLOB, files.as_blob(path, data)))
    return found


def _store(files: WorkFiles, batch: ObjectBatch, path: str) -> Item | None:
    try:
        status = os.lstat(f"{files.root}/{path}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    look = files.look(path, status)
    if look is None:
        return None
    mode, oid, data = look
    if data is None and oid not in files.repo.objects:
        data = files.content(path, mode)
        if data is None:
            return None
    return mode, oid if data is None else batch.add(objects.BLOB, data)


def _is_real(root: str, path: str, folders: dict[str, bool]) -> bool:
    """Whether all folders above a path are folders, and not symlinks to some; ``folders`` is what is known."""
    folder = path.rpartition("/")[0]
    known = folders.get(folder)
    if known is None:
        known = _is_real(root, folder, folders) and not os.path.islink(f"{root}/{folder}")
        folders[folder] = known
    return known


def untouched(project: Project, batch: ObjectBatch, paths: Iterable[str]) -> dict[str, Item]:
    """The files at these paths, those that are there, byte for byte as they are: what an undo record keeps."""
    found = ((path, _raw(f"{project.repo.worktree}/{path}", batch)) for path in paths)
    return {path: item for path, item in found if item is not None}


def _raw(full: str, batch: ObjectBatch) -> Item | None:
    try:
        status = os.lstat(full)
        if stat.S_ISLNK(status.st_mode):
            return 0o120000, batch.add(objects.BLOB, os.fsencode(os.readlink(full)))
        if not stat.S_ISREG(status.st_mode):
            return None
        with open(full, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return 0o100755 if status.st_mode & 0o100 else 0o100644, batch.add(objects.BLOB, data)
