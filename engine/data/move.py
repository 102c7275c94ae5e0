"""Moves added data to another path, with its ``.dvc`` file and its line in .gitignore."""

from __future__ import annotations

import os
import posixpath
from typing import NamedTuple

from assay.engine import disk
from assay.engine.data.items import placed
from assay.engine.data.places import Places
from assay.engine.errors import Refused, UnknownTarget, UsageError
from assay.engine.pipeline import datafile
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.discover import DATA_ENDING
from assay.engine.pipeline.gitignore import with_lines, without_lines
from assay.engine.pipeline.source import nearest
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import stored_now


class Moved(NamedTuple):
    """What `move` did.

    Attributes:
        source: Where the data was.
        target: Where it is now.
        written: Project paths of all small files that changed, came or went.
        undo: The number of the undo record.
        readers: Addresses of stages that name the old path among what they read; their file is the user's to change.
    """

    source: str
    target: str
    written: tuple[str, ...]
    undo: int
    readers: tuple[str, ...] = ()


def move(project: Project, source: str, target: str, *, folder: str = "") -> Moved:
    """Gives added data another path; data that is not here moves in its ``.dvc`` file alone.

    Args:
        project: The project.
        source: The data, or its ``.dvc`` file.
        target: The new path; a folder that is not tracked means into it.
        folder: The project path that both are relative to.

    Raises:
        UsageError: The source is no added data, or the target cannot be.
        Refused: Something is at the target.
    """
    with hold(project) as held:
        pipeline = load(project)
        file = _source(pipeline, placed(source, folder))
        old, new = file.outs[0].path, placed(target, folder)
        tracked = {out.path for other in pipeline.data.values() for out in other.outs}
        if os.path.isdir(project.path(new)) and new not in tracked:
            new = posixpath.normpath(posixpath.join(new, posixpath.basename(old)))
        place = _target(project, pipeline, old, new)
        held.using(write=[old, new])
        spelled = posixpath.relpath(new, posixpath.dirname(place) or ".")
        text = datafile.moved(file, place, spelled).encode("utf-8")
        hidden = project.kept_from_git([new])
        ignores = {**without_lines(project.root, [old]), **with_lines(project.root, hidden)}
        written = (file.path, place, *ignores)
        now = stored_now(project, old)
        record = undo.remember(
            project,
            f"data move {old} {new}",
            paths=[project.prefix + path for path in written],
            outs={} if now is None else {old: now, new: None},
        )
        with disk.Folder(project.root) as root:  # walks down without following a symlink
            if "/" in new:
                root.make(posixpath.dirname(new))
        disk.rewrite(project.root, with_lines(project.root, hidden))
        if now is not None:
            _rename(project, old, new)
        disk.rewrite(project.root, {place: text, file.path: None, **without_lines(project.root, [old])})
        autostage(project, written)
        return Moved(old, new, written, record.number, _readers(pipeline, old))


def _readers(pipeline: Pipeline, path: str) -> tuple[str, ...]:
    stages = pipeline.stages.values()
    return tuple(stage.address for stage in stages if any(f"{dep.path}/".startswith(f"{path}/") for dep in stage.deps))


def _source(pipeline: Pipeline, path: str) -> DataFile:
    for file in pipeline.data.values():
        if path in (file.path, *(out.path for out in file.outs)):
            if file.outside:
                raise Refused(f"{file.path} tracks {file.outside[0].spelled}, which lies outside the project.")
            if len(file.outs) != 1:
                raise Refused(f"{file.path} tracks {len(file.outs)} paths, so one cannot be moved.", "Edit it by hand.")
            return file
        for out in file.outs:
            if path.startswith(f"{out.path}/"):
                raise Refused(
                    f"{path} lies in {out.path}, which is tracked as a whole.", "Move it, then add the folder."
                )
    for stage in pipeline.stages.values():
        if path in (stage.address, *(out.path for out in stage.outs)):
            raise UsageError(f"{path} belongs to stage {stage.address}.", f"Change it in {stage.file}.")
    known = [*pipeline.data, *(out.path for file in pipeline.data.values() for out in file.outs)]
    raise UnknownTarget(f"{path} is no added data.", nearest(path, known) or "`assay data ls` shows what is tracked.")


def _target(project: Project, pipeline: Pipeline, old: str, new: str) -> str:
    """The project path of the new ``.dvc`` file, when everything there is free."""
    if new == old or new.startswith(f"{old}/"):
        raise UsageError(f"{old} cannot be moved to {new}.", "Name another place.")
    place = Places(project, pipeline).find(new)
    if place.out is not None:
        raise Refused(
            f"{new} lies in {place.out.path}, which is tracked." if place.is_part else f"{new} is tracked already."
        )
    if os.path.lexists(project.path(new)):
        raise Refused(f"{new} exists already.", "Move it away first.")
    return new + DATA_ENDING


def _rename(project: Project, old: str, new: str) -> None:
    try:
        disk.rename(project.path(old), project.path(new))
    except OSError as error:
        raise disk.no_space(error, new) from error
