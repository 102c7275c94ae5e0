"""Metrics of the workspace and of commits: what they are, and how they differ between two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from assay.engine.experiments.compare import Changes, compare
from assay.engine.experiments.sides import Documents, Extent, Side, check_targets, extent, sides
from assay.engine.model import Oid
from assay.engine.project import Project


class Shown(NamedTuple):
    """Parameters or metrics of one side; ``commit`` is None for the workspace."""

    name: str
    commit: Oid | None
    documents: Documents


class Compared(NamedTuple):
    """What differs between two sides, what they are called, and what of each cannot be read."""

    old: str
    new: str
    changes: Changes
    old_documents: Documents
    new_documents: Documents


def shown(found: Sequence[Side], targets: Sequence[str], read: Callable[[Side], Documents]) -> list[Shown]:
    """What sides have. Raises BadInput for a target that none of them has."""
    documents = [read(side) for side in found]
    check_targets(targets, found, documents)
    return [Shown(side.name, side.commit, part) for side, part in zip(found, documents, strict=True)]


def compared(old: str, new: str, one: Documents, other: Documents, *, unchanged: bool) -> Compared:
    """What differs between the documents of two sides."""
    return Compared(old, new, compare(one.found, other.found, unchanged=unchanged), one, other)


def show_metrics(project: Project, wanted: Extent | None = None, targets: Sequence[str] = ()) -> list[Shown]:
    """The metrics of some revisions.

    Args:
        project: The project.
        wanted: Which; the workspace when it is None.
        targets: Project paths of files or folders; all that pipelines name when there are none.

    Raises:
        UnknownRevision: A revision names no commit.
        BadInput: A target is nowhere.
    """
    return shown(extent(project, wanted or Extent()), targets, lambda side: side.metrics(targets))


def diff_metrics(
    project: Project, old: str, new: str, targets: Sequence[str] = (), *, unchanged: bool = False
) -> Compared:
    """The metrics that differ between two revisions.

    Args:
        project: The project.
        old: A revision, or "workspace".
        new: Likewise.
        targets: As in `show_metrics`.
        unchanged: Also those that are the same.

    Raises:
        UnknownRevision: A revision names no commit.
        BadInput: A target is on neither side.
    """
    one, other = shown(sides(project, [old, new]), targets, lambda side: side.metrics(targets))
    return compared(old, new, one.documents, other.documents, unchanged=unchanged)
