"""Runs the pipeline, or one command, in the workspace and keeps the result as an experiment.

HEAD, the index and the stash stay as they are (law 2). What the command writes into the workspace is what it is about:
the changed params, the outputs of the stages, `dvc.lock`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import StageFailed
from assay.engine.events import ExperimentStarted, Note, Warned
from assay.engine.experiments import logs, records
from assay.engine.experiments.late import late
from assay.engine.experiments.prepare import Prepared, RunSpec, prepare
from assay.engine.experiments.publish import Made, claim_name, publish
from assay.engine.experiments.start import Start, baseline_of, take, with_files
from assay.engine.experiments.variables import variables
from assay.engine.pipeline import adhoc
from assay.engine.pipeline.datafiles import commit_data
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.repro import Reproduced, check, reproduce
from assay.engine.project import Project
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.replaced import Replaced, only_here


class Ran(NamedTuple):
    """What became of a run.

    Attributes:
        made: The experiment; None for a dry run, and when a stage failed whose errors are not ignored.
        reproduced: Which stages ran, and which did not.
        log: Path of the whole output; empty for a dry run.
    """

    made: Made | None
    reproduced: Reproduced
    log: str = ""


def run(project: Project, spec: RunSpec) -> Ran:
    """Runs what changed and makes an experiment of it.

    Raises:
        NameTaken: The name is in use; nothing ran.
        Refused: There is no commit to start from, or the parameters would have to be composed.
        UsageError: An override names no parameter, or there is nothing to run.
        StageFailed: A command failed. The workspace is kept as it is, no experiment is made. Where the manner is to go
            on after failures, what failed is in the result instead, and only where errors are to be ignored is there
            an experiment all the same.
    """
    with hold_with_head(project):
        baseline = baseline_of(project)
        name = claim_name(project, baseline, spec.name, force=spec.manner.force)
        todo = prepare(project, spec)
        check(project, todo.pipeline, todo.choice, spec.manner, edited=todo.writes)
        project.report(ExperimentStarted(name))
        if spec.manner.dry:
            return Ran(None, reproduce(project, todo.pipeline, todo.choice, spec.manner, edited=todo.writes))
        replaced = Replaced(project, f"run -n {name}")
        lost = only_here(project, [path for path in todo.writes if path != adhoc.FILE])
        with project.shared_locks.using(read=[""]):
            start = take(project, todo.pipeline, baseline)
        log = logs.begin(project, name)
        manner = spec.manner._replace(replacing=replaced.outs)
        try:
            replaced.files(lost)
            made, reproduced = _carry_out(project, spec._replace(manner=manner), todo, start, name, log)
        except StageFailed as error:
            log.fail()
            raise StageFailed(error.stage, error.status, error.tail, log.path) from error
        except BaseException:
            log.fail()
            raise
        if made is None:
            log.fail()
            return Ran(None, reproduced, log.path)
    records.remember(project, [made.commit])
    _say_what_moved(project, made)
    return Ran(made, reproduced, log.path)


def _carry_out(
    project: Project, spec: RunSpec, todo: Prepared, start: Start, name: str, log: logs.Log
) -> tuple[Made | None, Reproduced]:
    """Writes the changed parameters, then runs."""
    with project.shared_locks.using(write=todo.writes):
        for path, data in todo.writes.items():
            disk.write_keeping_mode(project.path(path), data)
    start = with_files(project, start, [project.prefix + path for path in todo.writes])
    return perform(project, spec, todo, start, name, log, variables(project, start.head, name))


def perform(
    project: Project,
    spec: RunSpec,
    todo: Prepared,
    start: Start,
    name: str,
    log: logs.Log,
    environment: Mapping[str, str],
    run_id: str = "",
    is_ours: Callable[[], object] = lambda: None,
) -> tuple[Made | None, Reproduced]:
    """Runs the stages where they are, and keeps the result; one in which a stage failed is no experiment.

    Args:
        project: The workspace that they run in.
        spec: What was asked for; whether failures are ignored, the message, the manner.
        todo: The pipeline and the stages, whose parameters are written.
        start: The state that they start from.
        name: The experiment's name.
        log: The open log.
        environment: Variables of their commands.
        run_id: As `publish` takes it.
        is_ours: Asked right before the experiment is made; raises where another process does this run by now.

    Raises:
        StageFailed: A command failed, and the manner is not to go on.
        NameTaken: Somebody made an experiment of that name meanwhile.
    """
    began = time.monotonic()
    # Data that no stage reads belongs to the experiment, too; of some stages only what they read.
    sources = todo.pipeline.data.values() if not todo.choice.targets else ()
    recorded = commit_data(project, sources, Observer(project))
    reproduced = reproduce(project, todo.pipeline, todo.choice, spec.manner, log=log.path, environment=environment)
    if reproduced.failed and not spec.manner.ignore_errors:
        return None, reproduced
    is_ours()
    made = publish(
        project,
        todo.pipeline,
        start,
        name,
        message=spec.message,
        force=spec.manner.force,
        seconds=time.monotonic() - began,
        changed_during=reproduced.changed_during,
        written=tuple(dict.fromkeys((*recorded, *reproduced.data_written))),
        extra=late(project, todo.pipeline),
        keep=log.finish,
        run=run_id,
    )
    return made, reproduced


def _say_what_moved(project: Project, made: Made) -> None:
    if project.repo.head() != made.ref.baseline:
        project.report(
            Note(f"HEAD moved while it ran; the experiment belongs to {made.ref.baseline.hex()[:7]}, where it started.")
        )
    for path in made.changed_during:
        project.report(Warned(f"{path} changed while its stage ran; the experiment holds it as it was at the start."))
