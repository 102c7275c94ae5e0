"""What becomes of a stage's outputs: kept before they are replaced, removed, stored, restored.

Nothing that exists nowhere else is removed: an output that is not what its stage last wrote goes into the cache first.
Storing follows law 1: the cache has the content, and has been synced, before a lock file names it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from stat import S_ISLNK, S_ISREG
from typing import TYPE_CHECKING, cast

from assay.engine import disk
from assay.engine.errors import ConfigError
from assay.engine.events import Note
from assay.engine.layout import LINK_KINDS
from assay.engine.model import Artifact
from assay.engine.pipeline.choice import Replacing
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.stage import Out, Stage

if TYPE_CHECKING:
    from assay.engine.project import Project
    from assay.engine.store.links import Kind


_PIECE = 1 << 20
IN_PLACE: tuple[Kind, ...] = ("reflink", "copy")
"""The kinds of links that leave a file the user's own; the default, which needs nothing done to an output."""


def clear(
    project: Project, observer: Observer, stage: Stage, entry: LockEntry | None, replacing: Replacing | None = None
) -> None:
    """Removes a stage's outputs before it runs; those that persist stay, as files that the stage may write to.

    What is on a server stays too, until the stage replaces it: nothing could bring it back.

    Content that would be lost is put into the cache first, and that is said; ``replacing`` hears of it, too.
    """
    _keep(project, observer, [out for out in stage.files if not out.persist], entry, replacing)
    for out in stage.outside:
        if out.place != "url" and not out.persist and observer.exists(out.path):
            disk.remove_tree(os.path.join(project.root, out.path))
    with disk.Folder(project.root) as folder:
        for out in stage.outs:
            if folder.stat(out.path) is None:  # asked of the folder, since the way there must hold no symlink
                continue
            if out.persist:
                detach(folder, out.path)
            else:
                disk.remove_tree(project.path(out.path))


def detach(folder: disk.Folder, path: str) -> int:
    """Replaces links by copies, so that writing to them does not write to the cache; returns how many there were."""
    absolute = f"{folder.root}/{path}"
    is_folder = os.path.isdir(absolute) and not os.path.islink(absolute)
    count = 0
    for name in [f"{path}/{found.path}" for found in disk.walk(absolute)] if is_folder else [path]:
        stat = folder.stat(name)
        if stat is not None and (stat.st_nlink > 1 or S_ISLNK(stat.st_mode)):
            executable = S_ISREG(stat.st_mode) and bool(stat.st_mode & 0o111)
            folder.write(name, _pieces(f"{folder.root}/{name}"), executable=executable)
            count += 1
    return count


def _pieces(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _keep(
    project: Project,
    observer: Observer,
    outs: Iterable[Out],
    entry: LockEntry | None,
    replacing: Replacing | None,
) -> None:
    """Puts into the cache what would be lost: what it has not, and what is not as the stage wrote it."""
    unknown: dict[str, bool] = {}
    known: dict[str, Artifact | None] = {}
    for out in outs:
        locked = known[out.path] = recorded(entry, out)
        current = observer.artifact(out.path, known=locked)
        is_ours = locked is not None and current is not None and locked.digest == current.digest
        if current is not None and (out.cache or not is_ours) and not observer.has(current):
            unknown[out.path] = is_ours
    stored = _store(project, observer, {path: known[path] for path in unknown})
    by_hand = {path: artifact for path, artifact in stored.items() if not unknown[path]}
    inside = {path: artifact for path, artifact in by_hand.items() if not is_outside(path)}
    if replacing is not None:
        replacing(inside)
    for path, artifact in by_hand.items():
        undoable = " `assay undo` gives it back." if replacing is not None and path in inside else ""
        said = f"{path} was not what its stage wrote; what was there is in the cache as {artifact.digest}.{undoable}"
        project.report(Note(said))


def recorded(entry: LockEntry | None, out: Out) -> Artifact | None:
    """What a lock entry says about an output."""
    return entry.outs.get(out.spelled) if entry is not None else None


def _store(project: Project, observer: Observer, known: Mapping[str, Artifact | None]) -> dict[str, Artifact]:
    """Puts what is at paths into the cache, without a sync; paths where nothing is are left out.

    ``known`` is what was recorded of each.
    """
    if not known:
        return {}
    with project.cache.writer() as writer:
        found = {path: observer.artifact(path, writer, known=old) for path, old in known.items()}
    return {path: artifact for path, artifact in found.items() if artifact is not None}


def record(
    project: Project,
    observer: Observer,
    stages: Iterable[tuple[Stage, LockEntry | None]],
    also: Iterable[Out] = (),
) -> dict[str, Artifact]:
    """The artifacts of every output of these stages by path; the cached ones are in the cache, which is synced.

    Outputs that are not there are left out. Where the cache had everything already, nothing is synced. ``also`` names
    outputs that Git keeps and that go into the cache all the same.
    """
    outs = [(out, recorded(entry, out)) for stage, entry in stages for out in stage.files]
    kept = {out.path for out, _ in outs if out.cache and out.place == "project"} | {out.path for out in also}
    had = {out.path: old.digest for out, old in outs if out.path in kept and old is not None and observer.has(old)}
    found = _store(project, observer, {out.path: old for out, old in outs if out.path in kept})
    if any(had.get(path) != artifact.digest for path, artifact in found.items()):
        disk.sync_tree(project.cache_folder)
    rest = {out.path: observer.artifact(out.path, known=old) for out, old in outs if out.path not in kept}
    return {**{path: artifact for path, artifact in rest.items() if artifact is not None}, **found}


def seen(observer: Observer, outs: Iterable[Out], entry: LockEntry | None) -> dict[str, Artifact]:
    """What these outputs are, by path, without keeping anything; those that are not there are left out."""
    pairs = ((out, observer.artifact(out.path, known=recorded(entry, out))) for out in outs)
    return {out.path: artifact for out, artifact in pairs if artifact is not None}


def link_kinds(project: Project) -> tuple[Kind, ...]:
    """The kinds of links that ``cache.type`` asks for, in order. Raises ConfigError on a word it does not know."""
    words = project.config.words("cache", "type", IN_PLACE)
    for word in words:
        if word not in LINK_KINDS:
            raise ConfigError(f"cache.type is {word!r}; it must be some of {', '.join(LINK_KINDS)}.")
    return tuple(cast("list[Kind]", words))


def link(project: Project, outs: Mapping[str, Artifact]) -> None:
    """Replaces cached outputs by links into the cache where ``cache.type`` prefers hard or symbolic links.

    What was edited since it was recorded stays as it is.
    """
    kinds = link_kinds(project)
    if not kinds or kinds[0] in IN_PLACE:
        return
    from assay.engine.store import checkout

    for path, artifact in outs.items():
        checkout.relink(project.root, path, artifact, project.cache, kinds)


def restore(
    project: Project, observer: Observer, stage: Stage, entry: LockEntry, replacing: Replacing | None = None
) -> bool:
    """Brings recorded outputs back from the cache; False, with nothing changed, when they are not all there."""
    gone: list[tuple[Out, Artifact]] = []
    for out in stage.files:
        locked = recorded(entry, out)
        current = observer.artifact(out.path, known=locked)
        if locked is not None and current is not None and locked.digest == current.digest:
            continue
        if locked is None or out.persist or out.place != "project" or not observer.has(locked):
            return False
        gone.append((out, locked))
    _keep(project, observer, [out for out, _ in gone], entry, replacing)
    from assay.engine.store import checkout

    kinds = link_kinds(project)
    for out, artifact in gone:
        if not observer.exists(out.path) or os.path.isdir(project.path(out.path)):
            with disk.Folder(project.root) as folder:
                if os.path.islink(project.path(out.path)):
                    folder.remove(out.path)  # it leads nowhere, or to a folder: what that holds stays there
        plan = checkout.plan(
            project.root, out.path, artifact, project.cache, project.stat_cache, ignored=observer.ignored
        )
        checkout.carry_out(plan, kinds if out.cache else IN_PLACE, report=project.report)
    return True
