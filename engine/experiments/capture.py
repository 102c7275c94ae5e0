"""The state that an isolated run starts from, kept as a commit; the workspace stays as it is.

It is what a run in the workspace would start from: the files as they are now, with the parameters that the run changes
and with edited data, whose content goes into the cache. The commit's one parent is the baseline; no ref names it
here, that is the part of who starts the run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.experiments import submodules
from assay.engine.experiments.prepare import Prepared
from assay.engine.experiments.start import take
from assay.engine.git import objects
from assay.engine.git.batch import ObjectBatch
from assay.engine.git.trees import edit_tree, lookup
from assay.engine.git.workfiles import WorkFiles
from assay.engine.model import Oid, Signature
from assay.engine.pipeline.datafiles import record_data
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.repro import graph_of
from assay.engine.pipeline.spec import Pipeline
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.words import first_of
from assay.engine.workspace.files import Changes, coming, within


class Captured(NamedTuple):
    """A state that was captured.

    Attributes:
        commit: Its commit.
        baseline: The commit that HEAD named.
    """

    commit: Oid
    baseline: Oid


class Capture:
    """The state of the workspace at one moment, from which several runs can start, each with its own parameters.

    Args:
        project: The project.
        pipeline: Its stages; edited data that they are about goes into the cache now.
        baseline: What HEAD names.

    Raises:
        StoreError: Edited data cannot be put into the cache.
    """

    def __init__(self, project: Project, pipeline: Pipeline, baseline: Oid) -> None:
        self._project = project
        self._baseline = baseline
        start = take(project, pipeline, baseline)
        recorded = record_data(project, pipeline.data.values(), Observer(project))
        with project.repo.objects.batch() as batch:
            tree = edit_tree(batch, start.base_tree, start.changes)
            self._tree = edit_tree(batch, tree, self._stored(batch, _encoded(recorded.texts)))

    def commit(self, batch: ObjectBatch, writes: Mapping[str, bytes], name: str) -> Captured:
        """The state that a run starts from, in a batch; no ref names it yet.

        Args:
            batch: Gets the objects.
            writes: The parameter files that the run changes, with their content.
            name: The experiment's name, for people who look at the commit.
        """
        tree = edit_tree(batch, self._tree, self._stored(batch, writes))
        author, committer = self._signatures
        message = f"The state that {name} starts from.\n"
        data = objects.build_commit(tree, (self._baseline,), author, committer, message)
        return Captured(batch.add(objects.COMMIT, data), self._baseline)

    @cached_property
    def _signatures(self) -> tuple[Signature, Signature]:
        return self._project.signature("AUTHOR"), self._project.signature("COMMITTER")

    @cached_property
    def _files(self) -> WorkFiles:
        return WorkFiles(self._project.repo)

    def _stored(self, batch: ObjectBatch, contents: Mapping[str, bytes]) -> Changes:
        return coming(self._files, batch, {self._project.prefix + path: data for path, data in contents.items()})


def capture(project: Project, todo: Prepared, baseline: Oid, *, name: str, copies: Collection[str] = ()) -> Captured:
    """Captures the state of the workspace as one run would find it; no ref names the commit yet.

    Args:
        project: The project.
        todo: What the run will do.
        baseline: What HEAD names.
        name: The experiment's name.
        copies: Project paths that the run gets copied from the workspace, whoever keeps them.

    Raises:
        Refused: What a stage reads would not be there: Git ignores it, no cache has it, it is not copied either.
        StoreError: Edited data cannot be put into the cache.
    """
    state = Capture(project, todo.pipeline, baseline)
    with project.repo.objects.batch() as batch:
        captured = state.commit(batch, todo.writes, name)
    refuse_missing(project, todo, captured.commit, copies)
    disk.sync_tree(project.repo.common_dir)
    return captured


def _encoded(texts: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode("utf-8") for path, text in texts.items()}


def refuse_missing(project: Project, todo: Prepared, commit: Oid, copies: Collection[str]) -> None:
    """Raises Refused when a run of a captured state would lack something that its stages read; all of it is named."""
    graph = graph_of(todo.pipeline)
    order = graph.order(todo.choice)
    are_coming = {stage.address for stage in order}
    tree = project.repo.objects.read_commit(commit).tree
    outs, observer = tracked_at(project, commit).outs, Observer(project)
    is_copied, above_copies = (
        within(copies),
        {path[:at] for path in copies for at in range(len(path)) if path[at] == "/"},
    )
    read = [dep.path for stage in order for dep in stage.deps if dep.place == "project"]
    read += [params.path for stage in order for params in stage.params]
    missing = []
    for path in dict.fromkeys(read):
        if is_copied(path) or path in above_copies or path.startswith("/"):
            continue
        if not are_coming.isdisjoint(graph.writers(path)):
            continue
        inside = posixpath.normpath(project.prefix + path)
        if not path or (not is_outside(inside) and _is_captured(project, tree, inside)):
            continue
        kept = [out for out in graph.outs_at(path) if out in outs]
        if not kept or not all(observer.has(outs[out]) for out in kept):
            missing.append(path)
    if missing:
        raise Refused(
            f"A run of its own would not have {first_of(missing)}: neither a commit nor the cache has it.",
            "Track it with `assay add`, take it along with -C PATH, or bring it with `assay pull`.",
        )


def _is_captured(project: Project, tree: Oid, path: str) -> bool:
    return lookup(project.repo.objects, tree, path) is not None or submodules.has(project, tree, path)
