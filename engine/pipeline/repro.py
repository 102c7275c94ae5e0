"""Brings a pipeline up to date: runs what has changed, in order, and records what came of it.

A stage that fails, is interrupted, or leaves an output out keeps its old lock entry; what ran before it is recorded.
An unchanged stage whose outputs are gone gets them back from the cache. Dependencies are hashed before a stage runs
and once more after it: the lock entry says what the stage was given, and what changed meanwhile is reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from assay.engine.events import StageFinished, StageSkipped, StageStarted
from assay.engine.params import keys
from assay.engine.pipeline import outputs
from assay.engine.pipeline.changes import Inputs, Reason, StageStatus, input_reasons, out_reasons, same
from assay.engine.pipeline.gitignore import ignore
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.runner import StageLog, environment, run_stage
from assay.engine.pipeline.spec import Pipeline
from assay.engine.pipeline.stage import Stage

if TYPE_CHECKING:
    from assay.engine.model import Artifact
    from assay.engine.project import Project


class Reproduced(NamedTuple):
    """What became of the stages.

    Attributes:
        ran: Addresses of the stages that ran (in a dry run: would run), in order.
        skipped: Addresses of those that did not, in order.
        locks_written: Lock files that were changed, as project paths.
        ignores_written: .gitignore files that were changed, as project paths.
        changed_during: Project paths that changed while a stage that reads them ran.
    """

    ran: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    locks_written: tuple[str, ...] = ()
    ignores_written: tuple[str, ...] = ()
    changed_during: tuple[str, ...] = ()


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


def reproduce(
    project: Project,
    pipeline: Pipeline,
    targets: Iterable[str] = (),
    *,
    force: bool = False,
    dry: bool = False,
    single: bool = False,
    log: str = "",
    environment: Mapping[str, str] | None = None,
    edited: Mapping[str, bytes] | None = None,
) -> Reproduced:
    """Runs the stages that have changed, each after those that it needs.

    Args:
        project: Where.
        pipeline: Its stages.
        targets: Stage addresses or pipeline files; none means the project's own dvc.yaml and what that needs.
        force: Run unchanged stages too.
        dry: Only tell what would run.
        single: Only the targets, not what they need.
        log: Absolute path of a file that gets everything the stages print; empty for none.
        environment: Variables for the commands, beside those that the project's world has.
        edited: For a dry run: files by project path that are about to be written, with their coming content.

    Raises:
        BadInput: The pipeline, a lock file or a params file is wrong, or something that is read is not there; or a
            stage ended well but did not write an output.
        UsageError: There is no such target.
        StageFailed: A command failed; what ran before it is recorded.
    """
    graph = Graph(pipeline.stages)
    order = graph.order(targets, single=single)
    work = _Work(project, force=force, extra=environment or {}, edited=edited)
    work.check(graph, order)
    if dry:
        return work.dry(graph, order)
    # An empty log path is no log; the file is made before anything runs.
    with StageLog(log, project.report) as sink:
        for stage in order:
            work.bring_up_to_date(stage, sink)
    return work.result()


def check(
    project: Project,
    pipeline: Pipeline,
    targets: Iterable[str] = (),
    *,
    single: bool = False,
    edited: Mapping[str, bytes] | None = None,
) -> None:
    """Everything that `reproduce` can find out before it runs or writes anything, and raises what it would raise.

    Args:
        project: Where.
        pipeline: Its stages.
        targets: As for `reproduce`.
        single: As for `reproduce`.
        edited: Files by project path that are about to be written, with their coming content.
    """
    graph = Graph(pipeline.stages)
    order = graph.order(targets, single=single)
    _Work(project, edited=edited).check(graph, order)


def statuses(project: Project, pipeline: Pipeline) -> list[StageStatus]:
    """Which stages would run, and why, judged each by itself; nothing is changed.

    Raises:
        BadInput: The pipeline, a lock file or a params file is wrong.
    """
    work = _Work(project)
    found = []
    for stage in Graph(pipeline.stages).order(list(pipeline.stages)):
        reasons, _ = work.reasons(stage)
        found.append(StageStatus(stage.address, tuple(reason.text for reason in reasons)))
    return found


def commit_outs(project: Project, pipeline: Pipeline, targets: Iterable[str] = ()) -> Committed:
    """Records every output, dependency and parameter as it is, without running anything.

    Args:
        project: Where.
        pipeline: Its stages.
        targets: Stage addresses or pipeline files; none means all.

    Raises:
        BadInput: The pipeline, a lock file or a params file is wrong.
        UsageError: There is no such target.
    """
    graph = Graph(pipeline.stages)
    order = graph.order(targets or list(pipeline.stages), single=True)
    work = _Work(project)
    inputs = {stage.address: work.observer.inputs(stage) for stage in order}
    ready = [stage for stage in order if work.is_complete(stage, inputs[stage.address])]
    outs = outputs.record(project, work.observer, [(stage, work.locks.entry(stage)) for stage in ready])
    entries = {stage.address: _entry(stage, inputs[stage.address], outs) for stage in ready}
    ignored = ignore(project.root, [out.path for stage in ready for out in stage.outs if out.cache])
    by_file: dict[str, dict[str, LockEntry]] = {}
    for stage in ready:
        by_file.setdefault(stage.lock_path, {})[stage.name] = entries[stage.address]
    work.locks.put(by_file)
    left = tuple(stage.address for stage in order if stage.address not in entries)
    return Committed(entries, left, tuple(work.locks.written), tuple(ignored))


class _Work:
    """One command's way through the stages, and what it has done so far."""

    def __init__(
        self,
        project: Project,
        *,
        force: bool = False,
        extra: Mapping[str, str] | None = None,
        edited: Mapping[str, bytes] | None = None,
    ) -> None:
        self.observer = Observer(project, edited)
        self.locks = Locks(project)
        self._project = project
        self._force = force
        self._extra = extra or {}
        self._ran: list[str] = []
        self._skipped: list[str] = []
        self._ignores: dict[str, None] = {}
        self._changed: dict[str, None] = {}

    def result(self) -> Reproduced:
        """What has been done."""
        lists = (self._ran, self._skipped, self.locks.written, self._ignores, self._changed)
        return Reproduced(*map(tuple, lists))

    def reasons(self, stage: Stage) -> tuple[list[Reason], Inputs]:
        """Why a stage is not up to date, and what it reads; outputs are looked at only when that can matter."""
        entry = self.locks.entry(stage)
        inputs = Inputs() if stage.frozen else self.observer.inputs(stage)
        found = input_reasons(stage, entry, inputs)
        if entry is not None:
            found += out_reasons(stage, entry, self.observer.states(stage, entry))
        return found, inputs

    def check(self, graph: Graph, order: list[Stage]) -> None:
        """Before the first command starts: lock files are good, and what no earlier stage writes is there."""
        coming = {stage.address for stage in order}
        outputs.link_kinds(self._project)
        for stage in order:
            self.locks.entry(stage)
            if not stage.frozen:
                self._check_deps(stage, lambda path: not coming.isdisjoint(graph.writers(path)))

    def _check_deps(self, stage: Stage, is_coming: Callable[[str], bool]) -> None:
        for dep in stage.deps:
            if not is_coming(dep.path) and not self.observer.exists(dep.path):
                hint = "Put it there; `assay pull` brings data that somebody pushed."
                raise stage.source.bad(dep.keys, f"{dep.spelled!r} is not there, and the stage reads it", hint)
        for params in stage.params:
            if is_coming(params.path):
                continue
            values = self.observer.values(params)
            if values is None:
                raise stage.source.bad(params.keys, f"{params.spelled!r} is not there, and the stage reads it")
            for name in params.names:
                if name not in values:
                    near = keys.nearest(name, self.observer.names(params.path))
                    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
                    raise stage.source.bad(params.keys, f"{params.spelled!r} has no parameter {name!r}", hint)

    def dry(self, graph: Graph, order: list[Stage]) -> Reproduced:
        """Tells what would run: what has changed, and what needs something that would run."""
        would: set[str] = set()
        for stage in order:
            upstream = not would.isdisjoint(graph.needs(stage.address))
            if stage.frozen or not (self._force or upstream or self.reasons(stage)[0]):
                self._skip(stage, "frozen" if stage.frozen else "unchanged")
                continue
            would.add(stage.address)
            self._ran.append(stage.address)
            self._project.report(StageStarted(stage.address, "\n".join(stage.commands)))
        return self.result()

    def bring_up_to_date(self, stage: Stage, log: StageLog) -> None:
        """Skips, restores or runs one stage."""
        reasons, inputs = self.reasons(stage)
        if stage.frozen:
            self._settle_frozen(stage, reasons)
        elif self._force or any(reason.about != "out" for reason in reasons):
            self._run(stage, inputs, log)
        elif not reasons:
            self._skip(stage, "unchanged")
        elif self._restore(stage):
            self._skip(stage, "restored from the cache")
        else:
            self._run(stage, inputs, log)

    def _settle_frozen(self, stage: Stage, reasons: list[Reason]) -> None:
        """A frozen stage never runs; its outputs have to be there all the same."""
        missing = [out for out in stage.outs if not self.observer.exists(out.path)]
        if missing and not (reasons and self._restore(stage)):
            problem = f"{missing[0].spelled!r} is not there, and the stage that writes it is frozen"
            raise stage.source.bad(missing[0].keys, problem, "Unfreeze the stage, or bring the output back.")
        self._skip(stage, "frozen")

    def _restore(self, stage: Stage) -> bool:
        entry = self.locks.entry(stage)
        if entry is None:
            return False
        current = {out.path: self.observer.artifact(out.path) for out in stage.outs}
        if all(same_content(current[out.path], outputs.recorded(entry, out)) for out in stage.outs):
            outputs.record(self._project, self.observer, [(stage, entry)])  # only the cache had lost something
            return True
        return outputs.restore(self._project, self.observer, stage, entry)

    def _skip(self, stage: Stage, why: str) -> None:
        self._skipped.append(stage.address)
        self._project.report(StageSkipped(stage.address, why))

    def _run(self, stage: Stage, inputs: Inputs, log: StageLog) -> None:
        self._check_deps(stage, lambda _path: False)
        project, entry = self._project, self.locks.entry(stage)
        outputs.clear(project, self.observer, stage, entry)
        project.report(StageStarted(stage.address, "\n".join(stage.commands)))
        world, began = project.world, time.monotonic()
        variables = environment(world.environment, stage.address, project.root, world.interpreter_bin, self._extra)
        run_stage(stage, project.root, variables, log)
        seconds = time.monotonic() - began
        self._note_changes(stage, inputs)
        found = outputs.record(project, self.observer, [(stage, entry)])
        for out in stage.outs:
            if out.path not in found:
                problem = f"the command ended well but did not write {out.spelled!r}"
                raise stage.source.bad(out.keys, problem, "Write it, or take it out of the stage.")
        cached = {out.path: found[out.path] for out in stage.outs if out.cache}
        self._ignores.update(dict.fromkeys(ignore(project.root, cached)))
        self.locks.put({stage.lock_path: {stage.name: _entry(stage, inputs, found)}})
        outputs.link(project, cached)
        self._ran.append(stage.address)
        project.report(StageFinished(stage.address, seconds))

    def _note_changes(self, stage: Stage, before: Inputs) -> None:
        """Remembers what a stage reads and what is not as it was when it started."""
        after = self.observer.inputs(stage)
        for dep in stage.deps:
            if not same_content(before.deps.get(dep.spelled), after.deps.get(dep.spelled)):
                self._changed[dep.path] = None
        for params in stage.params:
            if not same(before.params.get(params.spelled), after.params.get(params.spelled)):
                self._changed[params.path] = None

    def is_complete(self, stage: Stage, inputs: Inputs) -> bool:
        """Whether everything that a stage reads and writes is there."""
        if None in inputs.deps.values() or inputs.absent:
            return False
        if any(name not in inputs.params[params.spelled] for params in stage.params for name in params.names):
            return False
        return all(self.observer.exists(out.path) for out in stage.outs)


def same_content(one: Artifact | None, other: Artifact | None) -> bool:
    """Whether two artifacts are the same bytes; nothing is only like nothing."""
    if one is None or other is None:
        return one is other
    return one.digest == other.digest


def _entry(stage: Stage, inputs: Inputs, outs: Mapping[str, Artifact]) -> LockEntry:
    return LockEntry(
        stage.cmd, dict(inputs.deps), dict(inputs.params), {out.spelled: outs[out.path] for out in stage.outs}
    )
