"""Parameters of the workspace and of commits: what they are, and how they differ between two of them."""

from __future__ import annotations

from collections.abc import Sequence

from assay.engine.experiments.metrics import Compared, Shown, compared, shown
from assay.engine.experiments.sides import Extent, extent, sides
from assay.engine.project import Project


def show_params(
    project: Project, wanted: Extent | None = None, targets: Sequence[str] = (), *, stages_only: bool = False
) -> list[Shown]:
    """The parameters of some revisions.

    Args:
        project: The project.
        wanted: Which; the workspace when it is None.
        targets: Project paths of files that are then read whole; all that count as parameters when there are none.
        stages_only: Only what stages read.

    Raises:
        UnknownRevision: A revision names no commit.
        BadInput: A target is nowhere.
    """
    found = extent(project, wanted or Extent())
    return shown(found, targets, lambda side: side.params(targets, stages_only=stages_only))


def diff_params(
    project: Project,
    old: str,
    new: str,
    targets: Sequence[str] = (),
    *,
    unchanged: bool = False,
    stages_only: bool = False,
) -> Compared:
    """The parameters that differ between two revisions.

    Args:
        project: The project.
        old: A revision, or "workspace".
        new: Likewise.
        targets: As in `show_params`.
        unchanged: Also those that are the same.
        stages_only: Only what stages read.

    Raises:
        UnknownRevision: A revision names no commit.
        BadInput: A target is on neither side.
    """
    found = sides(project, [old, new])
    one, other = shown(found, targets, lambda side: side.params(targets, stages_only=stages_only))
    return compared(old, new, one.documents, other.documents, unchanged=unchanged)
