"""What pipeline files say about data, in a commit's tree or in the workspace: for show, push, apply and checkout.

Nothing here fails because of one bad file: what is wrong with it is kept as a sentence under its path, and the rest is
read. Pipeline files that several commits share are understood once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from assay.engine.errors import AssayError, MissingObject
from assay.engine.git.objects import TREE, parse_tree
from assay.engine.git.trees import lookup
from assay.engine.layout import MARKERS
from assay.engine.model import Artifact, Digest, Oid
from assay.engine.params import documents
from assay.engine.pipeline import datafile, lock, spec
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.discover import NAME, is_pipeline_file
from assay.engine.pipeline.lock import LockEntry, LockFile
from assay.engine.pipeline.stage import PARAMS_FILE, PipelineFile, Stage, lock_path

if TYPE_CHECKING:
    from assay.engine.git.database import ObjectDatabase
    from assay.engine.project import Project

Read = Callable[[str], bytes | None]
"""A file's content by its project path; None when there is none."""

_FOLDER = 0o040000


class Tracked:
    """What the pipeline files of one tree or workspace name; every path is a project path.

    Attributes:
        outs: What belongs into the cache, by path: cached outputs as recorded, and data of ``.dvc`` files.
        in_git: Outputs that are not cached, recorded or not; they belong into the tree.
        kept_here: Those of ``outs`` that are not to be shared (``push: false``).
        remotes: The one remote that an output is shared through, where it names one.
        imported: Those of ``outs`` that another repository shares, and this one does not.
        recorded: Every recorded output, cached or not.
        deps: Every recorded dependency.
        metrics: Files and folders that hold metrics.
        params: Files that hold parameters, with the dotted keys that stages read; none means the whole file.
        plots: Files that hold plots.
        errors: Sentences about files that cannot be understood, by path.
        listings: Manifests that stand in the files themselves.
        outside: What the cache keeps of paths outside the project, which nothing here writes.
        awaited: What is to be tracked and was not fetched yet (`DataFile.awaited`).
        partly: What is known of the files of some of these (`DataFile.partly`).
        unnamed: What is to be tracked and of which nothing is known (`DataFile.unnamed`).
    """

    def __init__(self) -> None:
        self.outs: dict[str, Artifact] = {}
        self.in_git: dict[str, None] = {}
        self.kept_here: set[str] = set()
        self.remotes: dict[str, str] = {}
        self.imported: set[str] = set()
        self.recorded: dict[str, Artifact] = {}
        self.deps: dict[str, Artifact] = {}
        self.metrics: dict[str, None] = {}
        self.params: dict[str, tuple[str, ...]] = {}
        self.plots: dict[str, None] = {}
        self.errors: dict[str, str] = {}
        self.listings: dict[Digest, bytes] = {}
        self.outside: set[Digest] = set()
        self.awaited: dict[str, Artifact] = {}
        self.partly: dict[str, dict[str, Digest | None]] = {}
        self.unnamed: set[str] = set()

    def lend_to(self, project: Project) -> None:
        """Lets the cache read the manifests that stand in the files themselves."""
        for digest, data in self.listings.items():
            project.cache.lend(digest, data)


def tracked(read: Read, files: Iterable[str], root: str = "") -> Tracked:
    """What these files name.

    Args:
        read: Gives a file of the tree or workspace.
        files: The paths of its dvc.yaml and ``.dvc`` files; lock files are looked for beside each dvc.yaml.
        root: The project's absolute path, which absolute paths in the files may lie in.

    Raises:
        CorruptObject: What ``read`` raises about damage, and all else that is not the file's own fault.
    """
    found = Tracked()
    found.params[PARAMS_FILE] = ()
    for path in files:
        data = read(path)
        if data is None:
            continue
        try:
            if path.rpartition("/")[2] == NAME:
                _add_pipeline(found, spec.resolved(data, path, read, root=root), read)
            else:
                _add_data(found, datafile.parse_file(data, path, root))
        except AssayError as error:
            found.errors[path] = error.message
    return found


def is_from_repository(file: DataFile) -> bool:
    """Whether what a file tracks came from another Git repository, whose remote has it."""
    return any("repo" in dep for dep in file.deps)


def _add_data(found: Tracked, file: DataFile) -> None:
    found.outs.update(file.cached)
    found.awaited.update(file.awaited)
    found.partly.update(file.partly)
    found.unnamed.update(file.unnamed)
    found.outside.update(out.artifact.digest for out in file.outside if out.cache and out.artifact is not None)
    if is_from_repository(file):
        found.imported.update(file.cached)
    for out in file.outs:
        if out.listed is not None:
            found.listings[out.listed.artifact.digest] = out.listed.listing
        if not out.cache:
            found.in_git[out.path] = None
        elif not out.push:
            found.kept_here.add(out.path)
        if out.remote:
            found.remotes[out.path] = out.remote


def _add_pipeline(found: Tracked, file: PipelineFile, read: Read) -> None:
    entries = _entries(found, lock_path(file.path), read) if file.stages else {}
    for path in file.params:
        found.params[path] = ()
    found.metrics.update(dict.fromkeys(file.metrics))
    found.plots.update(dict.fromkeys(file.plots))
    for stage in file.stages:
        _add_stage(found, stage, entries.get(stage.name))


def _entries(found: Tracked, path: str, read: Read) -> Mapping[str, LockEntry]:
    data = read(path)
    if data is None:
        return {}
    try:
        file = _lock(data, path)
        if b"files:" in data:
            found.listings |= {listed.artifact.digest: listed.listing for listed in lock.listings(file)}
        return file.stages
    except AssayError as error:
        found.errors[path] = error.message
        return {}


@lru_cache(maxsize=256)
def _lock(data: bytes, path: str) -> LockFile:
    return lock.parse(documents.decoded(path, data), path)


def _add_stage(found: Tracked, stage: Stage, entry: LockEntry | None) -> None:
    for params in stage.params:
        known = found.params.get(params.path)
        if known is None:
            found.params[params.path] = params.names
        elif known:
            found.params[params.path] = tuple(dict.fromkeys(known + params.names)) if params.names else ()
    for out in stage.outs:
        if out.kind == "metrics":
            found.metrics[out.path] = None
        elif out.kind == "plots":
            found.plots[out.path] = None
        artifact = entry.outs.get(out.spelled) if entry is not None else None
        if not out.cache:
            found.in_git[out.path] = None
        elif artifact is not None:
            found.outs[out.path] = artifact
            if not out.push:
                found.kept_here.add(out.path)
            if out.remote:
                found.remotes[out.path] = out.remote
        if artifact is not None:
            found.recorded[out.path] = artifact
    for dep in stage.deps if entry is not None else ():
        artifact = entry.deps.get(dep.spelled) if entry is not None else None
        if artifact is not None:
            found.deps[dep.path] = artifact


class TreeFiles:
    """Finds the pipeline files of trees; a folder that many trees share is looked through once.

    Args:
        objects: Where the trees are.
    """

    def __init__(self, objects: ObjectDatabase) -> None:
        self._objects = objects
        self._known: dict[Oid, tuple[str, ...]] = {}

    def below(self, tree: Oid) -> tuple[str, ...]:
        """The paths of dvc.yaml and ``.dvc`` files in a tree, those of a folder before those of folders below it.

        Raises:
            MissingObject: A tree is not there.
            CorruptObject: One is damaged.
        """
        known = self._known.get(tree)
        if known is None:
            known = self._known[tree] = tuple(self._look(tree, is_top=True))
        return known

    def _look(self, tree: Oid, *, is_top: bool = False) -> list[str]:
        kind, data = self._objects.read(tree)
        if kind != TREE:
            raise MissingObject(f"{tree.hex()} is not a tree.")
        files, folders = [], []
        for item in parse_tree(data):
            if item.mode == _FOLDER:
                folders.append(item)
            elif item.mode & 0o170000 == 0o100000 and is_pipeline_file(item.name):
                files.append(item.name)
        if not is_top and any(item.name in MARKERS for item in folders):
            return []
        found = sorted(files, key=lambda name: (name != NAME, name))
        for item in folders:
            if item.name not in MARKERS:
                found += [f"{item.name}/{path}" for path in self._inner(item.oid)]
        return found

    def _inner(self, tree: Oid) -> tuple[str, ...]:
        known = self._known.get(tree)
        if known is None:
            known = self._known[tree] = tuple(self._look(tree))
        return known


def tracked_at(project: Project, commit: Oid, finder: TreeFiles | None = None) -> Tracked:
    """What the pipeline files of a commit name.

    Args:
        project: Whose repository it is; its prefix says where in the tree the project lies.
        commit: The commit.
        finder: Kept by callers that look at many commits.

    Raises:
        MissingObject: An object that the commit needs is not there.
        CorruptObject: One is damaged.
    """
    objects = project.repo.objects
    tree = objects.read_commit(commit).tree
    prefix = project.prefix.rstrip("/")
    if prefix:
        top = lookup(objects, tree, prefix)
        if top is None or top.mode != _FOLDER:
            return Tracked()
        tree = top.oid

    def read(path: str) -> bytes | None:
        item = lookup(objects, tree, path)
        return objects.read_blob(item.oid) if item is not None and item.mode & 0o170000 == 0o100000 else None

    found = tracked(read, (finder or TreeFiles(objects)).below(tree), project.root)
    found.lend_to(project)
    return found
