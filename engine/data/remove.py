"""Lets go of added data: its ``.dvc`` file and its line in .gitignore go, and with ``outs`` the data itself.

Content stays in the cache, and `undo` brings everything back. Data that stays becomes files of the user's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from assay.engine import disk
from assay.engine.data.items import placed
from assay.engine.errors import Refused, UnknownTarget, UsageError
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.gitignore import without_lines
from assay.engine.pipeline.outputs import detach
from assay.engine.pipeline.source import nearest
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project
from assay.engine.workspace import undo
from assay.engine.workspace.autostage import autostage
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import Goal, carry_out, plan


class Removed(NamedTuple):
    """What `remove` did.

    Attributes:
        data_files: The ``.dvc`` files that went.
        outs: The data that went with them.
        written: Project paths of all small files that changed or went.
        undo: The number of the undo record.
    """

    data_files: tuple[str, ...]
    outs: tuple[str, ...]
    written: tuple[str, ...]
    undo: int


def remove(project: Project, targets: Sequence[str], *, folder: str = "", outs: bool = False) -> Removed:
    """Stops tracking data.

    Args:
        project: The project.
        targets: ``.dvc`` files, or the data of one.
        folder: The project path that they are relative to.
        outs: Remove the data from the workspace too.

    Raises:
        UsageError: A target is no added data.
        Refused: A .gitignore file is a symlink.
    """
    with hold(project) as held:
        pipeline = load(project)
        files = list(dict.fromkeys(_file(pipeline, placed(target, folder)).path for target in targets))
        tracked = [out.path for path in files for out in pipeline.data[path].outs]
        held.using(write=tracked)
        ignores = without_lines(project.root, tracked)
        change = plan(project, Goal({}, dict.fromkeys(tracked) if outs else {}))
        written = (*files, *ignores)
        record = undo.remember(
            project,
            f"data remove {' '.join(files)}",
            paths=[project.prefix + path for path in written],
            outs=change.before,
        )
        # The names go first: cut short after them, what is left is data that nobody tracks.
        disk.rewrite(project.root, {**dict.fromkeys(files), **ignores})
        carry_out(project, change)
        if not outs:
            with disk.Folder(project.root) as root:  # the cache will not keep for ever what nobody tracks
                for path in tracked:
                    if root.stat(path) is not None:
                        detach(root, path)
        autostage(project, written)
        return Removed(tuple(files), tuple(change.before), written, record.number)


def _file(pipeline: Pipeline, path: str) -> DataFile:
    if path in pipeline.data:
        return pipeline.data[path]
    for file in pipeline.data.values():
        for out in file.outs:
            if out.path == path:
                if len(file.all_outs) > 1:
                    raise Refused(f"{file.path} tracks more than {path}.", "Edit it by hand, or remove it whole.")
                return file
            if path.startswith(f"{out.path}/"):
                raise Refused(
                    f"{path} lies in {out.path}, which is tracked as a whole.",
                    f"Delete the file, then `assay add {out.path}`.",
                )
    for stage in pipeline.stages.values():
        if path in (stage.address, stage.name, *(out.path for out in stage.outs)):
            raise UsageError(f"{path} belongs to stage {stage.address}.", f"`assay stage remove {stage.address}`.")
    near = nearest(path, [*pipeline.data, *(out.path for file in pipeline.data.values() for out in file.outs)])
    raise UnknownTarget(f"{path} is no added data.", near or "`assay data ls` shows what is tracked.")
