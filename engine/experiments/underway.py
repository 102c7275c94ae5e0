"""Experiments that no ref names: those that a queue has waiting, running or failed, as rows for `show`.

The queue is ours, and in a DVC project DVC's too. What waits is told by the commit it starts from, without metrics:
those in there are the baseline's; what failed by what it left, as far as that was kept. What runs is told by the files
of the workspace that it runs in. What belongs to other baselines than those at hand is left out.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.engine.experiments import logs
from assay.engine.experiments.dvcqueue import Task, tasks
from assay.engine.experiments.index import Header, Kept, kept
from assay.engine.experiments.record import NO_COMMIT, read_workspace
from assay.engine.experiments.records import Records
from assay.engine.experiments.values import encode
from assay.engine.model import Oid
from assay.engine.project import Project, open_project
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import Job, State

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


class _Item(NamedTuple):
    """One of a queue's.

    Attributes:
        name: What it will be called; empty when nobody knows.
        state: Where it is.
        commit: What tells of it; None for a run in the workspace.
        baseline: The commit that it starts from.
        has_results: Whether the metrics in that commit are its own.
        problem: Why it failed.
        at: What it runs in, while it runs: ours or DVC's; None otherwise.
    """

    name: str
    state: str
    commit: Oid | None
    baseline: Oid
    has_results: bool = False
    problem: str = ""
    at: Job | Task | None = None


def underway(project: Project, baselines: Iterable[Oid], records: Records) -> list[Underway]:
    """Those of these baselines.

    Args:
        project: The project.
        baselines: Commits.
        records: Gets the record of each.
    """
    among = set(baselines)
    found = [item for item in (*_of_dvc(project), *_ours(project)) if item.baseline in among]
    if not found:
        return []
    headers = records.headers([item.commit for item in found if item.commit is not None])
    bodies = records.bodies([number for _, number, _ in headers.values()])
    return [_row(project, item, headers, bodies, records) for item in found]


def _of_dvc(project: Project) -> Iterator[_Item]:
    for task in tasks(project):
        if task.state != "success":
            problem = _reason(project, task) if task.state == "failed" else ""
            yield _Item(task.name, task.state, task.commit, task.baseline, problem=problem, at=task)


def _ours(project: Project) -> Iterator[_Item]:
    states: tuple[State, ...] = ("running", "queued", "failed")
    for state, _, job in board_of(project).jobs(*states):
        problem = _told(project, job) if state == "failed" else ""
        yield _Item(job.name, state, job.kept or job.commit, job.baseline, job.kept is not None, problem, job)


def _told(project: Project, job: Job) -> str:
    log = logs.path_of_job(project, job.log, None) if job.log else None
    return f"{job.problem} {log.removeprefix(project.root + '/')} has what it printed." if log else job.problem


def _row(
    project: Project, item: _Item, headers: Mapping[Oid, Header], bodies: Mapping[int, str], records: Records
) -> Underway:
    commit = item.commit or NO_COMMIT
    _, number, time = headers.get(commit, (commit, 0, 0))
    record = _running(project, item) if item.state == "running" else None
    if record is None:
        members = json.loads("{" + bodies[number]) if number else {}
        if not item.has_results and members:
            members["metrics"] = {}
        if item.state == "failed" and members:
            members["errors"] = {**members["errors"], THE_RUN: item.problem}
        record = Kept(commit, time, "", encode(members)[1:], members.get("metrics", {}), members.get("params", {}))
    if item.commit is None:
        time, _ = project.world.clock.now()
    name = item.name or commit.hex()[:7]
    return Underway(name, item.state, commit, item.baseline, records.add_loose(record), time)


def _running(project: Project, item: _Item) -> Kept | None:
    """The files of the workspace that a run is in; None where it is not there, or no more."""
    try:
        other = _workspace(project, item.at)
        if other is None:
            return None
        try:
            record = read_workspace(other)
        finally:
            if other is not project:
                other.close()
    except (AssayError, OSError):
        return None
    return kept(record)


def _workspace(project: Project, at: Job | Task | None) -> Project | None:
    if isinstance(at, Job):
        from assay.engine.experiments.runfolder import look_into  # all that checks out, for the few that run now

        return look_into(project, at.number)
    if at is None or at.commit is None:
        return project
    if at.root is None:
        return None
    return open_project(posixpath.dirname(posixpath.join(at.root, at.folder)), project.world)


def _reason(project: Project, task: Task) -> str:
    code = task.process.returncode if task.process else None
    log = task.process.log if task.process else None
    how = f"ended with exit status {code}" if code is not None else "failed"
    where = log.removeprefix(project.root + "/") if log else ""
    return f"The run {how}; {where} has what it printed." if where else f"The run {how}."
