"""Records added data as it is now: what was edited since goes into the cache, and its ``.dvc`` file says so.

The order is that of law 1: the content is in the cache and synced before a ``.dvc`` file names it. Data that is not
there stays recorded as it was. Where nothing changed this costs a stat per file.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from assay.engine import disk
from assay.engine.pipeline import datafile
from assay.engine.pipeline.datafile import DataFile, DataOut
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.present import can_run

if TYPE_CHECKING:
    from assay.engine.model import Artifact
    from assay.engine.project import Project


class Recorded(NamedTuple):
    """What ``.dvc`` files should say of data that is in the cache now.

    Attributes:
        texts: The new text of those files that change, by project path.
        hidden: Project paths of the data that they name, where the cache keeps it: Git is not to see it.
    """

    texts: Mapping[str, str]
    hidden: tuple[str, ...]


def commit_data(project: Project, files: Iterable[DataFile], observer: Observer) -> tuple[str, ...]:
    """Records what lies at the paths of these ``.dvc`` files now. Arguments and errors are those of `record_data`.

    Returns:
        The project paths of the files that were written: ``.dvc`` files, and the .gitignore files beside new data.
    """
    recorded = record_data(project, files, observer)
    ignored = ignore(project.root, project.kept_from_git(recorded.hidden))
    write(project, recorded.texts)
    return (*recorded.texts, *ignored)


def record_data(project: Project, files: Iterable[DataFile], observer: Observer) -> Recorded:
    """Puts what lies at the paths of these ``.dvc`` files now into the cache; the workspace stays as it is.

    Args:
        project: Where.
        files: The files, as they were just read.
        observer: Looks at the workspace.

    Raises:
        BadInput: A symlink in the data cannot be recorded.
        StoreError: A file cannot be read, or does not hold still.
    """
    files = list(files)
    outs = [out for file in files for out in file.recordable if observer.exists(out.path)]
    if not outs:
        return Recorded({}, ())
    with project.cache.writer() as writer:
        found = {
            out.path: observer.artifact(out.path, writer if out.cache else None, known=out.artifact) for out in outs
        }
    changed = {out.path: artifact for out in outs if (artifact := found[out.path]) and _is_news(artifact, out)}
    if not changed:
        return Recorded({}, ())
    disk.sync_tree(project.cache_folder)
    texts = {file.path: datafile.updated(file, changed, project.cache, can_run(project)) for file in files}
    hidden = tuple(out.path for out in outs if out.cache and out.path in changed)
    return Recorded({file.path: texts[file.path] for file in files if texts[file.path] != file.source.text}, hidden)


def _is_news(artifact: Artifact, out: DataOut) -> bool:
    """Whether data is not what its file says; sizes, which old files do not have, are no news by themselves."""
    known = out.artifact
    return known is None or (artifact.digest, artifact.is_exec) != (known.digest, known.is_exec)


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
