"""What a run will do, worked out before anything is written: the pipeline, the changed parameters, the stages."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.errors import Refused, UsageError
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
    """

    choice: Choice = OWN
    manner: Manner = PLAIN
    overrides: tuple[Override, ...] = ()
    name: str | None = None
    message: str | None = None
    adhoc: AdHoc | None = None
    as_written: bool = False


class Prepared(NamedTuple):
    """What a run will do: the pipeline as it will be, the files to write before it runs, and the stages to run."""

    pipeline: Pipeline
    writes: Mapping[str, bytes]
    choice: Choice


def prepare(project: Project, spec: RunSpec) -> Prepared:
    """Works out what the run will do; nothing is written.

    Raises:
        Refused: The parameters would have to be composed, or lie outside the project.
        UsageError: An override names no parameter, or there is nothing to run.
        BadInput: The pipeline or a file of parameters cannot be understood.
    """
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
        return Prepared(pipeline, {**writes, **overridden(project, pipeline, spec)}, choice)
    pipeline = load(project)
    if not pipeline.stages:
        raise UsageError(
            "There is nothing to run: the project has no dvc.yaml with stages.",
            "Give a command, `assay run --metrics metrics.json -- python train.py`, or write a dvc.yaml.",
        )
    writes = overridden(project, pipeline, spec)
    if any(path in writes for file in pipeline.files.values() for path in file.inputs):
        pipeline = load(project, writes)
    return Prepared(pipeline, writes, spec.choice)


def overridden(project: Project, pipeline: Pipeline, spec: RunSpec) -> dict[str, bytes]:
    """The parameter files that the overrides change, with their coming content.

    Raises:
        UsageError: An override names no parameter, or no file of parameters.
        Refused: A file lies outside the project.
    """
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
