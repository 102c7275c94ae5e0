"""Which data differ between two sides: what stages write and read, and what ``.dvc`` files name.

Of a commit it is what lock files and ``.dvc`` files recorded; of the workspace it is what lies there now, hashed
through the stat cache. What Git keeps and no stage writes is code, not data; metrics are shown as metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from assay.engine.errors import AssayError
from assay.engine.experiments.locked import Described, described
from assay.engine.experiments.sides import Side
from assay.engine.model import Artifact
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.tracked import Tracked, tracked, tracked_at
from assay.engine.project import Project

Status = Literal["added", "deleted", "modified"]


class DataChange(NamedTuple):
    """One path whose content is not the same on both sides.

    Attributes:
        path: Its project path.
        old: What the first side has there (``hash``, ``digest``, ``size``, ``nfiles``); None for nothing.
        new: What the second side has, likewise.
    """

    path: str
    old: Described | None
    new: Described | None

    @property
    def status(self) -> Status:
        """What happened to it on the way from the first side to the second."""
        if self.old is None:
            return "added"
        return "deleted" if self.new is None else "modified"


class Data(NamedTuple):
    """The data of one side: what pipelines say of them, and what each path holds."""

    said: Tracked
    held: Mapping[str, Artifact]
    errors: Mapping[str, str]

    def written(self) -> set[str]:
        """What stages write or ``.dvc`` files name, recorded or not; project paths."""
        said = self.said
        return {*said.outs, *said.in_git, *said.recorded, *said.metrics, *said.plots}


def data_of(project: Project, side: Side, wanted: Iterable[str] = ()) -> Data:
    """The data of a side.

    Args:
        project: The project.
        side: Which.
        wanted: Paths that the other side has; in the workspace they are looked at too.

    Raises:
        MissingObject: An object that the commit needs is not there.
        CorruptObject: One is damaged.
    """
    if side.commit is not None:
        said = tracked_at(project, side.commit)
        return Data(said, {**said.deps, **said.recorded, **said.outs}, said.errors)
    said = tracked(project.read, side.files.special(), project.root)
    observer, held, errors = Observer(project), {}, dict(said.errors)
    for path in dict.fromkeys([*said.deps, *said.recorded, *said.outs, *said.in_git, *wanted]):
        try:
            known = said.recorded.get(path) or said.outs.get(path) or said.deps.get(path)
            artifact = observer.artifact(path, known=known)
        except AssayError as error:
            errors[path] = error.message
            continue
        if artifact is not None:
            held[path] = artifact
    return Data(said, held, errors)


def changed_data(old: Data, new: Data, is_code: Callable[[str], bool]) -> list[DataChange]:
    """What differs, by path.

    Args:
        old: The first side.
        new: The second side.
        is_code: Says of a path that no stage writes whether Git keeps it.
    """
    written = old.written() | new.written()
    metrics = {*old.said.metrics, *new.said.metrics}
    unknown = {*old.errors, *new.errors}
    found = []
    for path in sorted({*old.held, *new.held} - metrics - unknown):
        before, after = old.held.get(path), new.held.get(path)
        if (before and before.digest) == (after and after.digest):
            continue
        if path in written or not is_code(path):
            found.append(DataChange(path, before and described(before), after and described(after)))
    return found
