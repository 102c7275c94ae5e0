"""Runs the pipeline in a folder of its own and makes an experiment of it; the workspace is free meanwhile.

The run starts from the workspace as it was when it was captured. Nothing of it shows there: not its parameters, not
its outputs, and no lock of the workspace's is held. Refs are shared, and what a stage does to branches is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from assay.engine.errors import Locked
from assay.engine.events import ExperimentStarted, Note, Warned
from assay.engine.experiments import logs, records
from assay.engine.experiments.capture import Captured
from assay.engine.experiments.prepare import Prepared, RunSpec
from assay.engine.experiments.publish import commit_of
from assay.engine.experiments.run import Ran, perform
from assay.engine.experiments.runfolder import bring_data
from assay.engine.experiments.start import Start
from assay.engine.experiments.variables import variables
from assay.engine.git.trees import diff_trees
from assay.engine.model import Oid
from assay.engine.pipeline.repro import check, graph_of, reproduce
from assay.engine.pipeline.spec import load
from assay.engine.project import Project
from assay.engine.workspace.borrowed import hold_with_head

T = TypeVar("T")
_WATCHED = ("refs/heads/", "refs/tags/", "refs/stash")


def undisturbed(project: Project, look: Callable[[], T]) -> T:
    """What a function sees of the workspace; not while another command is half-way through a change of it.

    Whoever runs stages there is not waited for: what they have written so far is what the workspace has.
    """
    with suppress(Locked), hold_with_head(project):
        return look()
    project.report(Note("Another command changes the workspace; what it has at this moment is what counts."))
    return look()


def run_inside(
    project: Project,
    inside: Project,
    spec: RunSpec,
    captured: Captured,
    name: str,
    log: logs.Log,
    run: str,
    is_ours: Callable[[], object],
) -> Ran:
    """Runs a captured state in its folder, and makes an experiment of it.

    Args:
        project: The project around it.
        inside: The project in the folder.
        spec: What to run; its overrides and its command are in the captured state already.
        captured: The state to start from.
        name: The experiment's name, claimed.
        log: The open log.
        run: The run's id.
        is_ours: As `perform` takes it.

    Raises:
        StageFailed: A command failed, and the manner is not to go on.
        Refused: What a stage reads is not there.
        NameTaken: Somebody made an experiment of that name meanwhile.
    """
    before = _watched(project)
    todo = Prepared(load(inside), {}, spec.choice)
    bring_data(inside, captured.commit, graph_of(todo.pipeline).order(spec.choice))
    check(inside, todo.pipeline, spec.choice, spec.manner)
    project.report(ExperimentStarted(name))
    environment = {**variables(project, captured.baseline, name), "DVC_ROOT": project.root}
    made, reproduced = perform(inside, spec, todo, start_of(project, captured), name, log, environment, run, is_ours)
    if made is None:
        return Ran(None, reproduced, log.path)
    records.remember(project, [made.commit])
    _say_what_moved(project, before)
    for path in made.changed_during:
        project.report(Warned(f"{path} changed while its stage ran; the experiment holds it as it was at the start."))
    return Ran(made, reproduced, log.path)


def foresee_inside(inside: Project, captured: Captured, spec: RunSpec) -> Ran:
    """What `run_inside` would run."""
    pipeline = load(inside)
    bring_data(inside, captured.commit, graph_of(pipeline).order(spec.choice))
    check(inside, pipeline, spec.choice, spec.manner)
    return Ran(None, reproduce(inside, pipeline, spec.choice, spec.manner))


def left_by(project: Project, inside: Project, captured: Captured, name: str) -> Oid:
    """A commit of what a run that failed has left in its folder; no ref names it yet.

    Raises:
        AssayError: The pipeline there cannot be understood any more.
    """
    start = start_of(project, captured)
    commit, _, _ = commit_of(inside, load(inside), start, f"What {name} left when it failed.", None)
    return commit


def start_of(project: Project, captured: Captured) -> Start:
    """A captured state as the start of a run."""
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
