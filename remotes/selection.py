"""Which data a push, a fetch or a pull is about: of the workspace and of other commits, all of it or some targets.

What is not shared (``push: false``) and what another repository shares (imports) stays out, and where a remote is
named, outputs that belong to another one too. A commit whose pipeline cannot be understood is named, and the others go
on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, cast

from assay.engine.data.items import Chosen, Item, choose, items_of
from assay.engine.errors import AssayError, UsageError
from assay.engine.experiments import dvcscope
from assay.engine.git.trees import lookup
from assay.engine.model import Oid
from assay.engine.params import documents
from assay.engine.pipeline import datafile, lock, spec
from assay.engine.pipeline.datafile import DataFile
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.lock import Listed, LockFile
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.spec import Pipeline
from assay.engine.pipeline.stage import PipelineFile, Stage, lock_path
from assay.engine.pipeline.tracked import Read, TreeFiles
from assay.engine.project import Project
from assay.remotes.artifacts.freight import Wanted

_FOLDER = 0o040000
_Locked = dict[str, Mapping[str, Any]]


class Scope(NamedTuple):
    """What a command is about.

    Attributes:
        targets: Tracked paths or paths in them, ``.dvc`` files, stages; none means everything.
        folder: The project path that targets are relative to.
        recursive: A folder means everything tracked below it.
        with_deps: What the targets' stages need is meant too.
        glob: Targets are patterns.
        branches: The tips of all branches too; ``tags`` and ``commits`` likewise.
        revisions: These commits too.
        workspace: Whether the workspace is meant.
        kinds: Only outputs of these kinds ("metrics", "plots"); none for all.
        largest: Only artifacts below this many bytes; None for all.
        pipeline: The workspace's, where it will be another than the one that is there; None for that.
    """

    targets: tuple[str, ...] = ()
    folder: str = ""
    recursive: bool = False
    with_deps: bool = False
    glob: bool = False
    branches: bool = False
    tags: bool = False
    commits: bool = False
    revisions: tuple[Oid, ...] = ()
    workspace: bool = True
    kinds: tuple[str, ...] = ()
    largest: int | None = None
    pipeline: Pipeline | None = None

    @property
    def has_commits(self) -> bool:
        """Whether other commits are meant, too."""
        return self.branches or self.tags or self.commits or bool(self.revisions)


EVERYTHING = Scope()
"""All data of the workspace."""


class Source(NamedTuple):
    """Where an import came from.

    Attributes:
        dep: What its ``.dvc`` file says of that.
        folder: The folder that a path in it is relative to, as a project path.
        settings: Further settings of the place (``fs_config``).
    """

    dep: Mapping[str, Any]
    folder: str
    settings: Mapping[str, Any] = {}

    @property
    def is_repository(self) -> bool:
        """Whether it is a path in another Git repository."""
        return "repo" in self.dep


@dataclass
class Selected:
    """What is meant.

    Attributes:
        data: What is to travel, by project path, with the commit where it is not the workspace's.
        imported: Of ``data``'s neighbours what another repository shares, by the same names.
        sources: Of both what was imported, by the same names.
        absent: Where imports come from that were never brought, and of which nothing is in the workspace, by project
            path.
        recorded: What ``.dvc`` and lock files say of those of ``data`` of which a cloud keeps versions, by the same
            names: the project path, and the map there.
        problems: Commits that cannot be understood, with a sentence.
    """

    data: dict[str, Wanted] = field(default_factory=dict)
    imported: dict[str, Wanted] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    absent: dict[str, Source] = field(default_factory=dict)
    recorded: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class _Snapshot(NamedTuple):
    """The pipeline and the tracked data of a workspace or a commit."""

    pipeline: Pipeline
    items: Mapping[str, Item]
    locked: Mapping[str, Mapping[str, Any]] = {}
    """What lock files say of outputs of which a cloud keeps versions, by project path."""


def selected_data(project: Project, scope: Scope, remote: str | None, *, push: bool) -> Selected:
    """What data a command is about.

    Args:
        project: The project.
        scope: What was typed.
        remote: The remote that was named; None for none.
        push: Whether data leaves: then what is not to be shared stays out.

    Raises:
        UsageError: A target means nothing in the workspace, or nowhere.
        BadInput: A pipeline file of the workspace cannot be understood.
    """
    found = Selected()
    if scope.workspace:
        pipeline = scope.pipeline or spec.load(project)
        locked = _locked(pipeline.stages.values(), Locks(project).data)
        _take(found, _Snapshot(pipeline, items_of(project, pipeline), locked), scope, remote, "", push=push)
    finder = TreeFiles(project.repo.objects)
    unmeant: UsageError | None = None
    is_meant = scope.workspace
    for commit in _commits(project, scope):
        name = commit.hex()[:7]
        try:
            _take(found, _at(project, commit, finder), scope, remote, f" of {name}", push=push)
            is_meant = True
        except UsageError as error:  # a commit need not have every target
            unmeant = error
        except AssayError as error:
            found.problems[f"commit {name}"] = error.message
    if unmeant is not None and not is_meant:
        raise unmeant
    return found


def _commits(project: Project, scope: Scope) -> list[Oid]:
    commits = list(scope.revisions)
    if scope.branches or scope.tags or scope.commits:
        wanted = dvcscope.Commits(number=1, branches=scope.branches, tags=scope.tags, commits=scope.commits)
        commits += dvcscope.baselines(project, wanted)
    return list(dict.fromkeys(commits))


def _take(found: Selected, there: _Snapshot, scope: Scope, remote: str | None, where: str, *, push: bool) -> None:
    terms = {out.path: (out.push, out.remote) for stage in there.pipeline.stages.values() for out in stage.outs}
    for file in there.pipeline.data.values():
        terms.update((out.path, (out.push, out.remote)) for out in file.outs)
    imports = {
        out.path: Source(file.deps[0], file.wdir, out.settings)
        for file in there.pipeline.data.values()
        if file.is_import
        for out in file.outs
    }
    recorded = {**dict(_clouds(there.pipeline.data.values())), **there.locked}
    kinds = {out.path: out.kind for stage in there.pipeline.stages.values() for out in stage.outs}
    known, known_imports = set(found.data.values()), set(found.imported.values())
    for chosen in _meant(there, scope):
        path, artifact = chosen.item.path, chosen.item.artifact
        shared, own = terms[path]
        if artifact is None and chosen.item.cache and path in imports and not (push or where):
            found.absent[path] = imports[path]
        if artifact is None or not chosen.item.cache or (push and not shared) or (remote and own not in ("", remote)):
            continue
        if scope.kinds and kinds.get(path) not in scope.kinds:
            continue
        if scope.largest and (artifact.size or 0) >= scope.largest:
            continue
        wanted = Wanted(artifact, own, tuple(part[len(path) + 1 :] for part in chosen.parts))
        source = imports.get(path)
        if source is not None and source.is_repository:
            if not where or wanted not in known_imports:
                found.imported[path + where] = wanted
                found.sources[path + where] = source
                known_imports.add(wanted)
        elif not where or wanted not in known:  # in the workspace each path counts: there are remotes that have them
            found.data[path + where] = wanted
            known.add(wanted)
            if path in recorded:
                found.recorded[path + where] = path, recorded[path]
            if source is not None:
                found.sources[path + where] = source


def _clouds(files: Iterable[DataFile]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What ``.dvc`` files say of what a cloud keeps versions of, by project path."""
    for file in files:
        if "cloud:" in file.source.text:
            items = documents.parse(file.path, file.source.text)["outs"]
            yield from ((out.path, items[cast(int, out.keys[1])]) for out in file.outs)


def _locked(stages: Iterable[Stage], data: Callable[[Stage], Mapping[str, Any] | None]) -> _Locked:
    """What lock files say of what a cloud keeps versions of, by project path; ``data`` gives a stage's entry."""
    found = {}
    for stage in stages:
        items = {item["path"]: item for item in (data(stage) or {}).get("outs") or ()}
        for out in stage.outs:
            item = items.get(out.spelled, {})
            if "cloud" in item or "files" in item:
                found[out.path] = item
    return found


def _meant(there: _Snapshot, scope: Scope) -> list[Chosen]:
    if not scope.targets:
        return [Chosen(item) for item in there.items.values()]
    graph = Graph(there.pipeline.stages, there.pipeline.data)
    targets = list(_matching(there, graph, scope)) if scope.glob else scope.targets
    return choose(
        there.items, graph, targets, folder=scope.folder, recursive=scope.recursive, with_deps=scope.with_deps
    )


def _matching(there: _Snapshot, graph: Graph, scope: Scope) -> Iterator[str]:
    """What patterns stand for. Raises UsageError where one stands for nothing."""
    nodes = {graph.names.seen_from(node, scope.folder) for node in (*there.pipeline.data, *there.pipeline.stages)}
    above = scope.folder + "/" if scope.folder else ""
    paths = {path[len(above) :] for path in there.items if path.startswith(above)}
    for target in scope.targets:
        found = sorted(name for name in nodes | paths if _fits(name, target))
        if not found:
            raise UsageError(
                f"Nothing tracked matches {target!r}.", "* and ? stand for letters of one name, ** for any."
            )
        yield from found


def _fits(name: str, pattern: str) -> bool:
    """Whether a path matches a pattern, folder by folder."""
    return _fit(name.split("/"), pattern.split("/"))


def _fit(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns or not parts:
        return not parts and all(pattern == "**" for pattern in patterns)
    if patterns[0] == "**":
        return _fit(parts, patterns[1:]) or _fit(parts[1:], patterns)
    return fnmatchcase(parts[0], patterns[0]) and _fit(parts[1:], patterns[1:])


def _at(project: Project, commit: Oid, finder: TreeFiles) -> _Snapshot:
    """The pipeline and the tracked data of a commit. Raises AssayError."""
    objects = project.repo.objects
    tree = objects.read_commit(commit).tree
    prefix = project.prefix.rstrip("/")
    top = lookup(objects, tree, prefix) if prefix else None
    if prefix and (top is None or top.mode != _FOLDER):
        return _Snapshot(Pipeline(), {})
    tree = top.oid if top is not None else tree

    def read(path: str) -> bytes | None:
        item = lookup(objects, tree, path)
        return objects.read_blob(item.oid) if item is not None and item.mode & 0o170000 == 0o100000 else None

    return _snapshot(project, read, finder.below(tree))


def _snapshot(project: Project, read: Read, paths: Iterable[str]) -> _Snapshot:
    files: dict[str, PipelineFile] = {}
    data: dict[str, DataFile] = {}
    items: dict[str, Item] = {}
    for path in paths:
        content = read(path) or b""
        if path.endswith(".dvc"):
            data[path] = datafile.parse_file(content, path, project.root)
            items.update((out.path, Item(out.path, out.artifact, out.cache, path)) for out in data[path].outs)
            _lend(project, (out.listed for out in data[path].outs))
        else:
            files[path] = spec.resolved(content, path, read, root=project.root)
    locks: _Locked = {}
    for path, file in files.items():
        locked = read(lock_path(path))
        known = lock.parse(documents.decoded(lock_path(path), locked), lock_path(path)) if locked else LockFile()
        _lend(project, lock.listings(known) if b"files:" in (locked or b"") else ())
        entries, raw = known.stages, known.data.get("stages", {})
        locks.update(_locked(file.stages, lambda stage, raw=raw: raw.get(stage.name)))  # type: ignore[misc]
        for stage in file.stages:
            entry = entries.get(stage.name)
            for out in stage.outs:
                artifact = entry.outs.get(out.spelled) if entry is not None else None
                items[out.path] = Item(out.path, artifact, out.cache, stage.address)
    return _Snapshot(Pipeline.of(files, data), items, locks)


def _lend(project: Project, found: Iterable[Listed | None]) -> None:
    """Lets the cache read manifests that stand in the files themselves."""
    for listed in found:
        if listed is not None:
            project.cache.lend(listed.artifact.digest, listed.listing)
