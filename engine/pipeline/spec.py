"""Reads dvc.yaml: one text (`parse`), one blob (`parse_bytes`), or every one of a project (`load`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from assay.engine.errors import BadInput
from assay.engine.git.workfiles import ignore_rules
from assay.engine.ignore import IgnoreRules
from assay.engine.params import documents
from assay.engine.pipeline import datafile
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.discover import pipeline_files
from assay.engine.pipeline.schema import PARAMS_FILE, pipeline_file
from assay.engine.pipeline.source import Source
from assay.engine.pipeline.stage import Dep, Out, OutKind, ParamsDep, PipelineFile, Stage, lock_path

if TYPE_CHECKING:
    from assay.engine.project import Project

__all__ = ["Dep", "Out", "OutKind", "ParamsDep", "Pipeline", "PipelineFile", "Stage", "load", "parse", "parse_bytes"]


def parse(text: str, path: str) -> PipelineFile:
    """What one dvc.yaml says.

    Args:
        text: The whole file.
        path: Its path in the project; paths in it are relative to that place.

    Raises:
        BadInput: It is not YAML, or not a pipeline; line and key are named.
    """
    return pipeline_file(Source(path, text), documents.parse(path, text))


@lru_cache(maxsize=64)
def parse_bytes(data: bytes, path: str) -> PipelineFile:
    """`parse` for a blob; remembered, since experiments of one project mostly share their pipeline file."""
    return parse(documents.decoded(path, data), path)


@dataclass(frozen=True)
class Pipeline:
    """Every stage of a project.

    Attributes:
        files: The pipeline files by path, the project's own first.
        stages: The stages by address, in the order of their files.
        data: The ``.dvc`` files by path: data that no stage writes.
    """

    files: Mapping[str, PipelineFile] = field(default_factory=dict)
    stages: Mapping[str, Stage] = field(default_factory=dict)
    data: Mapping[str, DataFile] = field(default_factory=dict)

    @staticmethod
    def of(files: Mapping[str, PipelineFile], data: Mapping[str, DataFile] | None = None) -> Pipeline:
        """The pipeline that these files make."""
        return Pipeline(files, {stage.address: stage for file in files.values() for stage in file.stages}, data or {})

    @property
    def lock_paths(self) -> tuple[str, ...]:
        """The lock files of the files that have stages."""
        return tuple(lock_path(path) for path, file in self.files.items() if file.stages)

    @property
    def params_files(self) -> tuple[str, ...]:
        """Every file that holds parameters: the project's params.yaml and all that a pipeline names."""
        named = [dep.path for stage in self.stages.values() for dep in stage.params]
        listed = [path for file in self.files.values() for path in file.params]
        return tuple(dict.fromkeys([PARAMS_FILE, *named, *listed]))

    @property
    def metrics_files(self) -> tuple[str, ...]:
        """Every file or folder that holds metrics."""
        written = [out.path for stage in self.stages.values() for out in stage.outs if out.kind == "metrics"]
        listed = [path for file in self.files.values() for path in file.metrics]
        return tuple(dict.fromkeys([*written, *listed]))


def load(project: Project) -> Pipeline:
    """The pipeline of a project's workspace.

    Raises:
        BadInput: A dvc.yaml or a ``.dvc`` file is not one.
    """
    found: dict[str, PipelineFile] = {}

    def outs_of(path: str) -> list[str]:
        found[path] = _read(project, path)
        return [out.path for stage in found[path].stages for out in stage.outs]

    paths = list(pipeline_files(project.root, ignored(project), outs_of))
    data = {path: datafile.parse_file(_content(project, path), path) for path in paths if path not in found}
    return Pipeline.of(found, data)


def ignored(project: Project) -> Callable[[str, bool], bool]:
    """Whether Git or .dvcignore leaves a project path out."""
    prefix, git_rules, own_rules = project.prefix, ignore_rules(project.repo), no_part(project)
    return lambda path, is_dir: git_rules.ignored(prefix + path, is_dir) or own_rules(path, is_dir)


def no_part(project: Project) -> Callable[[str, bool], bool]:
    """Whether a project path is no part of any artifact: what .dvcignore names and the layout always leaves out."""
    return IgnoreRules(project.root, (".dvcignore",), always=project.layout.ignores).ignored


def _read(project: Project, path: str) -> PipelineFile:
    return parse_bytes(_content(project, path), path)


def _content(project: Project, path: str) -> bytes:
    try:
        return project.read(path) or b""
    except OSError as error:
        raise BadInput(path, f"cannot be read: {error.strerror}") from error
