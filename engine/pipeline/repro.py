"""Brings a pipeline up to date: runs what has changed, in order, and records what came of it.

A stage that fails, is interrupted, or leaves an output out keeps its old lock entry; what ran before it is recorded,
its line in .gitignore included. Edited data that the stages read is recorded in its ``.dvc`` file before the first one
runs. The stages are chosen by a `Choice`, a `Manner` says how they are gone through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from assay.engine.errors import AssayError
from assay.engine.events import DataChecked, StageSkipped, Warned
from assay.engine.pipeline import outputs
from assay.engine.pipeline.changes import StageStatus
from assay.engine.pipeline.choice import EVERYTHING, OWN, PLAIN, Choice, Manner
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.runner import StageLog
from assay.engine.pipeline.spec import Pipeline
from assay.engine.pipeline.stage import Stage
from assay.engine.pipeline.work import Work

if TYPE_CHECKING:
    from assay.engine.pipeline.datafile import DataFile
    from assay.engine.project import Project


class Reproduced(NamedTuple):
    """What became of the stages.

    Attributes:
        ran: Addresses of the stages that ran (in a dry run: would run), in order.
        skipped: Addresses of those that did not, in order.
        locks_written: Lock files that were changed, as project paths.
        ignores_written: .gitignore files that were changed, as project paths.
        changed_during: Project paths that changed while a stage that reads them ran.
        failed: Addresses of the stages that failed, in order; only where a failure does not end everything.
        not_run: Addresses of the stages that were not tried, since they need one that failed.
        restored: Those of the skipped ones that got their outputs back from the cache or the run cache.
        data_written: ``.dvc`` files whose data had been edited, and .gitignore files beside them, as project paths.
    """

    ran: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    locks_written: tuple[str, ...] = ()
    ignores_written: tuple[str, ...] = ()
    changed_during: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    data_written: tuple[str, ...] = ()


class Committed(NamedTuple):
    """What `commit_outs` recorded.

    Attributes:
        entries: The new lock entries by stage address.
        left: Addresses of stages whose outputs or inputs are not all there; their entries stay as they were.
        locks_written: Lock files that were changed, as project paths.
        ignores_written: .gitignore files that were changed, as project paths.
    """

    entries: Mapping[str, LockEntry]
    left: tuple[str, ...] = ()
    locks_written: tuple[str, ...] = ()
    ignores_written: tuple[str, ...] = ()


def graph_of(pipeline: Pipeline) -> Graph:
    """The graph of a project's stages and data. Raises BadInput when they do not fit together."""
    return Graph(pipeline.stages, pipeline.data)


def reproduce(
    project: Project,
    pipeline: Pipeline,
    choice: Choice = OWN,
    manner: Manner = PLAIN,
    *,
    log: str = "",
    environment: Mapping[str, str] | None = None,
    edited: Mapping[str, bytes] | None = None,
) -> Reproduced:
    """Runs the stages that have changed, each after those that it needs.

    Args:
        project: Where.
        pipeline: Its stages.
        choice: Which stages; without targets the project's own dvc.yaml and what that needs.
        manner: How.
        log: Absolute path of a file that gets everything the stages print; empty for none.
        environment: Variables for the commands, beside those that the project's world has.
        edited: For a dry run: files by project path that are about to be written, with their coming content.

    Raises:
        BadInput: The pipeline, a lock file or a params file is wrong, or something that is read is not there; or a
            stage ended well but did not write an output.
        UsageError: There is no such target.
        StageFailed: A command failed, and the manner is not to go on; what ran before it is recorded.
    """
    graph = graph_of(pipeline)
    order = graph.order(choice)
    work = Work(project, graph, manner, extra=environment, edited=edited)
    work.check(order)
    if manner.dry:
        for step in graph.steps(choice):
            if isinstance(step, Stage):
                work.foresee(step, forced=manner.force)
            else:
                project.report(DataChecked(step.path, manner.force or _is_edited(step, work)))
        return _result(work)
    data_written = _record_data(project, graph, choice, manner, work)
    # An empty log path is no log; the file is made before anything runs.
    with StageLog(log, project.report) as sink:
        steps = graph.steps(choice)
        return _Round(project, graph, work, manner, data_written).go(steps, sink)._replace(data_written=data_written)


def _record_data(project: Project, graph: Graph, choice: Choice, manner: Manner, work: Work) -> tuple[str, ...]:
    """Added data that the stages read and that was edited since goes into the cache, and its ``.dvc`` file says so."""
    sources = graph.sources(choice)
    if not sources or manner.no_commit:
        return ()
    from assay.engine.pipeline.datafiles import commit_data

    return commit_data(project, sources, work.observer)


def _is_edited(file: DataFile, work: Work) -> bool:
    """Whether data that is there is not what its ``.dvc`` file says."""
    for out in file.recordable:
        current = work.observer.artifact(out.path, known=out.artifact)
        if current is not None and (out.artifact is None or current.digest != out.artifact.digest):
            return True
    return False


class _Round:
    """Going through the stages in order, and what follows when one fails or runs."""

    def __init__(
        self, project: Project, graph: Graph, work: Work, manner: Manner, edited_data: Collection[str]
    ) -> None:
        self._project = project
        self._edited_data = edited_data
        self._graph = graph
        self._work = work
        self._manner = manner
        self._forced: set[str] = set()
        self._failed: list[str] = []
        self._not_run: dict[str, None] = {}

    def go(self, steps: Iterable[Stage | DataFile], log: StageLog) -> Reproduced:
        """Brings every stage up to date that can be; of data it tells that it was looked at."""
        order = []
        for step in steps:
            if isinstance(step, Stage):
                order.append(step)
                self._try(step, log)
            else:
                self._project.report(DataChecked(step.path, self._manner.force or step.path in self._edited_data))
        not_run = [stage.address for stage in order if stage.address in self._not_run]
        return _result(self._work, self._failed, not_run)

    def _try(self, stage: Stage, log: StageLog) -> None:
        if stage.address in self._not_run:
            self._project.report(StageSkipped(stage.address, "behind a stage that failed"))
            return
        try:
            self._one(stage, log)
        except AssayError as error:
            if not self._manner.goes_on:
                raise
            self._failed.append(stage.address)
            self._project.report(Warned(_told(error)))
            if not self._manner.ignore_errors:
                self._not_run.update(dict.fromkeys(self._graph.dependents(stage.address)))

    def _one(self, stage: Stage, log: StageLog) -> None:
        forced = self._manner.force or stage.address in self._forced
        has_run = self._work.bring_up_to_date(stage, log, forced=forced)
        if self._manner.force_downstream and has_run:
            self._forced.update(self._graph.needed_by(stage.address))


def _told(error: AssayError) -> str:
    """An error on one line, with the last thing that its command printed."""
    last = getattr(error, "tail", "").rstrip().rpartition("\n")[2]
    return f"{error.message} Its last words: {last}" if last else error.message


def _result(work: Work, failed: Iterable[str] = (), not_run: Iterable[str] = ()) -> Reproduced:
    lists = (work.ran, work.skipped, work.locks.written, work.ignores, work.changed, failed, not_run, work.restored)
    return Reproduced(*map(tuple, lists))


def check(
    project: Project,
    pipeline: Pipeline,
    choice: Choice = OWN,
    manner: Manner = PLAIN,
    *,
    edited: Mapping[str, bytes] | None = None,
) -> None:
    """Everything that `reproduce` can find out before it runs or writes anything, and raises what it would raise.

    Args:
        project: Where.
        pipeline: Its stages.
        choice: As for `reproduce`.
        manner: As for `reproduce`.
        edited: Files by project path that are about to be written, with their coming content.
    """
    graph = graph_of(pipeline)
    Work(project, graph, manner, edited=edited).check(graph.order(choice))


def statuses(project: Project, pipeline: Pipeline) -> list[StageStatus]:
    """Which stages would run, and why, judged each by itself; nothing is changed.

    Raises:
        BadInput: The pipeline, a lock file or a params file is wrong.
    """
    graph = graph_of(pipeline)
    work = Work(project, graph)
    found = []
    for stage in graph.order(EVERYTHING):
        reasons, _ = work.reasons(stage)
        found.append(StageStatus(stage.address, tuple(reasons), stage.frozen))
    return found


Claim = Callable[[Stage, LockEntry | None, LockEntry], bool]
"""Whether it counts as a run of a stage that the entry it had gives way to a new one."""


def no_claim(_stage: Stage, _before: LockEntry | None, _new: LockEntry) -> bool:
    """What is recorded is not what a run has made."""
    return False


def commit_outs(
    project: Project, pipeline: Pipeline, choice: Choice = EVERYTHING, claim: Claim = no_claim
) -> Committed:
    """Records every output, dependency and parameter as it is, without running anything.

    Args:
        project: Where.
        pipeline: Its stages.
        choice: Which stages; those that they need are not recorded with them unless they are chosen too.
        claim: Says which of them are kept in the run cache, as if they had run.

    Raises:
        BadInput: The pipeline, a lock file or a params file is wrong.
        UsageError: There is no such target.
    """
    graph = graph_of(pipeline)
    order = graph.order(choice._replace(single=True))
    work = Work(project, graph)
    inputs = {stage.address: work.observer.inputs(stage, work.locks.entry(stage)) for stage in order}
    ready = [stage for stage in order if work.is_complete(stage, inputs[stage.address])]
    outs = outputs.record(project, work.observer, [(stage, work.locks.entry(stage)) for stage in ready])
    entries = {stage.address: work.entry_as_is(stage, inputs[stage.address], outs) for stage in ready}
    ignored = ignore(
        project.root, project.kept_from_git(out.path for stage in ready for out in stage.outs if out.cache)
    )
    by_file: dict[str, dict[str, LockEntry]] = {}
    for stage in ready:
        if claim(stage, work.locks.entry(stage), entries[stage.address]):
            work.keep_run(stage, entries[stage.address])
        by_file.setdefault(stage.lock_path, {})[stage.name] = entries[stage.address]
    work.locks.put(by_file)
    left = tuple(stage.address for stage in order if stage.address not in entries)
    return Committed(entries, left, tuple(work.locks.written), tuple(ignored))
