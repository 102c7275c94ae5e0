"""How each stage and each ``.dvc`` file differs from what was recorded of it: every input and output by itself.

`repro` asks whether a stage has to run, and stops looking when it knows; here everything is looked at, and told in
DVC's words. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from assay.engine.data.items import items_of, owners_of
from assay.engine.model import Artifact
from assay.engine.pipeline.changes import same, same_url
from assay.engine.pipeline.datafile import DataFile, DataOut
from assay.engine.pipeline.graph import Graph
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.locks import Locks
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.spec import load
from assay.engine.pipeline.stage import Out, ParamsDep, Stage
from assay.engine.pipeline.urls import Unknown, without_login
from assay.engine.ports import UrlState
from assay.engine.project import Project
from assay.engine.workspace.files import within

Word = Literal["new", "modified", "deleted", "not in cache"]


class Drift(NamedTuple):
    """How one stage or ``.dvc`` file differs from its record.

    Attributes:
        node: The stage's address, or the path of the ``.dvc`` file.
        deps: What it reads, by project path; a parameter file that is there has a word for each key instead.
        outs: What it writes, by project path.
        always: Whether it would run every time.
        command: Whether its command changed since it last ran.
        frozen: Whether it never runs; what it reads is not looked at then.
        checksum: Whether an import's file says other things than its checksum was made of.
    """

    node: str
    deps: Mapping[str, Word | Mapping[str, Word]]
    outs: Mapping[str, Word]
    always: bool = False
    command: bool = False
    frozen: bool = False
    checksum: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.deps or self.outs or self.always or self.command or self.checksum)


class Drifted(NamedTuple):
    """What was asked for, in the order of the files: the graph it is in, and each node, changed or not."""

    graph: Graph
    nodes: tuple[Drift, ...]


def drift(
    project: Project,
    targets: Sequence[str] = (),
    *,
    folder: str = "",
    recursive: bool = False,
    with_deps: bool = False,
) -> Drifted:
    """Compares stages and data with their records.

    Args:
        project: The project.
        targets: Stages, ``.dvc`` files, tracked paths or paths in them; none means everything.
        folder: The project path that they are relative to.
        recursive: A folder means everything tracked below it.
        with_deps: What the targets' stages need is meant too.

    Raises:
        UsageError: A target means nothing.
        BadInput: A pipeline, lock or parameter file is wrong.
    """
    pipeline = load(project)
    graph = Graph(pipeline.stages, pipeline.data)
    nodes: dict[str, tuple[str, ...]] = dict.fromkeys([*pipeline.data, *pipeline.stages], ())
    if targets:
        meant = owners_of(items_of(project, pipeline), graph, targets, folder=folder, recursive=recursive)
        needed = graph.with_reads(meant) if with_deps else set(meant)
        nodes = {node: meant.get(node, ()) for node in nodes if node in needed}
    look = _Look(project)
    return Drifted(graph, tuple(look.at(graph, node, paths) for node, paths in nodes.items()))


class _Look:
    """Looks at one node after the other."""

    def __init__(self, project: Project) -> None:
        self._observer = Observer(project)
        self._locks = Locks(project)

    def at(self, graph: Graph, node: str, paths: Sequence[str]) -> Drift:
        """One node; of its outputs only those that these paths mean, all when there are none."""
        covers = within(paths)

        def meant(path: str) -> bool:
            return not paths or covers(path) or any(inner.startswith(path + "/") for inner in paths)

        stage = graph.stages.get(node)
        if stage is None:
            return self._data(graph.data[node], meant)
        entry = self._locks.entry(stage)
        outs = {
            without_login(out.path): word
            for out in stage.written
            if meant(out.path) and (word := self._stage_out(stage, out, entry))
        }
        is_other = entry is not None and entry.cmd != stage.cmd
        always = stage.is_callback or stage.always_changed
        deps = {} if stage.frozen else self._deps(stage, entry)
        return Drift(node, deps, outs, always, is_other, stage.frozen)

    def _data(self, file: DataFile, meant: Callable[[str], bool]) -> Drift:
        words = {out.path: self._out(out, out.artifact) for out in file.all_outs if meant(out.path)}
        outs = {path: word for path, word in words.items() if word}
        return Drift(file.path, {}, outs, frozen=file.frozen, checksum=file.is_import and not file.is_as_summed)

    def _stage_out(self, stage: Stage, out: Out, entry: LockEntry | None) -> Word | None:
        if out.place != "url":
            return self._out(out, entry.outs.get(out.spelled) if entry is not None else None)
        return None if stage.frozen else self._url(out.path, entry.urls.get(out.spelled) if entry is not None else None)

    def _url(self, url: str, known: UrlState | None) -> Word | None:
        """As DVC has it, a server that does not say what is there counts as one that has nothing."""
        state = self._observer.urls.at(url)
        if state is None or isinstance(state, Unknown):
            return "deleted"
        return None if same_url(known, state) else "modified"

    def _out(self, out: Out | DataOut, known: Artifact | None) -> Word | None:
        if out.place == "url":
            return None
        if known is not None and out.cache and out.place == "project" and not self._observer.has(known):
            return "not in cache"
        return self._differs(out.path, known)

    def _differs(self, path: str, known: Artifact | None) -> Word | None:
        current = self._observer.artifact(path, known=known)
        if current is None:
            return "deleted"
        return None if known is not None and known.digest == current.digest else "modified"

    def _deps(self, stage: Stage, entry: LockEntry | None) -> dict[str, Word | Mapping[str, Word]]:
        known = entry.deps if entry is not None else {}
        found: dict[str, Word | Mapping[str, Word]] = {}
        for dep in stage.deps:
            word: Word | None = None
            if dep.place == "url":
                word = self._url(dep.path, entry.urls.get(dep.spelled) if entry is not None else None)
            elif dep.can_be_seen:
                word = self._differs(dep.path, known.get(dep.spelled))
            if word:
                found[without_login(dep.path)] = word
        for params in stage.params:
            words = self._params(params, entry.params.get(params.spelled) if entry is not None else None)
            if words:
                found[params.path] = words
        return found

    def _params(self, params: ParamsDep, known: Mapping[str, Any] | None) -> Word | dict[str, Word]:
        current = self._observer.values(params)
        if current is None:
            return "deleted"
        if known is None:
            return "new"
        found: dict[str, Word] = {}
        for name in params.names or dict.fromkeys([*current, *known]):
            if name not in current:
                found[name] = "deleted"
            elif name not in known:
                found[name] = "new"
            elif not same(known[name], current[name]):
                found[name] = "modified"
        return found
