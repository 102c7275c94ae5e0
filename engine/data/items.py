"""What a project tracks outside Git, and which of it a word on the command line means.

An item is one output of a stage or one path of a ``.dvc`` file, with what was recorded of it. A target is a path
that is tracked, a path inside a tracked folder, a ``.dvc`` file, a stage or pipeline file, and with ``recursive`` any
folder. A path wins over a stage of the same name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from assay.engine.errors import Refused, UnknownTarget, UsageError
from assay.engine.model import Artifact
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.source import nearest
from assay.engine.pipeline.spec import Pipeline
from assay.engine.project import Project
from assay.engine.workspace.files import within


class Item(NamedTuple):
    """One tracked path.

    Attributes:
        path: Its project path.
        artifact: What is recorded of it; None where nothing is.
        cache: Whether the cache keeps its content.
        owner: The ``.dvc`` file, or the address of the stage that writes it.
    """

    path: str
    artifact: Artifact | None
    cache: bool
    owner: str


class Chosen(NamedTuple):
    """A tracked path that was asked for; ``parts`` are the project paths inside it that are meant, none for all."""

    item: Item
    parts: tuple[str, ...] = ()

    @property
    def covers(self) -> Callable[[str], bool]:
        """Tells which project paths are meant."""
        return within(self.parts or (self.item.path,))


def items_of(project: Project, pipeline: Pipeline) -> dict[str, Item]:
    """Everything that a project tracks, by path: data first, then outputs of stages.

    Raises:
        BadInput: A lock file is not one.
    """
    locks = Locks(project)
    found = {}
    for file in pipeline.data.values():
        for out in file.outs:
            found[out.path] = Item(out.path, out.artifact, out.cache, file.path)
    for stage in pipeline.stages.values():
        entry = locks.entry(stage)
        for written in stage.outs:
            artifact = entry.outs.get(written.spelled) if entry is not None else None
            found[written.path] = Item(written.path, artifact, written.cache, stage.address)
    return found


def choose(
    items: Mapping[str, Item],
    graph: Graph,
    targets: Sequence[str],
    *,
    folder: str = "",
    recursive: bool = False,
    with_deps: bool = False,
) -> list[Chosen]:
    """The tracked paths that these targets mean; all of them when there are none.

    Args:
        items: From `items_of`.
        graph: The graph of the same pipeline.
        targets: As typed.
        folder: The project path that they are relative to; "" is the project itself.
        recursive: A folder means everything tracked below it.
        with_deps: What the targets' stages need is meant too.

    Raises:
        UsageError: A target means nothing.
    """
    if not targets:
        return [Chosen(item) for item in items.values()]
    parts: dict[str, tuple[str, ...]] = {}
    nodes: list[str] = []
    for target in targets:
        place = placed(target, folder)
        whole, inner = _paths_meant(items, place, recursive=recursive)
        for path in whole:
            parts[path] = ()
            nodes.append(items[path].owner)
        for path in inner:
            if parts.get(path, (path,)):
                parts[path] = (*parts.get(path, ()), place)
            nodes.append(items[path].owner)
        if not whole and not inner:
            owners = _nodes_meant(items, graph, target, folder)
            _refuse_outside(graph, owners)
            nodes += owners
            parts.update((item.path, ()) for item in items.values() if item.owner in owners)
    if with_deps:
        needed = graph.with_reads(nodes)
        parts.update((item.path, ()) for item in items.values() if item.owner in needed - set(nodes))
    return [Chosen(items[path], inner) for path, inner in parts.items()]


def _refuse_outside(graph: Graph, owners: Iterable[str]) -> None:
    """Raises Refused for a ``.dvc`` file that tracks nothing in the project."""
    for owner in owners:
        file = graph.data.get(owner)
        if file is not None and file.outside and not file.outs:
            raise Refused(
                f"{owner} tracks {file.outside[0].spelled}, which lies outside the project and is never written there.",
                "`assay status` tells whether it changed.",
            )


def owners_of(
    items: Mapping[str, Item], graph: Graph, targets: Sequence[str], *, folder: str = "", recursive: bool = False
) -> dict[str, tuple[str, ...]]:
    """The stages and ``.dvc`` files that these targets mean, each with the project paths that are meant of it.

    Args:
        items: From `items_of`.
        graph: The graph of the same pipeline.
        targets: As typed; none of these paths means the whole stage or file.
        folder: The project path that they are relative to; "" is the project itself.
        recursive: A folder means everything tracked below it.

    Raises:
        UsageError: A target means nothing.
    """
    found: dict[str, tuple[str, ...]] = {}
    for target in targets:
        place = placed(target, folder)
        whole, inner = _paths_meant(items, place, recursive=recursive)
        for path in (*whole, *inner):
            found[items[path].owner] = (*found.get(items[path].owner, ()), path if path in whole else place)
        if not whole and not inner:
            found.update(dict.fromkeys(_nodes_meant(items, graph, target, folder), ()))
    return found


def placed(target: str, folder: str) -> str:
    """The project path of a word typed in a folder. Raises UsageError when it lies outside the project."""
    path = posixpath.normpath(posixpath.join(folder, target))
    if path.split("/")[0] == ".." or not target:
        raise UsageError(f"{target or repr(target)} lies outside the project.")
    return path


def _paths_meant(items: Mapping[str, Item], target: str, *, recursive: bool) -> tuple[Sequence[str], Sequence[str]]:
    """The tracked paths that a path means as a whole, and those of which it means a part."""
    if target in items:
        return [target], []
    above = [path for path in items if target.startswith(path + "/")]
    if above:
        return [], above
    if recursive:
        return [path for path in items if target == "." or path.startswith(target + "/")], []
    return [], []


def _nodes_meant(items: Mapping[str, Item], graph: Graph, target: str, folder: str) -> set[str]:
    try:
        return set(graph.matching(target, folder))
    except UsageError as error:
        hint = nearest(placed(target, folder), items) or error.hint
        below = any(path.startswith(placed(target, folder) + "/") for path in items)
        raise UnknownTarget(
            f"{target!r} is neither tracked data nor a stage.",
            "-R takes a folder with all below it." if below else hint,
        ) from None


def selected(
    project: Project,
    pipeline: Pipeline,
    targets: Sequence[str],
    *,
    folder: str = "",
    recursive: bool = False,
    with_deps: bool = False,
) -> list[Chosen]:
    """`choose` from everything that a project tracks."""
    graph = Graph(pipeline.stages, pipeline.data)
    items = items_of(project, pipeline)
    return choose(items, graph, targets, folder=folder, recursive=recursive, with_deps=with_deps)
