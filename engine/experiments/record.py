"""What a commit says about an experiment: parameters, metrics, dependencies, outputs.

Everything comes from Git objects, except files that are cached outputs or lie in one: those come from the local cache,
and a record that lacks one because it is not there is good for this time only. Nothing is ever downloaded or executed,
and whatever cannot be read becomes a sentence in ``errors``, never an exception. `read_workspace` says the same of
the files as they are now.

A parameters file is shown whole when it is the project's params.yaml or named at the top of a dvc.yaml, else only the
keys that stages track. Of metrics, numbers, words and booleans are shown; lists in them are for plots.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from assay.engine.errors import AssayError, CorruptObject, GitError, MissingArtifact, MissingObject, StoreError
from assay.engine.experiments import locked
from assay.engine.experiments.files import CommitFiles, Files, TreeReader, WorkFiles, checked_size
from assay.engine.experiments.locked import Described, described
from assay.engine.experiments.values import plain
from assay.engine.git.objects import COMMIT, KIND_NAMES, parse_commit
from assay.engine.model import Digest, Experiment, Oid, Signature
from assay.engine.params import documents
from assay.engine.pipeline import datafile, metrics, spec
from assay.engine.pipeline.discover import DATA_ENDING
from assay.engine.pipeline.stage import PARAMS_FILE, PipelineFile, lock_path
from assay.engine.project import Project

VERSION = 4
"""Raised whenever the same commit would give another record."""

NO_COMMIT = Oid(bytes(20))
COMMIT_ITSELF = "(commit)"
"""The name in ``errors`` of what concerns no file of the commit."""

_NOBODY = Signature("", "", 0)
_LATEST = 1 << 62
_T = TypeVar("_T")


class Read(NamedTuple):
    """A record, and whether it holds for good: not when an object that it needs is missing or damaged here."""

    experiment: Experiment
    is_final: bool


def options(project: Project) -> str:
    """Everything but the commit that a record depends on, as text."""
    return f"{VERSION} {project.prefix}"


def read_records(project: Project, commits: Iterable[Oid]) -> Iterator[Read]:
    """The records of commits, in their order, what cannot be read in their ``errors``; what they share is read once."""
    reader = TreeReader(project.repo.objects, project.prefix, project.root)
    return (read_one(project, reader, commit) for commit in commits)


def read_workspace(project: Project) -> Experiment:
    """The record of the work tree as it is now; its commit is `NO_COMMIT`."""
    draft = _Draft(project, WorkFiles(project), has_cache=False)  # what is only in the cache is not here now
    draft.describe()
    return Experiment(NO_COMMIT, (), "", _NOBODY, **draft.parts())


def read_one(project: Project, reader: TreeReader, commit: Oid) -> Read:
    """The record of one commit; what other commits have in common with it is in the reader."""
    try:
        kind, data = project.repo.objects.read(commit)
        if kind != COMMIT:
            raise GitError(f"{commit.hex()} is a {KIND_NAMES[kind].decode()}, not a commit.")
        info = parse_commit(data)
    except AssayError as error:
        return Read(Experiment(commit, (), "", _NOBODY, errors={COMMIT_ITSELF: error.message}), is_final=False)
    draft = _Draft(project, CommitFiles(reader, info.tree))
    draft.describe()
    time = min(max(info.committer.time, -_LATEST), _LATEST)
    return Read(Experiment(commit, info.parents, info.message, info.author, **draft.parts(), time=time), draft.is_final)


class _Draft:
    """A record in the making; the methods fill it in, in the order in which they stand here."""

    def __init__(self, project: Project, files: Files, *, has_cache: bool = True) -> None:
        self.project = project
        self.files = files
        self.has_cache = has_cache
        self.params: dict[str, Any] = {}
        self.metrics: dict[str, Any] = {}
        self.deps: dict[str, Described] = {}
        self.outs: dict[str, Described] = {}
        self.errors: dict[str, str] = {}
        self.folders: dict[str, Described] = {}
        self.is_final = True

    def parts(self) -> dict[str, Any]:
        """What `Experiment` takes."""
        return {name: getattr(self, name) for name in ("params", "metrics", "deps", "outs", "errors")}

    def tried(self, path: str, action: Callable[..., _T], *words: Any) -> _T | None:
        """What an action gives; None, and a sentence in ``errors``, when it fails."""
        try:
            return action(*words)
        except (MissingObject, CorruptObject, StoreError) as error:
            self.is_final = False
            self.errors[path] = error.message
        except AssayError as error:
            self.errors[path] = error.message
        except (ValueError, RecursionError, OverflowError) as error:
            self.errors[path] = f"{path}: cannot be read: {error}."
        return None

    def describe(self) -> None:
        """Reads everything."""
        special = self.tried(COMMIT_ITSELF, self.files.special) or ()
        pipelines = [path for path in special if not path.endswith(DATA_ENDING)]
        files = {path: self.tried(path, pipeline_of, self.files, path) for path in pipelines}
        declared = declared_by(files)
        if any(file is not None and file.names_root for file in files.values()):
            self.is_final = False  # elsewhere the same commit says something else
        cached: dict[str, Described] = {}
        for path in pipelines:
            self._locked(path, declared, cached)
        for path in special:
            if path.endswith(DATA_ENDING):
                self._tracked(path, declared, cached)
        for path, keys in declared.params.items():
            document = self.tried(path, self.files.parsed, path, document_of)
            if document is None and path not in self.errors:
                document = (self.tried(path, self._inside, path, document_of) or {}).get(path)
            if document is not None and keys is not None:
                document = self.tried(path, selected, document, keys)
            if document is not None:
                self.params[path] = document
        for path, values in declared.used.items():
            if path not in self.params:
                self.params[path] = plain(dict(values))
        for path in declared.metrics:
            self._metrics(path, cached.get(path) if self.has_cache else None)

    def _locked(self, path: str, declared: Declared, cached: dict[str, Described]) -> None:
        """Dependencies and outputs from the lock file beside a dvc.yaml, those of stages that are gone left out."""
        entries = self.tried(lock_path(path), self.files.parsed, lock_path(path), locked.read)
        folders = declared.folders.get(path)
        for name, entry in (entries or {}).items():
            if folders is None:
                wdir = posixpath.dirname(path)
            elif name in folders:
                wdir = folders[name]
            else:
                continue
            for spelled, artifact in entry.deps.items():
                self.deps[_joined(wdir, spelled)] = artifact
            outs = {_joined(wdir, spelled): artifact for spelled, artifact in entry.outs.items()}
            self._written(outs, declared, cached)

    def _tracked(self, path: str, declared: Declared, cached: dict[str, Described]) -> None:
        """Outputs from a ``.dvc`` file."""
        found = self.tried(path, self.files.parsed, path, _data_file(self.files.root)) or _NO_DATA
        if found.names_root:
            self.is_final = False
        self._written(found.outs, declared, cached)

    def _written(self, outs: Mapping[str, Described], declared: Declared, cached: dict[str, Described]) -> None:
        for path, artifact in outs.items():
            if artifact and artifact["digest"].endswith(".dir"):
                self.folders[path] = artifact
            if path in declared.metrics:
                cached[path] = artifact
            elif path not in declared.plots:
                self.outs[path] = artifact

    def _metrics(self, path: str, artifact: Described | None) -> None:
        """The metrics of a file, of each file in a folder, or of an output in the cache."""
        document = self.tried(path, self.files.parsed, path, metrics_of)
        if document is not None:
            self.metrics[path] = document
        elif path not in self.errors:
            inside = self.tried(path, self.files.below, path)
            for file in inside or ():
                document = self.tried(file, self.files.parsed, file, metrics_of)
                if document is not None:
                    self.metrics[file] = document
            if not inside and artifact:
                self.tried(path, self._cached_metrics, path, artifact)
            elif not inside:
                self.metrics.update(self.tried(path, self._inside, path, metrics_of) or {})

    def _cached_metrics(self, path: str, artifact: Described) -> None:
        digest = _digest(artifact)
        if digest.is_dir:
            self.metrics.update(self._below(path, path, digest, metrics_of))
        else:
            self.metrics[path] = metrics_of(path, checked_size(path, self.project.cache.read(digest)))

    def _inside(self, path: str, parse: Callable[[str, bytes], Any]) -> dict[str, Any]:
        """A file, or the files of a folder, in an output that is a directory; nothing where there is no such output.

        Raises:
            AssayError: The directory is not here, so that nobody knows.
        """
        place = posixpath.dirname(path)
        while place and place not in self.folders:
            place = posixpath.dirname(place)
        if place and self.has_cache:
            try:
                return self._below(place, path, _digest(self.folders[place]), parse)
            except MissingArtifact as error:
                raise MissingArtifact(f"{path} cannot be read: {error.message}", error.hint) from error
        if place and not self.files.below(place):
            raise AssayError(f"{path} cannot be read: the folder {place} is not here.")
        return {}

    def _below(self, place: str, path: str, digest: Digest, parse: Callable[[str, bytes], Any]) -> dict[str, Any]:
        """What of a directory in the cache is this path, or lies below it."""
        from assay.engine.store.manifest import files_in

        cache = self.project.cache
        files = ((f"{place}/{name}", entry.digest) for name, entry in files_in(cache, digest))
        wanted = [(file, found) for file, found in files if file == path or file.startswith(f"{path}/")]
        return {file: parse(file, checked_size(file, cache.read(found))) for file, found in wanted}


def _digest(artifact: Described) -> Digest:
    text = artifact["digest"]
    return Digest(artifact["hash"], text.removesuffix(".dir"), text.endswith(".dir"))


class Declared(NamedTuple):
    """What pipeline files say.

    ``params`` has the keys of each file that are parameters, None for all, and ``stage_params`` those among them that
    stages read; ``written`` is what stages write; ``folders`` has the folder of each stage, by the path of its file,
    None for a file that cannot be read; ``used`` has the values that templates took from files.
    """

    params: Mapping[str, tuple[str, ...] | None]
    metrics: Mapping[str, None]
    plots: frozenset[str]
    folders: Mapping[str, Mapping[str, str] | None]
    stage_params: Mapping[str, tuple[str, ...] | None]
    written: frozenset[str]
    used: Mapping[str, Mapping[str, Any]]


def declared_in(files: Files) -> Declared:
    """What the pipeline files of a commit or of the workspace say; one that cannot be read says nothing."""

    def pipeline(path: str) -> PipelineFile | None:
        try:
            return pipeline_of(files, path)
        except (AssayError, ValueError, RecursionError, OverflowError):
            return None

    return declared_by({path: pipeline(path) for path in files.special() if not path.endswith(DATA_ENDING)})


def declared_by(files: Mapping[str, PipelineFile | None]) -> Declared:
    """What these pipeline files say; None stands for one that cannot be read."""
    params: dict[str, tuple[str, ...] | None] = {PARAMS_FILE: None}
    measured: dict[str, None] = {}
    plots: set[str] = set()
    folders: dict[str, dict[str, str] | None] = {}
    stage_params: dict[str, tuple[str, ...] | None] = {}
    written: set[str] = set()
    used: dict[str, dict[str, Any]] = {}
    for path, file in files.items():
        folders[path] = None if file is None else {stage.name: stage.wdir for stage in file.stages}
        if file is None:
            continue
        params.update(dict.fromkeys(file.params))
        for name, values in file.used.items():
            used.setdefault(name, {}).update(values)
        measured.update(dict.fromkeys(file.metrics))
        plots.update(file.plots)
        for stage in file.stages:
            for dep in stage.params:
                for known in (params, stage_params):
                    keys = known.get(dep.path, ())
                    known[dep.path] = None if keys is None or not dep.names else (*keys, *dep.names)
            written.update(out.path for out in stage.outs)
            for out in stage.outs:
                if out.kind == "metrics":
                    measured[out.path] = None
                elif out.kind == "plots":
                    plots.add(out.path)
    return Declared(params, measured, frozenset(plots), folders, stage_params, frozenset(written), used)


def pipeline_of(files: Files, path: str) -> PipelineFile | None:
    """What a dvc.yaml of a commit or of the workspace says, its templates resolved with files of the same place.

    Raises:
        BadInput: It is not a pipeline.
    """
    file = files.parsed(path, spec.understood_in(files.root))
    return None if file is None else spec.in_context(file, lambda name: files.parsed(name, _content))


def _content(_path: str, data: bytes) -> bytes:
    return data


def document_of(path: str, data: bytes) -> Any:
    """A parameters file's content as strict JSON types. Raises BadInput."""
    document = plain(documents.read(path, data))
    return {} if document is None else document


def metrics_of(path: str, data: bytes) -> Any:
    """A metrics file's content, as far as it counts, as strict JSON types. Raises BadInput."""
    values = plain(metrics.read(path, data))
    return {} if values is None else values


class _Data(NamedTuple):
    """What a ``.dvc`` file tracks, and whether that depends on where the project is."""

    outs: Mapping[str, Described]
    names_root: bool


_NO_DATA = _Data({}, names_root=False)


@lru_cache(maxsize=8)
def _data_file(root: str) -> Callable[[str, bytes], _Data]:
    """What reads ``.dvc`` files of a project there; the same function for the same place."""

    def read(path: str, data: bytes) -> _Data:
        file = datafile.parse_file(data, path, root)
        outs = {name: described(artifact) for name, artifact in file.cached.items()}
        return _Data(outs, file.source.names_root)

    return read


def selected(document: Any, keys: Iterable[str]) -> Any:
    """The part of a document that these dotted keys name."""
    found: dict[str, Any] = {}
    for key in keys:
        found = _merged(found, _picked(document, key) or {})
    return found


def _picked(value: Any, key: str) -> dict[str, Any] | None:
    """The one value that a dotted key names, still nested; a key that has dots of its own comes first."""
    if not isinstance(value, dict):
        return None
    if key in value:
        return {key: value[key]}
    name, _, rest = key.partition(".")
    inner = _picked(value.get(name), rest) if rest else None
    return None if inner is None else {name: inner}


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(one[key], other[key]) for key in other if isinstance(one.get(key), dict) and other[key]}
    return {**one, **other, **both}


def _joined(wdir: str, spelled: str) -> str:
    """A path as a lock file spells it, relative to the project."""
    return posixpath.normpath(posixpath.join(wdir, spelled)) if wdir else spelled
