"""Records added data as it is now: what was edited since goes into the cache, and its ``.dvc`` file says so.

The order is that of law 1: the content is in the cache and synced before a ``.dvc`` file names it. Data that is not
there stays recorded as it was. Where nothing changed this costs a stat per file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.engine import disk
from assay.engine.errors import MissingArtifact
from assay.engine.pipeline import datafile
from assay.engine.pipeline.datafile import DataFile, DataOut
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.observe import Observer

if TYPE_CHECKING:
    from assay.engine.project import Project


def commit_data(project: Project, files: Iterable[DataFile], observer: Observer) -> tuple[str, ...]:
    """Records what lies at the paths of these ``.dvc`` files now.

    Args:
        project: Where.
        files: The files, as they were just read.
        observer: Looks at the workspace.

    Returns:
        The project paths of the files that were written: ``.dvc`` files, and the .gitignore files beside new data.

    Raises:
        BadInput: A symlink in the data cannot be recorded.
        StoreError: A file cannot be read, or does not hold still.
    """
    files = list(files)
    outs = [
        out for file in files for out in file.outs if observer.exists(out.path) and not _is_as_recorded(project, out)
    ]
    if not outs:
        return ()
    with project.cache.writer() as writer:
        found = {out.path: observer.artifact(out.path, writer if out.cache else None) for out in outs}
    changed = {out.path: artifact for out in outs if (artifact := found[out.path]) and artifact != out.artifact}
    if not changed:
        return ()
    disk.sync_tree(project.cache_folder)
    ignored = ignore(project.root, [out.path for out in outs if out.cache and out.path in changed])
    texts = {file.path: datafile.updated(file, changed) for file in files}
    written = [file.path for file in files if texts[file.path] != file.source.text]
    write(project, {path: texts[path] for path in written})
    return (*written, *ignored)


def write(project: Project, texts: Mapping[str, str]) -> None:
    """Writes ``.dvc`` files by project path. Raises AssayError when the disk refuses."""
    for path, text in texts.items():
        try:
            with disk.Folder(project.root) as folder:  # walks down without following a symlink
                if "/" in path:
                    folder.make(posixpath.dirname(path))
            disk.write_keeping_mode(project.path(path), text.encode("utf-8"))
        except OSError as error:
            raise disk.no_space(error, path) from error


def _is_as_recorded(project: Project, out: DataOut) -> bool:
    """Whether data recorded under another hash than new data gets is what it was: then its name stays."""
    artifact = out.artifact
    if artifact is None or artifact.digest.algo == project.layout.hash_name:
        return False
    from assay.engine.store import checkout

    with suppress(MissingArtifact):
        todo = checkout.plan(project.root, out.path, artifact, project.cache, project.stat_cache)
        return todo.is_done and not todo.missing
    return False
