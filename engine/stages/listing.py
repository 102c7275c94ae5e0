"""The stages of a project with a line about each: its description, or what it writes, in DVC's words.

A pipeline file that cannot be understood is told of and left out, so that the others can still be seen.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from assay.engine.errors import BadInput, UsageError
from assay.engine.pipeline import datafile, spec
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.discover import NAME, pipeline_files
from assay.engine.pipeline.spec import Pipeline
from assay.engine.pipeline.stage import PipelineFile, Stage
from assay.engine.pipeline.targets import Names, folders_above
from assay.engine.project import Project

_T = TypeVar("_T")


class Listed(NamedTuple):
    """The stages that were asked for.

    Attributes:
        names: Knows the stages and data of the project.
        nodes: Addresses of stages and paths of ``.dvc`` files.
        errors: What is wrong with files that were left out, by path.
    """

    names: Names
    nodes: tuple[str, ...]
    errors: Mapping[str, BadInput]


class Which(NamedTuple):
    """Which stages: targets as they are spelled in a folder, or everything."""

    targets: Sequence[str] = ()
    folder: str = ""
    everything: bool = False
    recursive: bool = False


OWN = Which()
"""Those of the project's own pipeline file."""


def listing(project: Project, which: Which = OWN, *, strict: bool = False) -> Listed:
    """Lists stages.

    Args:
        project: The project.
        which: Which ones; without targets those of the folder's own pipeline file.
        strict: Whether a file that cannot be understood is an error.

    Raises:
        UsageError: A target means nothing.
        BadInput: The file of a target cannot be understood; or any, with ``strict``.
    """
    pipeline, errors = _readable(project)
    if strict and errors:
        raise next(iter(errors.values()))
    names = Names(pipeline.stages, pipeline.data)
    files = [*pipeline.files, *pipeline.data]
    nodes = sorted([*pipeline.stages, *pipeline.data], key=lambda node: files.index(names.file(node)))
    if which.everything:
        return Listed(names, tuple(nodes), errors)
    if not which.targets and (own := _own_file(names, which.folder, errors)) in errors:
        raise errors[own]
    try:
        return Listed(names, tuple(_chosen(names, which)), errors)
    except UsageError as error:
        raise next(iter(errors.values()), error) from None


def _own_file(names: Names, folder: str, errors: Mapping[str, BadInput]) -> str:
    """The pipeline file that is meant in a folder; one that cannot be understood is met before one further up."""
    own = names.own_file(folder)
    near = (posixpath.join(above, NAME) for above in (folder, *folders_above(folder), ""))
    return next((file for file in near if file in errors or file == own), own)


def _chosen(names: Names, which: Which) -> Iterable[str]:
    if not which.targets:
        own = names.own_file(which.folder)
        return [stage.address for stage in names.stages.values() if stage.file == own]
    found = (
        node for target in which.targets for node in names.matching(target, which.folder, recursive=which.recursive)
    )
    return dict.fromkeys(found)


def _readable(project: Project) -> tuple[Pipeline, dict[str, BadInput]]:
    """The pipeline of the files that can be understood, and what is wrong with the others."""
    files: dict[str, PipelineFile] = {}
    errors: dict[str, BadInput] = {}
    options = spec.parsing(project) if project.config.section("parsing") else None

    def outs_of(path: str) -> list[str]:
        file = _tried(
            errors, path, lambda: spec.resolved(project.read(path) or b"", path, project.read, options, project.root)
        )
        if file is not None:
            files[path] = file
        return [out.path for stage in files[path].stages for out in stage.outs] if path in files else []

    paths = list(pipeline_files(project.root, spec.ignored(project), outs_of))
    data: dict[str, DataFile] = {}
    for path in paths:
        if path not in files and path not in errors:
            found = _tried(errors, path, partial(datafile.parse_file, project.read(path) or b"", path, project.root))
            if found is not None:
                data[path] = found
    return Pipeline.of(files, data), errors


def _tried(errors: dict[str, BadInput], path: str, read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except BadInput as error:
        errors[path] = error
        return None


def summary(node: Stage | DataFile) -> str:
    """A line about a stage or a ``.dvc`` file: the first line of its description, else what it writes or reads."""
    if isinstance(node, DataFile):
        return f"Outputs {', '.join(out.spelled for out in node.outs)}" if node.outs else "No outputs or dependencies"
    described = next((line.strip() for line in node.desc.splitlines() if line), None)
    if described is not None:
        return described
    if not node.outs:
        read = [dep.spelled for dep in node.deps] + [params.spelled for params in node.params]
        return f"Depends on {', '.join(read)}" if read else "No outputs or dependencies"
    parts = (
        ("Outputs", [out.spelled for out in node.outs if out.kind == "outs"]),
        ("Reports", [out.spelled for out in node.outs if out.kind != "outs"]),
    )
    return "; ".join(f"{word} {', '.join(paths)}" for word, paths in parts if paths)
