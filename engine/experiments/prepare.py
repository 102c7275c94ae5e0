"""What a run will do, worked out before anything is written: the pipeline, the changed parameters, the stages."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from assay.engine.errors import Refused, UsageError
from assay.engine.experiments.composition import FILE, compose
from assay.engine.model import AdHoc, Override
from assay.engine.params import documents
from assay.engine.params.locate import assign
from assay.engine.pipeline import adhoc
from assay.engine.pipeline.choice import OWN, PLAIN, Choice, Manner
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.project import Project


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
        composed: The new content of params.yaml, made by `composed`; None where it is not made anew.
    """

    choice: Choice = OWN
    manner: Manner = PLAIN
    overrides: tuple[Override, ...] = ()
    name: str | None = None
    message: str | None = None
    adhoc: AdHoc | None = None
    as_written: bool = False
    composed: bytes | None = None


class Prepared(NamedTuple):
    """What a run will do: the pipeline as it will be, the files to write before it runs, and the stages to run."""

    pipeline: Pipeline
    writes: Mapping[str, bytes]
    choice: Choice


def prepare(project: Project, spec: RunSpec) -> Prepared:
    """Works out what the run will do; nothing is written.

    Raises:
        Refused: The parameters cannot be composed, or lie outside the project.
        UsageError: An override names no parameter, or there is nothing to run.
        BadInput: The pipeline or a file of parameters cannot be understood.
    """
    (spec,) = composed(project, [spec])
    made = _made(project, spec)
    if spec.adhoc is not None:
        text = documents.decoded(adhoc.FILE, project.read(adhoc.FILE) or b"")
        edited, pipeline = adhoc.with_command(project, text, spec.adhoc, made)
        writes = {adhoc.FILE: edited.encode("utf-8")} if edited != text else {}
        choice = spec.choice._replace(targets=(adhoc.STAGE,), folder="", glob=False)
        return Prepared(pipeline, {**writes, **overridden(project, pipeline, spec)}, choice)
    pipeline = load(project, made)
    if not pipeline.stages:
        raise UsageError(
            "There is nothing to run: the project has no dvc.yaml with stages.",
            "Give a command, `assay run --metrics metrics.json -- python train.py`, or write a dvc.yaml.",
        )
    writes = overridden(project, pipeline, spec)
    if any(path in writes and path not in made for file in pipeline.files.values() for path in file.inputs):
        pipeline = load(project, writes)
    return Prepared(pipeline, writes, spec.choice)


def composed(project: Project, specs: Sequence[RunSpec]) -> list[RunSpec]:
    """The same runs, each with its params.yaml composed where the project says so, and with the overrides left over.

    Raises:
        Refused: They cannot be composed.
        ConfigError: The settings do not say of what.
    """
    if not specs or specs[0].as_written or not project.config.flag("hydra", "enabled"):
        return list(specs)
    made = compose(project, [spec.overrides for spec in specs], specs[0].choice.folder)
    return [
        spec._replace(overrides=others, composed=text, as_written=True)
        for spec, (text, others) in zip(specs, made, strict=True)
    ]


def _made(project: Project, spec: RunSpec) -> dict[str, bytes]:
    """The composed params.yaml, where it is another than the one that is there."""
    if spec.composed is None or spec.composed == project.read(FILE):
        return {}
    _check_inside(project, FILE)
    return {FILE: spec.composed}


def overridden(project: Project, pipeline: Pipeline, spec: RunSpec) -> dict[str, bytes]:
    """The parameter files that the run changes, with their coming content; what is to be composed is by now.

    Raises:
        UsageError: An override names no parameter, or no file of parameters.
        Refused: A file lies outside the project.
    """
    made = _made(project, spec)
    if not spec.overrides:
        return made
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
    return made | {path: text.encode("utf-8") for path, text in changed.items() if text != texts[path]}


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
        raise Refused(f"{path} leads to {real}, outside the project, so a run does not change it.", "Edit it by hand.")
