"""Refs with the Git objects that they need, moved by whatever transport there is; nothing of data is known here.

What a command that only moves refs imports is this, so that it need not wait for what carries data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptRemote
from assay.engine.experiments.chosen import is_experiment
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.reach import is_ancestor
from assay.engine.model import Oid
from assay.engine.ports import GitTransport, RefUpdate
from assay.engine.project import Project


class Published(NamedTuple):
    """What became of refs.

    Attributes:
        refs: Those that moved.
        up_to_date: Those that needed not.
        same: Of the latter those that are on the remote with this value.
        failed: What is left, with a sentence each.
        is_refused: Whether the remote refused altogether.
    """

    refs: tuple[str, ...]
    up_to_date: tuple[str, ...]
    same: Mapping[str, Oid]
    failed: Mapping[str, str]
    is_refused: bool = False


def publish_refs(project: Project, git: GitTransport, refs: Mapping[str, Oid], *, force: bool = False) -> Published:
    """Sends what refs need, then moves them there, unless somebody else's would be lost.

    Args:
        project: The project on this side.
        git: The other side.
        refs: Full names and values.
        force: Whether an experiment may replace another one of its name.
    """
    there = git.refs(list(refs))
    updates: list[RefUpdate] = []
    up_to_date: list[str] = []
    same: dict[str, Oid] = {}
    failed: dict[str, str] = {}
    for name, oid in refs.items():
        now = there.get(name)
        if now == oid or _is_behind(project, name, oid, now):
            up_to_date.append(name)
            same.update({name: oid} if now == oid else {})
        elif now is not None and is_experiment(name) and not (force or _goes_on(project, oid, now)):
            failed[name] = (
                f"The remote has another experiment of that name, {now.hex()[:7]}; "
                "give yours another one with `assay rename`, or replace that one with -f."
            )
        else:
            updates.append(RefUpdate(name, now, oid))
    try:
        results = git.push(updates, project.repo.objects) if updates else []
    except AssayError as error:
        failed.update((update.refname, error.message) for update in updates)
        return Published((), tuple(up_to_date), same, failed, is_refused=True)
    failed.update((result.refname, result.problem) for result in results if result.problem)
    moved = tuple(result.refname for result in results if not result.problem)
    return Published(moved, tuple(up_to_date), same, failed)


def _goes_on(project: Project, oid: Oid, before: Oid) -> bool:
    """Whether a commit that is here goes on from another one; no where that is not here."""
    objects = project.repo.objects
    return before in objects and is_ancestor(objects, before, oid, shallow=project.repo.shallow)


def _is_behind(project: Project, name: str, oid: Oid, there: Oid | None) -> bool:
    """Whether a branch has nothing that the remote's does not have."""
    objects = project.repo.objects
    if not name.startswith("refs/heads/") or there is None or there not in objects:
        return False
    return is_ancestor(objects, oid, there, shallow=project.repo.shallow)


def fetch_refs(
    git: GitTransport, refs: Mapping[str, Oid], objects: ObjectDatabase, complete: Callable[[Oid], bool]
) -> tuple[Mapping[str, Oid], Mapping[str, str]]:
    """Brings what refs need: all together, and where the remote is damaged one by one.

    Returns:
        The refs that are complete here now, and the others with a sentence.

    Raises:
        RemoteError: The remote refuses altogether.
    """
    try:
        git.fetch(refs.values(), objects, objects, complete=complete)
    except CorruptRemote as error:
        if len(refs) == 1:
            return {}, dict.fromkeys(refs, error.message)
        arrived: dict[str, Oid] = {}
        failed: dict[str, str] = {}
        for name, oid in refs.items():
            one, damage = fetch_refs(git, {name: oid}, objects, complete)
            arrived.update(one)
            failed.update(damage)
        return arrived, failed
    return refs, {}


def write_experiments(project: Project, refs: Mapping[str, Oid]) -> None:
    """Writes the refs of experiments whose objects and artifacts are here, once these are durable (law 1)."""
    if refs:
        settle(project)
        with project.repo.refs.transaction() as change:
            for name, oid in refs.items():
                change.update(name, oid, project.repo.refs.read(name))


def settle(project: Project) -> None:
    """Makes everything fetched so far survive a power cut."""
    for folder in (project.cache_folder, project.repo.common_dir):
        if os.path.isdir(folder):
            disk.sync_tree(folder)
