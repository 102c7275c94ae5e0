"""Reads dvc.yaml: one text (`parse`), one blob whose templates refer to other files (`resolved`), or all (`load`).

What a file without templates says depends on its bytes alone, so it is understood once however many commits have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from assay.engine.errors import BadInput, ConfigError
from assay.engine.git.workfiles import ignore_rules
from assay.engine.ignore import IgnoreRules
from assay.engine.params import documents
from assay.engine.pipeline import datafile
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.datasets import with_datasets
from assay.engine.pipeline.discover import NAME, pipeline_files
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.remotepaths import with_local_remotes
from assay.engine.pipeline.schema import plain_file, uses_templates
from assay.engine.pipeline.source import Source
from assay.engine.pipeline.stage import PARAMS_FILE, Dep, Out, OutKind, ParamsDep, PipelineFile, Stage, lock_path

if TYPE_CHECKING:
    from assay.engine.pipeline.expressions import Parsing
    from assay.engine.pipeline.templating import Template
    from assay.engine.project import Project

__all__ = ["Dep", "Out", "OutKind", "ParamsDep", "Pipeline", "PipelineFile", "Stage", "load", "parse", "resolved"]

Read = Callable[[str], bytes | None]
"""A file's content by its project path; None when there is none."""


def parse(text: str, path: str) -> PipelineFile:
    """What one dvc.yaml says when there is no other file for its templates to refer to.

    Args:
        text: The whole file.
        path: Its path in the project; paths in it are relative to that place.

    Raises:
        BadInput: It is not YAML, or not a pipeline; line and key are named.
    """
    return in_context(_understood(text, path), lambda _path: None)


def resolved(data: bytes, path: str, read: Read, options: Parsing | None = None, root: str = "") -> PipelineFile:
    """What one dvc.yaml says, with its templates resolved.

    Args:
        data: Its content.
        path: Its path in the project.
        read: Gives the files that templates refer to: params.yaml beside it, and its ``vars``.
        options: How maps are written into commands; only ``cmd`` depends on it.
        root: The project's absolute path, which absolute paths in the file may lie in.

    Raises:
        BadInput: It, or a file that it refers to, is not as it should be; line and key are named.
    """
    return in_context(understood(data, path, root), read, options)


def in_context(file: PipelineFile | Template, read: Read, options: Parsing | None = None) -> PipelineFile:
    """`resolved` for what `understood` gave."""
    if isinstance(file, PipelineFile):
        return file
    from assay.engine.pipeline.expressions import Parsing

    return file.resolved(read, options or Parsing())


@lru_cache(maxsize=64)
def understood(data: bytes, path: str, root: str = "") -> PipelineFile | Template:
    """A dvc.yaml as far as it can be understood alone; remembered, since experiments mostly share their pipeline file.

    Raises:
        BadInput: It is not YAML, or has no templates and is not a pipeline.
    """
    return _understood(documents.decoded(path, data), path, root)


@lru_cache(maxsize=8)
def understood_in(root: str) -> Callable[[str, bytes], PipelineFile | Template]:
    """`understood` for files whose absolute paths may lie in a project there; the same function for the same place."""
    return lambda path, data: understood(data, path, root)


def _understood(text: str, path: str, root: str = "") -> PipelineFile | Template:
    source, data = Source(path, text, root), documents.parse(path, text)
    if not uses_templates(text, data):
        return plain_file(source, data)
    from assay.engine.pipeline.templating import Template

    return Template(source, data)


def parsing(project: Project) -> Parsing:
    """How a project wants maps written into commands: its ``parsing.bool`` and ``parsing.list``. Raises ConfigError."""
    from assay.engine.pipeline.expressions import KNOWN, Parsing

    chosen = {}
    for name, known in KNOWN.items():
        word = project.config.get("parsing", name)
        if word and word not in known:
            raise ConfigError(f"parsing.{name} is {word!r}; it must be {' or '.join(known)}.")
        if word:
            chosen[name] = word
    return Parsing(**chosen)


class Pipeline(NamedTuple):
    """Every stage of a project.

    Attributes:
        files: The pipeline files by path, the project's own first.
        stages: The stages by address, in the order of their files.
        data: The ``.dvc`` files by path: data that no stage writes.
    """

    files: Mapping[str, PipelineFile] = MappingProxyType({})
    stages: Mapping[str, Stage] = MappingProxyType({})
    data: Mapping[str, DataFile] = MappingProxyType({})

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
        """Every file of the project that holds parameters: params.yaml and all that a pipeline names or refers to."""
        named = [dep.path for stage in self.stages.values() for dep in stage.params]
        listed = [path for file in self.files.values() for path in file.params]
        templated = [path for file in self.files.values() for path in file.inputs]
        found = dict.fromkeys([PARAMS_FILE, *named, *listed, *templated])
        return tuple(path for path in found if not is_outside(path))


def load(project: Project, edited: Mapping[str, bytes] | None = None) -> Pipeline:
    """The pipeline of a project's workspace.

    Args:
        project: The project.
        edited: Files by project path that are read with this content instead of the one they have.

    Raises:
        BadInput: A dvc.yaml or a ``.dvc`` file is not one.
    """
    found: dict[str, PipelineFile] = {}
    changed = edited or {}
    options = parsing(project) if project.config.section("parsing") else None

    def read(path: str) -> bytes | None:
        return changed[path] if path in changed else _content(project, path)

    def outs_of(path: str) -> list[str]:
        found[path] = resolved(read(path) or b"", path, read, options, project.root)
        return [out.path for stage in found[path].stages for out in stage.outs]

    paths = list(pipeline_files(project.root, ignored(project), outs_of))
    data = {path: datafile.parse_file(read(path) or b"", path, project.root) for path in paths if path not in found}
    for out in (out for file in data.values() for out in file.outs if out.listed is not None):
        if out.listed is not None:
            project.cache.lend(out.listed.artifact.digest, out.listed.listing)
    made = [path for path in changed if path.rpartition("/")[2] == NAME and path not in found]
    for path in made:
        outs_of(path)
    files = with_datasets({path: found[path] for path in (*made, *found)}, read)
    return Pipeline.of(with_local_remotes(files, project.config), data)


def ignored(project: Project) -> Callable[[str, bool], bool]:
    """Whether Git or .dvcignore leaves a project path out."""
    prefix, git_rules, own_rules = project.prefix, ignore_rules(project.repo), no_part(project)
    return lambda path, is_dir: git_rules.ignored(prefix + path, is_dir) or own_rules(path, is_dir)


def no_part(project: Project) -> Callable[[str, bool], bool]:
    """Whether a project path is no part of any artifact: what .dvcignore names and the layout always leaves out."""
    return IgnoreRules(project.root, (".dvcignore",), always=project.layout.ignores).ignored


def _content(project: Project, path: str) -> bytes | None:
    try:
        return project.read(path)
    except OSError as error:
        raise BadInput(path, f"cannot be read: {error.strerror}") from error
