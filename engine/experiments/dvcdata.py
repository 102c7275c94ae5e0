"""What DVC says of a commit or of the workspace in ``exp show``: the same files as records are made of, in DVC's shape.

Stages and ``.dvc`` files decide what is told, in their order; a lock file only adds digests. A file that is missing or
broken has an ``error`` with DVC's name for it. Where DVC cannot make sense of the pipeline at all, the whole row is an
error: that is so for a dvc.yaml, a ``.dvc`` file or a lock file that is none, and for a params.yaml beside a dvc.yaml.

Limits: sentences about templates are assay's. Dates are told as text, where DVC makes an error of the row. Patterns in
the names of parameters are not looked at.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from assay.engine.errors import AssayError, BadInput, CorruptObject, MissingObject, StoreError
from assay.engine.experiments import locked
from assay.engine.experiments.dvcparts import (
    Part,
    Told,
    deps_of,
    described,
    foreign,
    kept,
    of_data_file,
    outs_of,
    place_of,
)
from assay.engine.experiments.files import CommitFiles, Files, TreeReader, WorkFiles, checked_size
from assay.engine.experiments.index import Kept
from assay.engine.experiments.locked import Locked
from assay.engine.experiments.record import pipeline_of, selected
from assay.engine.experiments.records import Form
from assay.engine.experiments.values import plain
from assay.engine.git.objects import COMMIT, parse_commit
from assay.engine.model import Digest, Oid
from assay.engine.params import documents
from assay.engine.pipeline import datafile, metrics
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.discover import DATA_ENDING
from assay.engine.pipeline.stage import PARAMS_FILE, PipelineFile, Stage, lock_path
from assay.engine.project import Project

_IN_COMMITS = "/"
"""Where absolute paths begin in a commit: DVC takes its tree for all there is."""

VERSION = 3
"""Raised whenever the same commit would give another text."""

_KINDS = {
    "json": "JSONFileCorruptedError",
    "toml": "TOMLFileCorruptedError",
    "python": "PythonFileCorruptedError",
    "yaml": "YAMLFileCorruptedError",
}
_WORDS = {"json": "JSON", "toml": "TOML", "python": "Python", "yaml": "YAML"}
_MISSING = "[Errno 2] No such file or directory: '{}'"
_NOT_STORED = "[Errno 2] No storage files available: '{}'"
_IS_FOLDER = "[Errno 21] Is a directory: '{}'"
_UNREADABLE = (AssayError, ValueError, RecursionError, OverflowError)


class State(NamedTuple):
    """What is told of one commit: ``data`` (params, metrics, deps, outs, meta), or why there is none.

    ``is_final`` is false when an object is missing or damaged here, so that a later look may see more.
    """

    data: Mapping[str, Any] | None
    error: Mapping[str, str] | None = None
    is_final: bool = True


class _RowError(Exception):
    """The whole row cannot be told; DVC's name for the reason, and the sentence."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def workspace_state(project: Project, *, stages_only: bool = False) -> State:
    """What DVC tells of the workspace.

    Args:
        project: The project.
        stages_only: Of parameters, only those that stages read.
    """
    return _Telling(project, WorkFiles(project), "", stages_only=stages_only).state()


def read_texts(project: Project, commits: Iterable[Oid], *, stages_only: bool = False) -> Iterator[tuple[Kept, bool]]:
    """What DVC tells of commits, each as `body_of` has it; an empty body for a commit that cannot be read."""
    reader = TreeReader(project.repo.objects, project.prefix, _IN_COMMITS + project.prefix.rstrip("/"))
    for commit in commits:
        try:
            kind, data = project.repo.objects.read(commit)
            if kind != COMMIT:
                raise BadInput(commit.hex(), "is no commit")
            info = parse_commit(data)
        except AssayError:
            yield Kept(commit, 0, "", ""), False
            continue
        files = CommitFiles(reader, info.tree)
        state = _Telling(project, files, commit.hex()[:7], stages_only=stages_only).state()
        parent = info.parents[0].hex() if info.parents else _NO_PARENT
        yield Kept(commit, info.committer.time, "", parent + body_of(state)), state.is_final


_NO_PARENT = "0" * 40


def _options(words: str, project: Project) -> str:
    return f"{VERSION} {words}{project.prefix}"


FORM = Form("records-dvc.db", partial(_options, ""), read_texts)
"""Everything, as the index keeps it: the first parent in hexadecimal, then `body_of`."""

STAGES_FORM = Form("records-dvc.db", partial(_options, "stages "), partial(read_texts, stages_only=True))
"""The same with only those parameters that stages read."""


def body_of(state: State) -> str:
    """The members of DVC's ``data`` from params on, or those of its ``error`` when there is no data."""
    return encode(state.error if state.data is None else state.data)[1:-1]


def _spelled(value: Any) -> Any:
    """What JSON does not have, as DVC writes it: dates in ISO's form."""
    return value.isoformat() if hasattr(value, "isoformat") else plain(value)


_encode = json.JSONEncoder(check_circular=False, default=_spelled).encode


def encode(value: Any) -> str:
    """JSON as DVC writes it: NaN and the infinities bare, ASCII, blanks after commas and colons."""
    try:
        return _encode(value)
    except TypeError:  # a key that JSON cannot have, like a date
        return _encode(plain(value))


class _Telling:
    """What is told of one set of files."""

    def __init__(self, project: Project, files: Files, revision: str, *, stages_only: bool) -> None:
        self._project = project
        self._files = files
        self._revision = revision
        self._stages_only = stages_only
        self._root = files.root
        self._is_final = True
        self._kept: dict[str, Digest | None] = {}
        self._folders: dict[Digest, Mapping[str, Digest] | None] = {}

    def state(self) -> State:
        """All of it."""
        try:
            pipelines: list[PipelineFile] = []
            parts: list[Part] = []
            for path in self._files.special():
                if path.endswith(DATA_ENDING):
                    parts.append(of_data_file(self._understood(path, _data_file(self._root))))
                else:
                    pipelines.append(self._pipeline(path))
                    parts += self._stages(pipelines[-1])
            self._kept = dict(kept(parts))
            data = {
                "params": self._params(pipelines),
                "metrics": self._metrics(pipelines, parts),
                "deps": {place_of(self._root, path): told for part in parts for path, told in deps_of(part)},
                "outs": {path: told for part in parts for path, told in outs_of(part)},
                "meta": {},
            }
        except _RowError as error:
            return State(None, {"msg": str(error), "type": error.kind})
        except _UNREADABLE as error:
            is_final = not isinstance(error, (MissingObject, CorruptObject, StoreError))
            return State(None, {"msg": str(error), "type": type(error).__name__}, is_final)
        return State(data, None, self._is_final)

    # The pipeline: anything wrong with it is wrong with the row.

    def _pipeline(self, path: str) -> PipelineFile:
        self._defaults(posixpath.join(posixpath.dirname(path), PARAMS_FILE), path)
        try:
            file = pipeline_of(self._files, path)
        except (MissingObject, CorruptObject):
            raise
        except _UNREADABLE as error:
            raise self._wrong(path, error) from error
        return file or PipelineFile(path)

    def _defaults(self, path: str, pipeline: str) -> None:
        """Templates may refer to the params.yaml beside a dvc.yaml, so DVC reads it too."""
        try:
            values = self._files.parsed(path, raw_document)
        except (MissingObject, CorruptObject):
            raise
        except _UNREADABLE as error:
            self._syntax(pipeline)
            told = broken(path, error)["error"]
            raise _RowError(told["type"], told["msg"]) from error
        if values is not None and not isinstance(values, Mapping):
            kind = type(values).__name__
            problem = f"expected a dictionary, got '{kind}' in file '{path}'"
            raise _RowError("ResolveError", f"failed to parse 'vars' in '{pipeline}': {problem}")

    def _understood(self, path: str, parse: Any) -> Any:
        try:
            return self._files.parsed(path, parse)
        except (MissingObject, CorruptObject):
            raise
        except _UNREADABLE as error:
            raise self._wrong(path, error) from error

    def _wrong(self, path: str, error: Exception) -> _RowError:
        """The error of a file of the pipeline that cannot be understood."""
        other = error.path if isinstance(error, BadInput) else path
        if other != path:  # a file of its vars
            told = broken(other, error)["error"]
            return _RowError(told["type"], told["msg"])
        self._syntax(path)
        try:
            if not path.endswith(DATA_ENDING) and not path.endswith(".lock") and self._files.parsed(path, _is_template):
                return _RowError("ResolveError", str(error))
        except _UNREADABLE:
            pass
        where = f" in revision '{self._revision}'" if self._revision else ""
        return _RowError("YAMLValidationError", f"'./{path}' validation failed{where}")

    def _syntax(self, path: str) -> None:
        """Raises what DVC says of a file that is no YAML."""
        try:
            self._files.parsed(path, raw_document)
        except (MissingObject, CorruptObject):
            raise
        except _UNREADABLE as error:
            told = broken(path, error)["error"]
            raise _RowError(told["type"].replace("YAMLFileCorrupted", "YAMLSyntax"), told["msg"]) from error

    def _stages(self, file: PipelineFile) -> Iterator[Part]:
        path = lock_path(file.path)
        entries: Mapping[str, Locked] = self._understood(path, locked.read) or {}
        for stage in file.stages:
            entry = entries.get(stage.name)
            if entry is None:
                yield Part(stage, {}, {})
                continue
            deps, outs = described(entry.deps), described(entry.outs)
            if not all(entry.deps.values()):  # digests of other kinds: of what lies beyond this machine
                deps.update(self._understood(path, foreign).get(stage.name, {}))
            yield Part(stage, deps, outs)

    # Parameters and metrics: what is wrong with a file is told of that file.

    def _params(self, pipelines: Iterable[PipelineFile]) -> dict[str, Told]:
        wanted: dict[str, tuple[str, ...] | None] = {}
        for file in pipelines:
            for stage in file.stages:
                for dep in stage.params:
                    known = wanted.setdefault(dep.path, ())
                    wanted[dep.path] = None if known is None or not dep.names else (*known, *dep.names)
        if not self._stages_only:
            wanted.update(dict.fromkeys(path for file in pipelines for path in file.params))
            if self._exists(PARAMS_FILE):
                wanted[PARAMS_FILE] = None
        found: dict[str, Told] = {}
        for path, keys in wanted.items():
            for name, told in self._read(path, raw_document).items():
                is_part = keys is not None and "data" in told
                found[name] = {"data": selected(told["data"], keys or ())} if is_part else told
        for file in pipelines:
            for path, values in file.used.items():
                if path not in wanted:
                    found.setdefault(path, {"data": {}})["data"].update(values)
        return found

    def _exists(self, path: str) -> bool:
        try:
            return self._files.parsed(path, raw_document) is not None
        except _UNREADABLE:
            return True

    def _metrics(self, pipelines: Iterable[PipelineFile], parts: Iterable[Part]) -> dict[str, Told]:
        stages = (part.item for part in parts if isinstance(part.item, Stage))
        wanted = dict.fromkeys(out.path for stage in stages for out in stage.outs if out.kind == "metrics")
        wanted.update(dict.fromkeys(path for file in pipelines for path in file.metrics))
        return {name: told for path in wanted for name, told in self._read(path, raw_metrics).items()}

    def _read(self, path: str, parse: Callable[[str, bytes], Any]) -> dict[str, Told]:
        """A file, each file in a folder, or what the cache has under that path."""
        try:
            document = self._files.parsed(path, parse)
            if document is not None:
                return {path: {"data": document}}
            inside = self._files.below(path)
        except _UNREADABLE as error:
            return {path: self._broken(path, error)}
        if inside:
            return {name: told for file in inside for name, told in self._read(file, parse).items()}
        return self._in_cache(path, parse)

    def _in_cache(self, path: str, parse: Callable[[str, bytes], Any]) -> dict[str, Told]:
        """An output, the files of one that is a directory, or what lies in one."""
        place = next((place for place in _upwards(path) if place in self._kept), None)
        if place is None:
            return {path: _problem("FileNotFoundError", _MISSING.format(path))}
        digest = self._kept[place]
        if digest is None or not digest.is_dir:
            if place != path:
                return {path: _problem("FileNotFoundError", _MISSING.format(path))}
            return {path: self._stored(path, digest, parse)}
        files = self._listed(digest)
        if files is None:
            self._is_final = False
            if place == path:
                return {path: _problem("IsADirectoryError", _IS_FOLDER.format(path))}
            return {path: _problem("DataIndexDirError", f"failed to load directory {tuple(place.split('/'))}")}
        inside = {name: child for name, child in files.items() if path in _upwards(f"{place}/{name}")}
        if not inside:
            return {path: _problem("FileNotFoundError", _MISSING.format(path))}
        return {f"{place}/{name}": self._stored(f"{place}/{name}", child, parse) for name, child in inside.items()}

    def _listed(self, digest: Digest) -> Mapping[str, Digest] | None:
        """The files of a directory by their paths in it; None when the cache cannot tell."""
        from assay.engine.store.manifest import files_in

        if digest not in self._folders:
            try:
                self._folders[digest] = {name: entry.digest for name, entry in files_in(self._project.cache, digest)}
            except AssayError:
                self._folders[digest] = None
        return self._folders[digest]

    def _stored(self, path: str, digest: Digest | None, parse: Callable[[str, bytes], Any]) -> Told:
        """A file out of the cache."""
        if digest is None:
            return _problem("FileNotFoundError", _NOT_STORED.format(path))
        try:
            return {"data": parse(path, checked_size(path, self._project.cache.read(digest)))}
        except StoreError:
            self._is_final = False
            return _problem("FileNotFoundError", _NOT_STORED.format(path))
        except _UNREADABLE as error:
            return self._broken(path, error)

    def _broken(self, path: str, error: Exception) -> Told:
        self._is_final = self._is_final and not isinstance(error, (MissingObject, CorruptObject, StoreError))
        return broken(path, error)


def broken(path: str, error: Exception) -> Told:
    """What is told of a file of parameters or metrics that cannot be read."""
    if isinstance(error, (MissingObject, CorruptObject, StoreError)):
        return _problem(type(error).__name__, error.message)
    if isinstance(error.__cause__, UnicodeDecodeError):
        return _problem("EncodingError", f"unable to read: '{path}', is not valid utf-8")
    kind = documents.kind(path)
    return _problem(_KINDS[kind], f"unable to read: '{path}', {_WORDS[kind]} file structure is corrupted")


def _problem(kind: str, text: str) -> Told:
    return {"error": {"type": kind, "msg": text}}


def raw_document(path: str, data: bytes) -> Any:
    """A file of parameters as it is, an empty map where it says nothing. Raises BadInput."""
    return documents.read(path, data) or {}


def raw_metrics(path: str, data: bytes) -> Any:
    """A file's metrics as they are, an empty map where there are none. Raises BadInput."""
    return metrics.read(path, data) or {}


@lru_cache(maxsize=8)
def _data_file(root: str) -> Callable[[str, bytes], DataFile]:
    """What reads ``.dvc`` files of a project there; the same function for the same place."""
    return lambda path, data: datafile.parse_file(data, path, root)


def _is_template(_path: str, data: bytes) -> bool:
    return b"${" in data or b"vars" in data


def _upwards(path: str) -> Iterator[str]:
    """The path, then the folders that it lies in."""
    while path:
        yield path
        path = path.rpartition("/")[0]
