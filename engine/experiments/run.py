"""Runs the pipeline, or one command, in the workspace and keeps the result as an experiment.

HEAD, the index and the stash stay as they are (law 2). What the command writes into the workspace is what it is about:
the changed params, the outputs of the stages, `dvc.lock`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from assay.engine import disk
from assay.engine.errors import AssayError, StageFailed, UsageError
from assay.engine.events import Note, Warned
from assay.engine.experiments import logs, records
from assay.engine.experiments.publish import Made, claim_name, publish
from assay.engine.experiments.start import baseline_of, take
from assay.engine.experiments.workspace import hold
from assay.engine.model import Oid, RunSpec
from assay.engine.params import documents
from assay.engine.params.locate import assign
from assay.engine.pipeline import adhoc
from assay.engine.pipeline.repro import Reproduced, reproduce
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a run.

    Attributes:
        made: The experiment; None for a dry run.
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
        Refused: There is no commit to start from.
        UsageError: An override names no parameter, or there is nothing to run.
        StageFailed: A command failed. The workspace is kept as it is, no experiment is made.
    """
    with hold(project):
        baseline = baseline_of(project)
        name = claim_name(project, baseline, spec.name, force=spec.force)
        pipeline, writes, targets = _prepared(project, spec)
        if spec.dry:
            return Ran(None, reproduce(project, pipeline, targets, force=spec.force, dry=True, single=spec.single))
        for path, text in writes.items():
            disk.write_keeping_mode(project.path(path), text.encode("utf-8"))
        if writes:
            pipeline = load(project)
        start = take(project, pipeline)
        log = logs.begin(project, name)
        began = time.monotonic()
        try:
            reproduced = reproduce(
                project,
                pipeline,
                targets,
                force=spec.force,
                single=spec.single,
                log=log.path,
                environment=_environment(baseline, name),
            )
        except StageFailed as error:
            raise StageFailed(error.stage, error.status, error.tail, log.fail()) from error
        except (AssayError, KeyboardInterrupt):
            log.fail()
            raise
        made = publish(
            project,
            pipeline,
            start,
            name,
            message=spec.message,
            force=spec.force,
            seconds=time.monotonic() - began,
            changed_during=reproduced.changed_during,
        )
        path = log.finish(made.commit)
        records.remember(project, [made.commit])
    _say_what_moved(project, made)
    return Ran(made, reproduced, path)


def _environment(baseline: Oid, name: str) -> Mapping[str, str]:
    return {"DVC_EXP_BASELINE_REV": baseline.hex(), "DVC_EXP_NAME": name}


def _prepared(project: Project, spec: RunSpec) -> tuple[Pipeline, dict[str, str], tuple[str, ...]]:
    """The pipeline, the files to write before it runs, and the targets; everything is checked, nothing is written."""
    pipeline = load(project)
    targets = spec.targets
    writes: dict[str, str] = {}
    if spec.adhoc is not None:
        text = (project.read("dvc.yaml") or b"").decode("utf-8")
        writes["dvc.yaml"], pipeline = adhoc.with_command(project, text, spec.adhoc)
        targets = (adhoc.STAGE,)
    elif not pipeline.stages:
        raise UsageError(
            "There is nothing to run: the project has no dvc.yaml with stages.",
            "Give a command, `assay run --metrics metrics.json -- python train.py`, or write a dvc.yaml.",
        )
    writes.update(_overridden(project, pipeline, spec))
    return pipeline, writes, targets


def _overridden(project: Project, pipeline: Pipeline, spec: RunSpec) -> dict[str, str]:
    if not spec.overrides:
        return {}
    texts = {}
    named = [override.file for override in spec.overrides if override.file is not None]
    for path in dict.fromkeys([*pipeline.params_files, *named]):
        data = project.read(path)
        if data is not None:
            texts[path] = documents.decoded(path, data)
    chosen = assign(spec.overrides, texts)
    return {path: documents.edit(path, texts[path], overrides) for path, overrides in chosen.items()}


def _say_what_moved(project: Project, made: Made) -> None:
    if made.head_moved:
        project.report(
            Note(f"HEAD moved while it ran; the experiment belongs to {made.ref.baseline.hex()[:7]}, where it started.")
        )
    for path in made.changed_during:
        project.report(Warned(f"{path} changed while its stage ran; the experiment holds it as it was at the start."))
