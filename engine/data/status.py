"""Tracked data in three states: what the last commit records, what the workspace's files record, what lies there.

"Committed" is the difference between the first two, "uncommitted" between the last two; the words are DVC's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from assay.engine.data.content import Difference, Known, Listing, compared, present, recorded, shown, with_renames
from assay.engine.data.items import Chosen, selected
from assay.engine.git.status import work_state
from assay.engine.model import Artifact, Digest
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.spec import load
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.store.manifest import keeps_modes
from assay.engine.workspace.files import within


class DataStatus(NamedTuple):
    """What became of tracked data.

    Attributes:
        committed: From the last commit to the ``.dvc`` and lock files.
        uncommitted: From those to what lies in the workspace.
        not_in_cache: Recorded paths whose content the cache lacks, all or part; with ``granular`` the files in folders
            by themselves.
        unchanged: Paths that did not change, in the cache or not.
        untracked: Files that neither Git nor assay knows; None when they were not asked for.
    """

    committed: Difference
    uncommitted: Difference
    not_in_cache: tuple[str, ...]
    unchanged: tuple[str, ...]
    untracked: tuple[str, ...] | None = None


def status(
    project: Project, targets: Sequence[str] = (), *, folder: str = "", granular: bool = False, untracked: bool = False
) -> DataStatus:
    """Compares the last commit, the files that record data, and the data itself; nothing is changed.

    Args:
        project: The project.
        targets: Tracked paths or paths in them, ``.dvc`` files, stages; none means everything.
        folder: The project path that they are relative to.
        granular: Tell the files in folders too.
        untracked: Look for files that neither Git nor assay knows.

    Raises:
        UsageError: A target means nothing.
        BadInput: A pipeline or lock file is not one.
    """
    pipeline = load(project)
    chosen = [found for found in selected(project, pipeline, targets, folder=folder) if found.item.cache]
    awaited = {path: artifact for file in pipeline.data.values() for path, artifact in file.awaited.items()}
    recorded_of = {found.item.path: found.item.artifact or awaited.get(found.item.path) for found in chosen}
    now = {path: artifact for path, artifact in recorded_of.items() if artifact is not None}
    observer = Observer(project)
    covers, asked = _covering(chosen), {found.item.path for found in chosen}
    head = {
        path: artifact for path, artifact in _at_head(project).items() if not targets or path in asked or covers(path)
    }

    committed = _changes(project, head, now, granular=granular)
    there = present(project, observer, recorded_of, files=granular)
    partly = {path: files for file in pipeline.data.values() for path, files in file.partly.items()}
    uncommitted = _against(project, now, there, partly, granular=granular)
    lacking = _lacking(project, observer, now, partly, granular=granular)
    if any(found.parts for found in chosen):
        committed, uncommitted = _only(committed, covers), _only(uncommitted, covers)
        lacking = [path for path in lacking if covers(path)]
    touched = {*_paths(committed), *_paths(uncommitted)}
    unchanged = tuple(path for path in uncommitted.unchanged if path not in touched)
    files = _untracked(project, [found.item.path for found in chosen]) if untracked else None
    return DataStatus(committed, uncommitted, tuple(sorted(lacking)), unchanged, files)


Partly = Mapping[str, Mapping[str, Digest | None]]
"""Folders of which some file has no digest: what is known of each file."""


def _lacking(
    project: Project, observer: Observer, now: Mapping[str, Artifact], partly: Partly, *, granular: bool
) -> list[str]:
    """The recorded paths whose content the cache lacks."""
    found = []
    for path, artifact in now.items():
        if observer.has(artifact):
            continue
        listing, lost = recorded(project, {path: artifact}) if granular else ({}, {path})
        inside = {name: known.digest for name, known in listing.items() if not known.digest.is_dir}
        missing = project.cache.missing(inside.values()) if not lost else set()
        found += [shown(path, artifact)] if lost else [name for name, digest in inside.items() if digest in missing]
        files = _named(path, partly) if granular else {}
        absent = project.cache.missing(known.digest for known in files.values())
        found += [name for name, known in files.items() if known.digest in absent]
    return found


def _named(folder: str, partly: Partly) -> dict[str, Known]:
    """Those files of a folder that have a digest, where some have none."""
    files = partly.get(folder, {})
    return {f"{folder}/{name}": Known(digest, None) for name, digest in files.items() if digest is not None}


def _covering(chosen: Sequence[Chosen]) -> Callable[[str], bool]:
    tests = [found.covers for found in chosen]
    return lambda path: any(test(path) for test in tests)


def _at_head(project: Project) -> Mapping[str, Artifact]:
    head = project.repo.head()
    if head is None:
        return {}
    found = tracked_at(project, head)
    return {**found.outs, **found.awaited}


def _changes(
    project: Project, old: Mapping[str, Artifact], new: Mapping[str, Artifact], *, granular: bool
) -> Difference:
    """From one record to another; files are told only where both listings are known."""
    if granular:
        differing = {path for path in {**old, **new} if old.get(path) != new.get(path)}
        before, lost = recorded(project, {path: item for path, item in old.items() if path in differing})
        after, lost_too = recorded(project, {path: item for path, item in new.items() if path in differing})
        unknown = _inside(after, lost)
        before, after = _without(before, lost | lost_too), _without(after, lost | lost_too)
        same = {path: item for path, item in new.items() if path not in differing}
        before, after = {**before, **_tops(same)}, {**after, **_tops(same)}
    else:
        before, after, unknown = _tops(old), _tops(new), ()
    return with_renames(compared(before, after)._replace(unknown=unknown), before, after)


def _tops(outs: Mapping[str, Artifact]) -> dict[str, Known]:
    return {shown(path, item): Known(item.digest, item.size, item.is_exec) for path, item in outs.items()}


def _inside(listing: Listing, folders: set[str]) -> tuple[str, ...]:
    """The files of a listing that lie in these folders."""
    inside = tuple(f"{path}/" for path in folders)
    return tuple(sorted(path for path in listing if path.startswith(inside) and path not in inside))


def _without(listing: Listing, folders: set[str]) -> dict[str, Known]:
    inside = tuple(f"{path}/" for path in folders)
    return {path: known for path, known in listing.items() if path in inside or not path.startswith(inside)}


def _against(
    project: Project, now: Mapping[str, Artifact], there: Listing, partly: Partly, *, granular: bool
) -> Difference:
    """From the record to the workspace."""
    if not granular:
        before: Listing = _tops(now)
        return with_renames(compared(before, there), before, there)
    before, lost = recorded(project, now)
    for path in lost & partly.keys():
        before.update(_named(path, partly))
    lost -= partly.keys()
    unknown = _inside(there, lost)
    before, there = _without(before, lost), _without(there, lost)
    modes = all(keeps_modes(item.digest) for item in now.values() if item.digest.is_dir)
    return with_renames(compared(before, there, modes=modes)._replace(unknown=unknown), before, there)


def _only(found: Difference, covers: Callable[[str], bool]) -> Difference:
    """The part of a difference that was asked for."""
    added, modified, deleted = (tuple(filter(covers, paths)) for paths in (found.added, found.modified, found.deleted))
    renamed = tuple(pair for pair in found.renamed if covers(pair[0]) or covers(pair[1]))
    unchanged, unknown = (tuple(filter(covers, paths)) for paths in (found.unchanged, found.unknown))
    return Difference(added, modified, deleted, renamed, unchanged, unknown)


def _paths(found: Difference) -> list[str]:
    return [*found.added, *found.modified, *found.deleted, *(path for pair in found.renamed for path in pair)]


def _untracked(project: Project, known: Sequence[str]) -> tuple[str, ...]:
    prefix, is_known = project.prefix, within(set(known))
    found = work_state(project.repo, untracked=True).untracked
    names = [path[len(prefix) :] for path in found if path.startswith(prefix)]
    return tuple(name for name in names if not is_known(name))
