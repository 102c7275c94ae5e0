"""What another Git repository has: listed without its data, or brought to a path of this machine.

Both need a project of ours for a cache; `scratch` makes one that is gone in the end, so that they work anywhere.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, ConfigError, CorruptArtifact, RemoteError
from assay.engine.events import Reporter, silent
from assay.engine.experiments.init import init
from assay.engine.git.trees import items_of, lookup, tree_data
from assay.engine.ignore import IgnoreRules
from assay.engine.layout import dvc
from assay.engine.model import Artifact, Digest, Oid
from assay.engine.pipeline.discover import DATA_ENDING, NAME
from assay.engine.pipeline.tracked import tracked
from assay.engine.ports import Sink
from assay.engine.project import Project, World, open_project
from assay.engine.store.digest import object_key
from assay.engine.store.manifest import files_in
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.loose import LooseHoldings
from assay.remotes.foreign import Foreign, Origin, plain
from assay.remotes.imports.getting import arrive, staging
from assay.remotes.imports.listing import Node, put
from assay.remotes.imports.places import Way, gathered
from assay.remotes.registry import open_store
from assay.remotes.sources import Sources

_FOLDER, _RUNS = 0o040000, 0o100755
_PIECE = 1 << 20
_OWN = (".git", ".dvc")


@contextmanager
def scratch(above: str, world: World, report: Reporter = silent) -> Iterator[Project]:
    """A project without Git in a new folder, which is gone in the end.

    Args:
        above: Absolute path of the folder that it is made in.
        world: What only the outside knows.
        report: Where events go.
    """
    with staging(f"{above}/scratch") as folder:
        init(folder, world, dvc(), without_git=True)
        project = open_project(folder, world, report)
        try:
            yield project
        finally:
            project.close()


def get(project: Project, origin: Origin, target: str, jobs: int | None = None) -> None:
    """Brings a file or folder of another repository.

    Args:
        project: Its cache is used; it lies on the file system of ``target``.
        origin: Which; a path of a repository is absolute.
        target: Absolute path that it gets; files of a folder that is there already are replaced one by one.
        jobs: How many transfers at once; None for what the configuration says.

    Raises:
        GitError: There is no such repository.
        UnknownRevision: It has no such revision, or nothing at that path.
        RemoteError: The repository, or its data, cannot be reached.
        Refused: Something else is in the way.
    """
    with Sources(project, jobs) as sources:
        there = sources.foreign(origin.url, "")
        artifact = sources.take(there, there.commit(origin.revision), origin)
    with staging(target) as folder:
        files = dict(_ways(project, artifact))
        with gathered(
            files, lambda: disk.NewFile(folder), artifact.digest.algo, 1, project.report, origin.path
        ) as came:
            arrive(came, folder, target)


def _ways(project: Project, artifact: Artifact) -> Iterator[tuple[str, Way]]:
    if not artifact.digest.is_dir:
        yield "", _copying(project, artifact.digest)
        return
    for name, entry in files_in(project.cache, artifact.digest):
        yield name, _copying(project, entry.digest)


def _copying(project: Project, digest: Digest) -> Way:
    def way(sink: Sink) -> None:
        with project.cache.open(digest) as stream:
            while piece := stream.read(_PIECE):
                sink.write(piece)

    return way


def url_of(project: Project, origin: Origin) -> str:
    """Where the remote of another repository has data that it tracks.

    Args:
        project: For listings of folders.
        origin: Which data.

    Raises:
        BadInput: It tracks no such data as a whole, or in a folder.
        ConfigError: It names no remote.
    """
    with Sources(project) as sources:
        there = sources.foreign(origin.url, "")
        commit = there.commit(origin.revision)
        found = there.at(commit, origin.path)
        if "" not in found.artifacts:
            raise BadInput(origin.path, "is nothing that the repository tracks as data")
        digest = found.artifacts[""].digest
        if found.part:
            _know(project, there, commit, origin, [digest])
            digest = _inside(project, digest, found.part, origin.path)
        remote = next((one for one in there.remotes(commit, origin) if one.name != "cache"), None)
        if remote is None:
            raise ConfigError(f"{there.url} names no remote.", "Name one with --remote.")
        return f"{remote.url.rstrip('/')}/{object_key(digest)}"


def _inside(project: Project, digest: Digest, part: str, path: str) -> Digest:
    for name, entry in files_in(project.cache, digest):
        if name == part:
            return entry.digest
    raise BadInput(path, "is nothing that the repository tracks as data")


def _know(project: Project, there: Foreign, commit: Oid, origin: Origin, roots: list[Digest]) -> None:
    """Brings listings of folders, from the first place that has them; what nobody has stays unknown."""
    contents = Contents(project.cache)
    for remote in there.remotes(commit, origin):
        if not project.cache.missing({digest for digest in roots if digest.is_dir}):
            return
        with suppress(RemoteError, CorruptArtifact):
            store = open_store(remote)
            try:
                LooseHoldings(project.cache, store, remote.jobs, project.report).bring(
                    roots, contents, only_manifests=True
                )
            finally:
                store.close()


# Listing.


class Wanted(NamedTuple):
    """What of a repository is listed.

    Attributes:
        origin: Which one, and the path; a path of a repository is absolute.
        only_data: Only what it tracks as data.
        deep: Whether folders are looked into.
    """

    origin: Origin
    only_data: bool = False
    deep: bool = False


def list_repository(project: Project, wanted: Wanted) -> Node:
    """What is at a path of a repository: at a revision; without one, of a folder of this machine, as it lies there.

    Raises:
        GitError: There is no such repository.
        UnknownRevision: It has no such revision.
        BadInput: Nothing is at that path.
        RemoteError: It cannot be reached.
    """
    origin, path = wanted.origin, plain(wanted.origin.path)
    with Sources(project) as sources:
        there = sources.foreign(origin.url, "")
        is_lying = bool(there.folder) and not origin.revision and os.path.lexists(f"{there.folder}/.git")
        if is_lying:
            top, commit = _lying(there.folder), _perhaps(there)
        else:
            commit = there.commit(origin.revision)
            there.bring(commit)
            top = _committed(there, there.repo.objects.read_commit(commit).tree)
        outs = _outs(there, top, None if is_lying else commit)
        near = {out: artifact for out, artifact in outs.items() if _concerns(out, path, deep=wanted.deep)}
        if commit is not None:
            with suppress(ConfigError):
                _know(project, there, commit, origin, [artifact.digest for artifact in near.values()])
        if wanted.only_data:
            top = Node({}, top.size)
        for out, artifact in outs.items():
            _put_data(project, top, out, artifact)
    node = _at(top, path)
    if node is None:
        raise BadInput(wanted.origin.path, "does not exist", hint="Check its spelling.")
    return node


def _perhaps(there: Foreign) -> Oid | None:
    try:
        return there.commit("")
    except AssayError:  # nothing was committed yet
        return None


def _concerns(out: str, path: str, *, deep: bool) -> bool:
    """Whether a list of a path looks into this data."""
    return f"{path}/".startswith(f"{out}/") or (deep and (not path or out.startswith(f"{path}/")))


def _lying(folder: str, rules: IgnoreRules | None = None, above: str = "") -> Node:
    """A folder as it lies there, without what .dvcignore files name."""
    rules = rules or IgnoreRules(folder, (".dvcignore",))
    inside: dict[str, Node] = {}
    with os.scandir(f"{folder}/{above}") as entries:
        for entry in entries:
            path = f"{above}{entry.name}"
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in _OWN or rules.ignored(path, is_folder):
                continue
            found = entry.stat(follow_symlinks=False)
            if is_folder:
                inside[entry.name] = _lying(folder, rules, f"{path}/")
            else:
                inside[entry.name] = Node(None, found.st_size, is_exec=bool(found.st_mode & stat.S_IXUSR))
    return Node(inside, os.stat(f"{folder}/{above}").st_size)


def _committed(there: Foreign, tree: Oid) -> Node:
    """The files of a tree; the size of a folder is that of Git's own record of it."""
    objects = there.repo.objects
    inside: dict[str, Node] = {}
    for name, mode, oid in items_of(objects, tree):
        if name in _OWN:
            continue
        if mode == _FOLDER:
            inside[name] = _committed(there, oid)
        elif oid in objects:  # not so of a submodule
            inside[name] = Node(None, len(objects.read(oid)[1]), is_exec=mode == _RUNS)
    return Node(inside, len(tree_data(objects, tree)))


def _outs(there: Foreign, top: Node, commit: Oid | None) -> dict[str, Artifact]:
    """The data that the ``.dvc`` and lock files of a tree name."""
    objects = there.repo.objects
    tree = objects.read_commit(commit).tree if commit is not None else None

    def read(name: str) -> bytes | None:
        if tree is None:
            try:
                with open(f"{there.folder}/{name}", "rb") as file:
                    return file.read()
            except OSError:
                return None
        item = lookup(objects, tree, name)
        return objects.read_blob(item.oid) if item is not None and item.mode & 0o170000 == 0o100000 else None

    found = tracked(read, _named(top), there.folder)
    there.lend(found)
    return dict(found.outs)


def _named(node: Node, above: str = "") -> Iterator[str]:
    for name, inside in (node.children or {}).items():
        if inside.is_folder:
            yield from _named(inside, f"{above}{name}/")
        elif name == NAME or name.endswith(DATA_ENDING):
            yield f"{above}{name}"


def _put_data(project: Project, top: Node, out: str, artifact: Artifact) -> None:
    """Puts data into a tree, over the files that lie there."""
    digest = artifact.digest
    known = _at(top, out)
    if not digest.is_dir:
        runs, size = (known.is_exec, known.size) if known else (False, artifact.size)
        put(top, out, Node(None, size, is_out=True, is_exec=runs, digest=digest.text))
        return
    is_here = known is not None and known.is_folder
    size = known.size if known is not None and is_here else artifact.size
    node = Node(known.children if known is not None and is_here else {}, size, is_out=True, digest=digest.text)
    put(top, out, node)
    with suppress(AssayError):  # a listing that nobody has
        for name, entry in files_in(project.cache, digest):
            lying = _at(node, name)
            runs, size = (lying.is_exec, lying.size) if lying else (False, None)
            put(node, name, Node(None, size, is_out=True, is_exec=runs, digest=entry.digest.hex))
            _mark(node, posixpath.dirname(name))


def _mark(node: Node, folder: str) -> None:
    """Notes of folders in data that they are data."""
    while folder:
        found = _at(node, folder)
        if found is None or found.is_out:
            return
        put(node, folder, found._replace(is_out=True))
        folder = posixpath.dirname(folder)


def _at(top: Node, path: str) -> Node | None:
    here: Node | None = top
    for part in path.split("/") if path else ():
        here = (here.children or {}).get(part) if here is not None else None
    return here
