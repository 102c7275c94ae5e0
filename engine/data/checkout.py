"""Brings tracked data from the cache into the workspace, as the ``.dvc`` and lock files record it.

What the cache lacks is named and everything else is done all the same. Nothing is overwritten that exists nowhere else:
without ``force`` that stops the command before it starts, with it the content goes into the cache first. Whenever
something is replaced or removed, `undo` gives it back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from assay.engine import disk
from assay.engine.data.items import Chosen, selected
from assay.engine.errors import CorruptArtifact, MissingArtifact, UnknownTarget, WouldLose
from assay.engine.events import Warned
from assay.engine.model import Artifact
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project
from assay.engine.store import checkout as store
from assay.engine.store.checkout import Plan
from assay.engine.store.links import Kind
from assay.engine.store.manifest import digests_of
from assay.engine.words import first_of
from assay.engine.workspace import undo
from assay.engine.workspace.files import within
from assay.engine.workspace.hold import hold
from assay.engine.workspace.restore import planned, stored_now

_NAMED = 10


class How(NamedTuple):
    """How data is checked out.

    Attributes:
        folder: The project path that targets are relative to.
        force: Replace also what the cache has not; it goes there first.
        relink: Make files that are there already links of the kind that ``cache.type`` asks for.
        recursive: A target that is a folder means everything tracked below it.
        with_deps: What the targets' stages need is meant too.
    """

    folder: str = ""
    force: bool = False
    relink: bool = False
    recursive: bool = False
    with_deps: bool = False


class CheckedOut(NamedTuple):
    """What `checkout` did.

    Attributes:
        states: What became of the tracked paths that changed: "A" made, "M" changed; by project path.
        counts: How many files were added, modified and deleted.
        missing: What could not be checked out, by project path, with a sentence.
        relinked: How many files were replaced by links of another kind.
        undo: The number of the undo record; 0 when nothing was replaced.
    """

    states: Mapping[str, str]
    counts: tuple[int, int, int]
    missing: Mapping[str, str]
    relinked: int = 0
    undo: int = 0

    @property
    def error(self) -> MissingArtifact | None:
        """What is to be raised when everything was wanted; None when all went well."""
        if not self.missing:
            return None
        hint = "Run `assay pull` to fetch what the cache lacks; --allow-missing goes on without it."
        if all(text == _unrecorded(path) for path, text in self.missing.items()):
            hint = "`assay repro` makes what a stage writes, and records it."
        if all(text == _awaited(path) for path, text in self.missing.items()):
            hint = "`assay pull` fetches an import; --allow-missing goes on without it."
        named = " ".join(list(self.missing.values())[:_NAMED])
        return MissingArtifact(f"Not everything could be checked out: {named}", hint)


def _unrecorded(path: str) -> str:
    return f"Nothing is recorded of {path}."


def _awaited(path: str) -> str:
    return f"{path} was not fetched from where it comes from yet."


AS_USUAL = How()
"""Whole paths, and nothing that could be lost."""


def checkout(
    project: Project, targets: Sequence[str] = (), how: How = AS_USUAL, pipeline: Pipeline | None = None
) -> CheckedOut:
    """Makes tracked paths in the workspace what is recorded of them.

    Args:
        project: The project.
        targets: Tracked paths or paths in them, ``.dvc`` files, stages; none means everything.
        how: See `How`.
        pipeline: The pipeline, where it will be another than the one that is there.

    Raises:
        UsageError: A target means nothing.
        WouldLose: Content that is in no cache would be replaced; nothing was changed.
    """
    with hold(project) as held:
        kinds = link_kinds(project)
        pipeline = pipeline or load(project)
        chosen = selected(
            project, pipeline, targets, folder=how.folder, recursive=how.recursive, with_deps=how.with_deps
        )
        if not targets:
            _tell_what_lies_outside(project, pipeline)
        wanted = [found for found in chosen if found.item.cache]
        held.using(write=[found.item.path for found in wanted])
        named = targets and not how.recursive
        missing = {found.item.path: _unrecorded(found.item.path) for found in wanted if named}
        awaited = {path: artifact for file in pipeline.data.values() for path, artifact in file.awaited.items()}
        missing |= {
            path: _awaited(path)
            for found in wanted
            if (path := found.item.path) in awaited and not os.path.lexists(project.path(path))
        }
        plans = []
        for found in wanted:
            if found.item.artifact is None:
                found = _fetched(project, found, awaited)
            if found.item.artifact is None:
                continue
            missing.pop(found.item.path, None)
            todo = _planned(project, found, missing)
            if todo is not None:
                plans.append(todo)
        record = _safe(project, plans, force=how.force)
        states, counts = _carry_out(project, plans, kinds, missing)
        relinked = sum(_relinked(project, found, kinds) for found in wanted) if how.relink else 0
        return CheckedOut(states, counts, missing, relinked, record)


def _fetched(project: Project, found: Chosen, awaited: Mapping[str, Artifact]) -> Chosen:
    """What is not recorded, as what it is to be where the cache has that by now, and the workspace nothing."""
    item = found.item
    artifact = awaited.get(item.path)
    if artifact is None or os.path.lexists(project.path(item.path)):
        return found
    try:
        is_here = not project.cache.missing(digests_of(project.cache, artifact))
    except MissingArtifact:
        return found
    return found._replace(item=item._replace(artifact=artifact)) if is_here else found


def _tell_what_lies_outside(project: Project, pipeline: Pipeline) -> None:
    for file in pipeline.data.values():
        for out in file.outside:
            what = f"{file.path} tracks {out.spelled}, which lies outside the project"
            project.report(Warned(f"{what}; it stays as it is, as nothing is written there."))


def _planned(project: Project, found: Chosen, missing: dict[str, str]) -> Plan | None:
    """What it takes, without what the cache lacks; that is noted."""
    item = found.item
    try:
        todo = planned(project, item.path, item.artifact)
    except MissingArtifact:
        missing[item.path] = f"The cache lacks {item.path}."
        return None
    except CorruptArtifact as error:
        missing[item.path] = error.message
        return None
    for part in found.parts:
        is_there = within([part])
        if not any(map(is_there, (*todo.add, *todo.change, *todo.keep, *todo.remove))):
            raise UnknownTarget(f"{item.path} holds no {part}.", f"`assay data ls {item.path} -R` shows what it holds.")
    todo = _part_of(todo, found.covers) if found.parts else todo
    if todo.missing:
        lacking = set(todo.missing)
        absent = [name for name, entry in {**todo.add, **todo.change}.items() if entry.digest in lacking]
        missing[item.path] = f"The cache lacks {first_of(absent)}."
        todo = _part_of(todo, lambda name: name not in absent)
    return todo


def _part_of(todo: Plan, covers: Callable[[str], bool]) -> Plan:
    """The same plan for some of its paths only."""
    add = {name: entry for name, entry in todo.add.items() if covers(name)}
    change = {name: entry for name, entry in todo.change.items() if covers(name)}
    wanted = {entry.digest for entry in (*add.values(), *change.values())}
    return todo._replace(
        add=add,
        change=change,
        modes={name: entry for name, entry in todo.modes.items() if covers(name)},
        remove=tuple(filter(covers, todo.remove)),
        keep={name: entry for name, entry in todo.keep.items() if covers(name)},
        folders=tuple(filter(covers, todo.folders)),
        would_lose=tuple(filter(covers, todo.would_lose)),
        missing=tuple(digest for digest in todo.missing if digest in wanted),
        make=todo.make and bool(add),
    )


def _safe(project: Project, plans: Sequence[Plan], *, force: bool) -> int:
    """Makes sure that everything that is replaced can be given back; returns the number of the undo record, or 0."""
    lost = [name for todo in plans for name in todo.would_lose]
    if lost and not force:
        raise WouldLose(
            f"{first_of(lost)}: in no cache, and would be lost.",
            "`assay commit` or `assay add` keeps it; --force replaces it, and `assay undo` then gives it back.",
        )
    replaced = [todo.path for todo in plans if todo.change or todo.remove]
    if not replaced:
        return 0
    before = {path: stored_now(project, path) for path in replaced}
    gone = {name for todo in plans for name in todo.would_lose if not _is_plain(project, name)}
    if gone:
        raise WouldLose(
            f"{first_of(sorted(gone))}: neither a file nor a folder, and would be lost.", "Move it away first."
        )
    return undo.remember(project, "checkout", outs=before).number


def _is_plain(project: Project, path: str) -> bool:
    """Whether what is at a path is a file or folder, whose content the cache can keep."""
    with disk.Folder(project.root) as folder:
        stat = folder.stat(path)
    return stat is None or stat.st_mode & 0o170000 in (0o100000, 0o040000)


def _carry_out(
    project: Project, plans: Sequence[Plan], kinds: tuple[Kind, ...], missing: dict[str, str]
) -> tuple[dict[str, str], tuple[int, int, int]]:
    states: dict[str, str] = {}
    added = modified = deleted = 0
    for todo in plans:
        if todo.is_done:
            continue
        try:
            store.carry_out(todo, kinds, force=True, report=project.report)
        except (MissingArtifact, CorruptArtifact) as error:
            missing[todo.path] = error.message
            continue
        is_new = not (todo.keep or todo.change or todo.remove or todo.modes)
        states[todo.path] = "A" if is_new else "M"
        added, modified = added + len(todo.add), modified + len(todo.change) + len(todo.modes)
        deleted += len(todo.remove)
    return states, (added, modified, deleted)


def _relinked(project: Project, found: Chosen, kinds: tuple[Kind, ...]) -> int:
    artifact = found.item.artifact
    if artifact is None or found.parts:
        return 0
    try:
        used = store.relink(project.root, found.item.path, artifact, project.cache, kinds, report=project.report)
    except MissingArtifact:
        return 0  # told already
    return sum(used.values())
