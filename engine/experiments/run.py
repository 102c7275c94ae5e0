"""Runs the pipeline, or one command, in the workspace and keeps the result as an experiment.

HEAD, the index and the stash stay as they are (law 2). What the command writes into the workspace is what it is about:
the changed params, the outputs of the stages, `dvc.lock`.
"""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Mapping
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Refused, StageFailed, UsageError
from assay.engine.events import ExperimentStarted, Note, Warned
from assay.engine.experiments import logs, records
from assay.engine.experiments.late import late
from assay.engine.experiments.publish import Made, claim_name, publish
from assay.engine.experiments.start import Start, baseline_of, take, with_files
from assay.engine.experiments.variables import variables
from assay.engine.model import AdHoc, Override
from assay.engine.params import documents
from assay.engine.params.locate import assign
from assay.engine.pipeline import adhoc
from assay.engine.pipeline.choice import OWN, PLAIN, Choice, Manner
from assay.engine.pipeline.datafiles import commit_data
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.repro import Reproduced, check, reproduce
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.replaced import Replaced, only_here


class RunSpec(NamedTuple):
    """What ``assay run`` was asked to do.

    Attributes:
        choice: Which stages.
        manner: How they are gone through; ``force`` replaces an experiment of that name, too.
        overrides: Changed parameters.
        name: The experiment's name; None makes one up.
        message: The commit's message; None names the parameters that differ.
        adhoc: A command instead of stages.
        as_written: Take the parameters as their files have them, even where ``hydra.enabled`` says that they are made
            anew for each run.
    """

    choice: Choice = OWN
    manner: Manner = PLAIN
    overrides: tuple[Override, ...] = ()
    name: str | None = None
    message: str | None = None
    adhoc: AdHoc | None = None
    as_written: bool = False


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
        todo = _prepared(project, spec)
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


class _Todo(NamedTuple):
    """What a run will do: the pipeline as it will be, the files to write before it runs, and the stages to run."""

    pipeline: Pipeline
    writes: Mapping[str, bytes]
    choice: Choice


def _prepared(project: Project, spec: RunSpec) -> _Todo:
    """Works out what the run will do; nothing is written."""
    if project.config.flag("hydra", "enabled") and not spec.as_written:
        raise Refused(
            "hydra.enabled asks for parameters that Hydra composes, which assay does not do yet.",
            "Take them as they are with `assay-dvc exp run --no-hydra`, or set hydra.enabled to false.",
        )
    if spec.adhoc is not None:
        text = documents.decoded(adhoc.FILE, project.read(adhoc.FILE) or b"")
        edited, pipeline = adhoc.with_command(project, text, spec.adhoc)
        writes = {adhoc.FILE: edited.encode("utf-8")} if edited != text else {}
        choice = spec.choice._replace(targets=(adhoc.STAGE,), folder="", glob=False)
        return _Todo(pipeline, {**writes, **_overridden(project, pipeline, spec)}, choice)
    pipeline = load(project)
    if not pipeline.stages:
        raise UsageError(
            "There is nothing to run: the project has no dvc.yaml with stages.",
            "Give a command, `assay run --metrics metrics.json -- python train.py`, or write a dvc.yaml.",
        )
    writes = _overridden(project, pipeline, spec)
    if any(path in writes for file in pipeline.files.values() for path in file.inputs):
        pipeline = load(project, writes)
    return _Todo(pipeline, writes, spec.choice)


def _carry_out(
    project: Project, spec: RunSpec, todo: _Todo, start: Start, name: str, log: logs.Log
) -> tuple[Made | None, Reproduced]:
    """Writes, runs, and keeps the result; a run in which a stage failed is no experiment, unless that is ignored."""
    with project.shared_locks.using(write=todo.writes):
        for path, data in todo.writes.items():
            disk.write_keeping_mode(project.path(path), data)
    start = with_files(project, start, [project.prefix + path for path in todo.writes])
    began = time.monotonic()
    # Data that no stage reads belongs to the experiment, too; of some stages only what they read.
    sources = todo.pipeline.data.values() if not todo.choice.targets else ()
    recorded = commit_data(project, sources, Observer(project))
    reproduced = reproduce(
        project,
        todo.pipeline,
        todo.choice,
        spec.manner,
        log=log.path,
        environment=variables(project, start.head, name),
    )
    if reproduced.failed and not spec.manner.ignore_errors:
        return None, reproduced
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
    )
    return made, reproduced


def _overridden(project: Project, pipeline: Pipeline, spec: RunSpec) -> dict[str, bytes]:
    """The parameter files that the overrides change, with their coming content."""
    if not spec.overrides:
        return {}
    texts = {}
    for path in pipeline.params_files:
        data = project.read(path)
        if data is not None:
            texts[path] = documents.decoded(path, data)
    overrides = []
    for override in spec.overrides:
        if override.file is not None:
            path = _file_named(project, override.file, spec.choice.folder)
            texts[path] = documents.decoded(path, project.read(path) or b"")
            override = override._replace(file=path)
        overrides.append(override)
    changed = {path: documents.edit(path, texts[path], chosen) for path, chosen in assign(overrides, texts).items()}
    for path in changed:
        _check_inside(project, path)
    return {path: text.encode("utf-8") for path, text in changed.items() if text != texts[path]}


def _file_named(project: Project, file: str, folder: str) -> str:
    """The project path of a file that an override names: relative to the folder, or else as tables spell it."""
    spellings = [posixpath.normpath(posixpath.join(at, file)) for at in dict.fromkeys((folder, ""))]
    inside = [path for path in spellings if not path.startswith(("../", "/")) and path != ".."]
    if not inside:
        raise UsageError(f"-S names {file}, which lies outside the project.")
    path = next((path for path in inside if project.read(path) is not None), inside[0])
    if posixpath.basename(path) in ("dvc.yaml", "dvc.lock") or path.endswith(".dvc"):
        raise UsageError(f"-S changes files of parameters, and {file} is a part of the pipeline.", "Edit it by hand.")
    if project.read(path) is None:
        raise UsageError(f"-S names {file}, and the project has no such file.", "Check its path, or make it.")
    return path


def _check_inside(project: Project, path: str) -> None:
    """Refuses to write through a symlink to somewhere else (law 5)."""
    real = os.path.realpath(project.path(path))
    if not real.startswith(f"{project.root}/"):
        raise Refused(f"{path} leads to {real}, outside the project, so -S does not change it.", "Edit it by hand.")


def _say_what_moved(project: Project, made: Made) -> None:
    if made.head_moved:
        project.report(
            Note(f"HEAD moved while it ran; the experiment belongs to {made.ref.baseline.hex()[:7]}, where it started.")
        )
    for path in made.changed_during:
        project.report(Warned(f"{path} changed while its stage ran; the experiment holds it as it was at the start."))
