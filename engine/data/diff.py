"""What differs between the data of two revisions, or of one and the workspace: file by file, moves recognised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from assay.engine.data.content import Difference, Known, Listing, compared, present, recorded, with_renames
from assay.engine.data.items import items_of, placed
from assay.engine.errors import UnknownTarget
from assay.engine.git.revisions import resolve
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.spec import load
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.workspace.files import within

_NOT_KNOWN = Digest("md5", "")
"""Stands for content of which nothing was recorded: it is like no other."""


class DataDiff(NamedTuple):
    """How the data of two sides differ.

    Attributes:
        paths: What differs, folders with a slash at the end.
        old: Every path of the first side, with what it is.
        new: Every path of the second side.
        not_in_cache: Paths of the first side whose content the cache lacks; only where the second is the workspace.
    """

    paths: Difference
    old: Listing
    new: Listing
    not_in_cache: tuple[str, ...] = ()


class _Side(NamedTuple):
    outs: dict[str, Artifact]
    listing: dict[str, Known]
    unknown: set[str]


def diff(
    project: Project, a: str = "HEAD", b: str | None = None, *, targets: Sequence[str] = (), folder: str = ""
) -> DataDiff:
    """Compares the data of two revisions, or of one and what lies in the workspace.

    Args:
        project: The project.
        a: A revision or experiment.
        b: Another; None for the workspace.
        targets: Limit to these paths, and what is below them.
        folder: The project path that they are relative to.

    Raises:
        UnknownRevision: There is none of that name.
        UsageError: Neither side has anything at a target.
    """
    old = _at(project, a)
    new = _here(project) if b is None else _at(project, b)
    lost = tuple(f"{path}/" for path in old.unknown | new.unknown)
    before, after = (
        {p: k for p, k in side.listing.items() if p in lost or not p.startswith(lost)} for side in (old, new)
    )
    if targets:
        is_meant = within(_meant(targets, folder, {*before, *after}))
        before, after = (
            {path: known for path, known in side.items() if is_meant(path.rstrip("/"))} for side in (before, after)
        )
    found = with_renames(compared(before, after, modes=False), before, after)
    lacking: tuple[str, ...] = ()
    if b is None:
        absent = project.cache.missing({known.digest for known in before.values()} - {_NOT_KNOWN})
        lacking = tuple(sorted(path for path, known in before.items() if known.digest in absent))
    return DataDiff(found, before, after, lacking)


def _at(project: Project, revision: str) -> _Side:
    found = tracked_at(project, resolve(project.repo, revision))
    outs = {**found.outs, **found.awaited}
    listing, unknown = recorded(project, outs)
    for path, files in found.partly.items():
        listing.update({f"{path}/{name}": Known(digest or _NOT_KNOWN, None) for name, digest in files.items()})
    listing.update(dict.fromkeys(found.unnamed, Known(_NOT_KNOWN, None)))
    return _Side(outs, listing, unknown - found.partly.keys())


def _here(project: Project) -> _Side:
    items = items_of(project, load(project)).values()
    outs = {item.path: item.artifact for item in items if item.cache}
    return _Side({}, present(project, Observer(project), outs), set())


def _meant(targets: Sequence[str], folder: str, known: set[str]) -> set[str]:
    found = {placed(target, folder) for target in targets}
    names = {path.rstrip("/") for path in known}
    for path in found:
        if path not in names and not any(name.startswith(f"{path}/") for name in names):
            raise UnknownTarget(f"{path} is data on neither side.")
    return found
