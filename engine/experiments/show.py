"""Experiments side by side: which rows a table has, and what each says.

References are read once, no lock is taken, and what the index lacks is read from the commits and added to it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from assay.engine.experiments.index import Header, body_of
from assay.engine.experiments.listing import Baseline, Scope, listing
from assay.engine.experiments.record import NO_COMMIT, read_workspace
from assay.engine.experiments.records import Records
from assay.engine.experiments.select import SUCCESS, Candidates, Selection, select
from assay.engine.model import ExpRef, Oid
from assay.engine.notes.ledger import AllShown, all_shown
from assay.engine.notes.remarks import Shown
from assay.engine.project import Project


class Row(NamedTuple):
    """One line of the table.

    ``name`` is None for the workspace; ``commit`` too. ``state`` is "workspace", "baseline", "success" for what is a
    commit, or what a queue has: "queued", "running", "failed". ``time`` is the commit's, in seconds since 1970.
    ``body`` is the record as JSON text, see `index.body_of`. ``tags`` and ``note`` are what people said about it.
    """

    name: str | None
    state: str
    commit: Oid | None
    time: int | None
    body: str
    tags: tuple[str, ...] = ()
    note: str | None = None


class Group(NamedTuple):
    """A baseline and those of its experiments that are shown."""

    baseline: Row
    experiments: Sequence[Row]


class Table(NamedTuple):
    """What `show` found; ``workspace`` is None when it was not asked for."""

    workspace: Row | None
    groups: tuple[Group, ...]

    def rows(self) -> list[Row]:
        """Every row from top to bottom."""
        found = [self.workspace] if self.workspace else []
        for group in self.groups:
            found.append(group.baseline)
            found += group.experiments
        return found


def show(
    project: Project,
    scope: Scope | None = None,
    selection: Selection | None = None,
    *,
    workspace: bool = True,
    hidden: Collection[str] = (),
) -> Table:
    """The workspace, and the experiments of some baselines, newest first or as the selection says.

    Args:
        project: The project.
        scope: Which baselines; HEAD when it is None.
        selection: Which of their experiments, in which order; all when it is None.
        workspace: Whether there is a row for the workspace.
        hidden: States whose experiments are left out: "queued", "running", "failed".

    Raises:
        UnknownRevision: A revision names no commit.
        UsageError: The query is none, or names something that is not there.
    """
    scope, selection = scope or Scope(), selection or Selection()
    baselines = listing(project, scope)
    commits = dict.fromkeys(commit for baseline in baselines for _, commit in baseline.experiments)
    commits.update((baseline.commit, None) for baseline in baselines)
    with Records(project) as records:
        headers = records.headers(commits)
        if scope.everything:
            baselines = _newest_first(project, baselines, headers)
        candidates = _candidates(baselines, headers, all_shown(project))
        candidates = _with_queue(project, candidates, baselines, records, hidden)
        shown = _grouped(candidates, select(candidates, selection, records), selection, drop_empty=scope.everything)
        numbers = [candidates.numbers[row] for rows in shown.values() for row in rows]
        bodies = records.bodies([*numbers, *(headers[baselines[at].commit][1] for at in shown)])
    groups = tuple(_group(baselines[at], rows, candidates, headers, bodies) for at, rows in shown.items())
    here = Row(None, "workspace", None, None, body_of(read_workspace(project))) if workspace else None
    return Table(here, groups)


def experiments(project: Project, scope: Scope, selection: Selection) -> list[tuple[ExpRef, Oid]]:
    """The experiments that `show` would show, in its order, with their commits. Raises as `show`."""
    return among(project, listing(project, scope), selection, all_shown(project))


def among(
    project: Project, baselines: Sequence[Baseline], selection: Selection, remarks: AllShown
) -> list[tuple[ExpRef, Oid]]:
    """Those of some experiments that a selection means, in its order.

    Args:
        project: Whose object database has their commits.
        baselines: The experiments, whether refs here name them or not.
        selection: What was asked for.
        remarks: Their tags and notes.

    Raises:
        UsageError: The query is none, or names something that is not there.
    """
    commits = dict.fromkeys(commit for baseline in baselines for _, commit in baseline.experiments)
    with Records(project) as records:
        candidates = _candidates(baselines, records.headers(commits), remarks)
        rows = select(candidates, selection, records)
    names, groups = candidates.names, candidates.groups
    return [(ExpRef(baselines[groups[row]].commit, names[row]), candidates.commits[row]) for row in rows]


def _newest_first(project: Project, baselines: Sequence[Baseline], headers: Mapping[Oid, Header]) -> list[Baseline]:
    """HEAD, then the other baselines by the time of their commits."""
    head = project.repo.head()

    def key(baseline: Baseline) -> tuple[bool, int, Oid]:
        return baseline.commit == head, headers[baseline.commit][2], baseline.commit

    return sorted(baselines, key=key, reverse=True)


def _candidates(baselines: Sequence[Baseline], headers: Mapping[Oid, Header], remarks: AllShown) -> Candidates:
    """Every experiment, baseline by baseline."""
    names = [name for baseline in baselines for name, _ in baseline.experiments]
    commits = [commit for baseline in baselines for _, commit in baseline.experiments]
    found = [headers[commit] for commit in commits]
    return Candidates(
        names,
        commits,
        numbers=[number for _, number, _ in found],
        times=[time for _, _, time in found],
        groups=[at for at, baseline in enumerate(baselines) for _ in baseline.experiments],
        labels=[baseline.label for baseline in baselines],
        remarks=remarks,
    )


def _with_queue(
    project: Project,
    candidates: Candidates,
    baselines: Sequence[Baseline],
    records: Records,
    hidden: Collection[str],
) -> Candidates:
    """The candidates, and after them what queues have for these baselines."""
    if not project.layout.shared_runs and not _has_queue(project):
        return candidates
    from assay.engine.experiments.underway import underway

    groups = {baseline.commit: at for at, baseline in enumerate(baselines)}
    more = [row for row in underway(project, groups, records) if row.state not in hidden]
    count = len(candidates.names)
    return candidates._replace(
        names=[*candidates.names, *(row.name for row in more)],
        commits=[*candidates.commits, *(row.commit for row in more)],
        numbers=[*candidates.numbers, *(row.number for row in more)],
        times=[*candidates.times, *(row.time for row in more)],
        groups=[*candidates.groups, *(groups[row.baseline] for row in more)],
        states={count + at: row.state for at, row in enumerate(more)},
    )


def _has_queue(project: Project) -> bool:
    """Whether anything waits, runs or has failed; asked before what it takes to read that is loaded."""
    folders = (f"{project.state}/queue/{state}" for state in ("queued", "running", "failed"))
    return any(os.path.isdir(folder) and os.listdir(folder) for folder in folders)


def _grouped(
    candidates: Candidates, rows: Iterable[int], selection: Selection, *, drop_empty: bool
) -> dict[int, list[int]]:
    """The rows under their baselines; with a ranking, the baseline of the best row first."""
    ranked = selection.top is not None and bool(selection.sort_by)
    found: dict[int, list[int]] = {} if ranked else {at: [] for at in range(len(candidates.labels))}
    for row in rows:
        found.setdefault(candidates.groups[row], []).append(row)
    if drop_empty and (selection.where or selection.top is not None):
        return {at: group for at, group in found.items() if group}
    return {**found, **{at: [] for at in range(len(candidates.labels)) if at not in found}}


def _group(
    baseline: Baseline,
    rows: Sequence[int],
    candidates: Candidates,
    headers: Mapping[Oid, Header],
    bodies: Mapping[int, str],
) -> Group:
    _, number, time = headers[baseline.commit]
    names, commits, times, numbers = candidates.names, candidates.commits, candidates.times, candidates.numbers
    remarks, unsaid, states = candidates.remarks, Shown(), candidates.states
    found = [
        Row(names[row], SUCCESS, commits[row], times[row], bodies[numbers[row]], *remarks.get(commits[row], unsaid))
        for row in rows
    ]
    if states:
        found = [
            row._replace(state=states.get(at, SUCCESS), commit=None if row.commit == NO_COMMIT else row.commit)
            for at, row in zip(rows, found, strict=True)
        ]
    return Group(
        Row(baseline.label, "baseline", baseline.commit, time, bodies[number], *remarks.get(baseline.commit, unsaid)),
        found,
    )
