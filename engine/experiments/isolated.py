"""Runs the pipeline in a folder of its own and keeps the result as an experiment; the workspace is free meanwhile.

The run starts from the workspace as it was when it was captured. Nothing of it shows there: not its parameters, not
its outputs, and no lock of the workspace's is held. Refs are shared, and what a stage does to branches is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from assay.engine.errors import Locked, StageFailed
from assay.engine.events import ExperimentStarted, Note, Warned
from assay.engine.experiments import logs, records
from assay.engine.experiments.capture import Captured, capture
from assay.engine.experiments.prepare import Prepared, RunSpec, prepare
from assay.engine.experiments.publish import claim_name
from assay.engine.experiments.run import Ran, perform
from assay.engine.experiments.runfolder import bring_data, copy_along, run_folder
from assay.engine.experiments.start import Start, baseline_of
from assay.engine.experiments.variables import variables
from assay.engine.git.trees import diff_trees
from assay.engine.model import Oid
from assay.engine.pipeline.choice import Choice
from assay.engine.pipeline.repro import check, graph_of, reproduce
from assay.engine.pipeline.spec import load
from assay.engine.project import Project
from assay.engine.workspace.borrowed import hold_with_head

_WATCHED = ("refs/heads/", "refs/tags/", "refs/stash")


def run_isolated(project: Project, spec: RunSpec, *, copies: tuple[str, ...] = ()) -> Ran:
    """Captures the workspace, runs what changed in a folder of its own, and makes an experiment of it.

    Args:
        project: The project.
        spec: What to run.
        copies: Project paths of files and folders that Git ignores or does not know, to be copied into the folder.

    Raises:
        NameTaken: The name is in use; nothing ran.
        Refused: There is no commit to start from, or what a stage reads would not be there.
        UsageError: An override names no parameter, or there is nothing to run.
        StageFailed: A command failed; its log is kept, its folder is not.
    """
    baseline = baseline_of(project)
    name = claim_name(project, baseline, spec.name, force=spec.manner.force)
    todo, captured = captured_now(project, spec, name, copies)
    run = project.world.ids.nonce()
    return carry_out(project, spec, todo.choice, captured, name, run, copies)


def captured_now(project: Project, spec: RunSpec, name: str, copies: tuple[str, ...]) -> tuple[Prepared, Captured]:
    """What a run will do, and the state it starts from; not while another command is half-way through a change.

    Whoever runs stages here is not waited for: what they have written so far is what the workspace has.
    """
    with suppress(Locked), hold_with_head(project):
        return _captured(project, spec, name, copies)
    project.report(Note("Another command changes the workspace; the run starts from what is there at this moment."))
    return _captured(project, spec, name, copies)


def _captured(project: Project, spec: RunSpec, name: str, copies: tuple[str, ...]) -> tuple[Prepared, Captured]:
    todo = prepare(project, spec)
    return todo, capture(project, todo, baseline_of(project), name=name, copies=copies)


def carry_out(
    project: Project, spec: RunSpec, choice: Choice, captured: Captured, name: str, run: str, copies: tuple[str, ...]
) -> Ran:
    """Runs a captured state in a folder of its own, and keeps the result.

    Args:
        project: The project around it.
        spec: What was asked for.
        choice: Which stages that means.
        captured: The state to start from.
        name: The experiment's name, claimed.
        run: The run's id.
        copies: What to copy into the folder.

    Raises:
        StageFailed: A command failed.
        Refused: What a stage reads is not there.
    """
    before = _watched(project)
    with run_folder(project, captured.commit, run, name) as inside:
        copy_along(project, inside, copies)
        todo = Prepared(load(inside), {}, choice)
        bring_data(inside, captured.commit, graph_of(todo.pipeline).order(choice))
        check(inside, todo.pipeline, choice, spec.manner)
        project.report(ExperimentStarted(name))
        if spec.manner.dry:
            return Ran(None, reproduce(inside, todo.pipeline, choice, spec.manner))
        log = logs.begin(project, name)
        try:
            environment = {**variables(project, captured.baseline, name), "DVC_ROOT": project.root}
            made, reproduced = perform(inside, spec, todo, _start(project, captured), name, log, environment)
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
    _say_what_moved(project, before)
    for path in made.changed_during:
        project.report(Warned(f"{path} changed while its stage ran; the experiment holds it as it was at the start."))
    return Ran(made, reproduced, log.path)


def _start(project: Project, captured: Captured) -> Start:
    database = project.repo.objects
    base, taken = (database.read_commit(oid).tree for oid in (captured.baseline, captured.commit))
    changes = {path: after for path, _, after in diff_trees(database, base, taken)}
    return Start(captured.baseline, base, changes)


def _watched(project: Project) -> Mapping[str, Oid]:
    return {name: oid for prefix in _WATCHED for name, oid in project.repo.refs.iterate(prefix)}


def _say_what_moved(project: Project, before: Mapping[str, Oid]) -> None:
    after = _watched(project)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            project.report(Note(f"{name} moved while it ran: by one of its stages, or by somebody beside it."))
