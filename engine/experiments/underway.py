"""Experiments that no ref names: those that DVC's queue has waiting, running or failed, as rows for `show`.

What waits or failed is told by its queued commit, without metrics: those in there are the baseline's. What runs is told
by the files of the workspace that it runs in. Tasks of other baselines than those at hand are left out.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.engine.experiments.dvcqueue import Task, tasks
from assay.engine.experiments.index import Header, Kept, kept
from assay.engine.experiments.record import NO_COMMIT, read_workspace
from assay.engine.experiments.records import Records
from assay.engine.experiments.values import encode
from assay.engine.model import Oid
from assay.engine.project import Project, open_project

THE_RUN = "(run)"
"""The name in ``errors`` of what concerns no file but the run itself."""


class Underway(NamedTuple):
    """One of them; ``number`` is that of its record, ``time`` that of its commit in seconds since 1970."""

    name: str
    state: str
    commit: Oid
    baseline: Oid
    number: int
    time: int


def underway(project: Project, baselines: Iterable[Oid], records: Records) -> list[Underway]:
    """Those of these baselines.

    Args:
        project: The project.
        baselines: Commits.
        records: Gets the record of each.
    """
    among = set(baselines)
    found = [task for task in tasks(project) if task.state != "success" and task.baseline in among]
    if not found:
        return []
    headers = records.headers([task.commit for task in found if task.commit is not None])
    bodies = records.bodies([number for _, number, _ in headers.values()])
    return [_row(project, task, headers, bodies, records) for task in found]


def _row(
    project: Project, task: Task, headers: Mapping[Oid, Header], bodies: Mapping[int, str], records: Records
) -> Underway:
    commit = task.commit or NO_COMMIT
    _, number, time = headers.get(commit, (commit, 0, 0))
    record = _running(project, task) if task.state == "running" else None
    if record is None:
        members = {**json.loads("{" + bodies[number]), "metrics": {}} if number else {}
        if task.state == "failed" and members:
            members["errors"] = {**members["errors"], THE_RUN: _reason(project, task)}
        record = Kept(commit, time, "", encode(members)[1:], {}, members.get("params", {}))
    if task.commit is None:
        time, _ = project.world.clock.now()
    name = task.name or commit.hex()[:7]
    return Underway(name, task.state, commit, task.baseline, records.add_loose(record), time)


def _running(project: Project, task: Task) -> Kept | None:
    """The files of the workspace that a task runs in; None where it is not there, or no more."""
    try:
        if task.commit is None:
            record = read_workspace(project)
        elif task.root is None:
            return None
        else:
            other = open_project(posixpath.dirname(posixpath.join(task.root, task.folder)), project.world)
            try:
                record = read_workspace(other)
            finally:
                other.close()
    except (AssayError, OSError):
        return None
    return kept(record)


def _reason(project: Project, task: Task) -> str:
    code = task.process.returncode if task.process else None
    log = task.process.log if task.process else None
    how = f"ended with exit status {code}" if code is not None else "failed"
    where = log.removeprefix(project.root + "/") if log else ""
    return f"The run {how}; {where} has what it printed." if where else f"The run {how}."
