"""The state that an isolated run starts from, kept as a commit; the workspace stays as it is.

It is what a run in the workspace would start from: the files as they are now, with the parameters that the run changes
and with edited data, whose content goes into the cache. The commit's one parent is the baseline; no ref names it
here, that is the part of who starts the run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.experiments.prepare import Prepared
from assay.engine.experiments.start import Start, take
from assay.engine.git import objects
from assay.engine.git.trees import edit_tree, lookup
from assay.engine.model import Oid
from assay.engine.pipeline.datafiles import record_data
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.repro import graph_of
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.words import first_of
from assay.engine.workspace.files import coming, within


class Captured(NamedTuple):
    """A state that was captured.

    Attributes:
        commit: Its commit.
        baseline: The commit that HEAD named.
    """

    commit: Oid
    baseline: Oid


def capture(project: Project, todo: Prepared, baseline: Oid, *, name: str, copies: Collection[str] = ()) -> Captured:
    """Captures the state of the workspace as a run would find it; no ref names the commit yet.

    Args:
        project: The project.
        todo: What the run will do.
        baseline: What HEAD names.
        name: The experiment's name, for people who look at the commit.
        copies: Project paths that the run gets copied from the workspace, whoever keeps them.

    Raises:
        Refused: What a stage reads would not be there: Git ignores it, no cache has it, it is not copied either.
        StoreError: Edited data cannot be put into the cache.
    """
    start = take(project, todo.pipeline, baseline)
    recorded = record_data(project, todo.pipeline.data.values(), Observer(project))
    writes = {**todo.writes, **{path: text.encode("utf-8") for path, text in recorded.texts.items()}}
    commit = _commit(project, start, writes, f"The state that {name} starts from.\n")
    refuse_missing(project, todo, commit, copies)
    disk.sync_tree(project.repo.common_dir)
    return Captured(commit, baseline)


def _commit(project: Project, start: Start, writes: Mapping[str, bytes], message: str) -> Oid:
    database = project.repo.objects
    with database.batch() as batch:
        written = coming(project, batch, {project.prefix + path: data for path, data in writes.items()})
        tree = edit_tree(batch, start.base_tree, {**start.changes, **written})
        author, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
        return batch.add(objects.COMMIT, objects.build_commit(tree, (start.head,), author, committer, message))


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
        if not path or (not is_outside(inside) and lookup(project.repo.objects, tree, inside) is not None):
            continue
        kept = [out for out in graph.outs_at(path) if out in outs]
        if not kept or not all(observer.has(outs[out]) for out in kept):
            missing.append(path)
    if missing:
        raise Refused(
            f"A run of its own would not have {first_of(missing)}: neither a commit nor the cache has it.",
            "Track it with `assay add`, take it along with -C PATH, or bring it with `assay pull`.",
        )
