"""Keeps the workspace as an experiment, without running anything."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import islice

from assay.engine.errors import UsageError
from assay.engine.events import Warned
from assay.engine.experiments import logs, records
from assay.engine.experiments.publish import Made, claim_name, publish
from assay.engine.experiments.start import Start, baseline_of, take
from assay.engine.git.scan import is_repository
from assay.engine.git.workfiles import ignore_rules
from assay.engine.pipeline import runcache
from assay.engine.pipeline.choice import EVERYTHING, Choice
from assay.engine.pipeline.datafiles import commit_data
from assay.engine.pipeline.lock import LockEntry, entry_data
from assay.engine.pipeline.observe import Observer
from assay.engine.pipeline.paths import is_outside
from assay.engine.pipeline.repro import commit_outs, graph_of
from assay.engine.pipeline.spec import Pipeline, load
from assay.engine.pipeline.stage import Stage
from assay.engine.project import Project
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.files import files_below, outputs_of, transient, within

_TOLD = 5
"""So many files that are left out are named."""


def save(
    project: Project,
    *,
    name: str | None = None,
    message: str | None = None,
    include: Sequence[str] = (),
    force: bool = False,
    choice: Choice = EVERYTHING,
) -> Made:
    """Makes an experiment of the workspace as it is.

    Outputs, dependencies and params are hashed as they stand and recorded in ``dvc.lock``, added data in its ``.dvc``
    files; no stage runs.

    Args:
        project: The project.
        name: The experiment's name; None makes one up.
        message: The commit's message; None names the parameters that differ.
        include: Paths to take although they are ignored or too large, relative to the project, also elsewhere in the
            repository.
        force: Replace an experiment of that name.
        choice: Which stages and ``.dvc`` files are recorded as they stand, nothing that they need; the tree has the
            others as they were recorded last.

    Raises:
        NameTaken: The name is in use.
        Refused: There is no commit to start from.
        UsageError: A path to include is not there, or a target of the choice means nothing.
    """
    with hold_with_head(project) as held:
        baseline = baseline_of(project)
        held.using(read=[""])
        name = claim_name(project, baseline, name, force=force)
        pipeline = load(project)
        sources = graph_of(pipeline).sources(choice._replace(single=True))
        extra = {path for item in include for path in _included(project, pipeline, item)}
        start = take(project, pipeline, baseline, apart=extra)
        _tell_left_out(project, pipeline, start, extra)
        for stage in commit_outs(project, pipeline, choice, _was_run).left:
            project.report(Warned(f"Stage {stage} is not complete here, so its outputs are not in the experiment."))
        written = commit_data(project, sources, Observer(project))
        made = publish(
            project,
            pipeline,
            start,
            name,
            message=message,
            force=force,
            written=written,
            extra=sorted(extra),
            keep=partial(logs.keep_packages, project),
        )
    records.remember(project, [made.commit])
    return made


def _was_run(_stage: Stage, before: LockEntry | None, new: LockEntry) -> bool:
    """Whether outputs count as what the command made: they were recorded so, or nothing else was."""
    return before is None or runcache.value_of(entry_data(before)) == runcache.value_of(entry_data(new))


def _tell_left_out(project: Project, pipeline: Pipeline, start: Start, extra: Collection[str]) -> None:
    """Says which files will not be in the experiment although Git ignores none of them."""
    locks = (project.prefix + path for path in pipeline.lock_paths)
    is_taken = within({*outputs_of(project, pipeline), *locks, *extra})
    found = list(islice((path for path in _unknown(project, start) if not is_taken(path)), _TOLD + 1))
    if found:
        names = ", ".join(found[:_TOLD]) + (" and more" if len(found) > _TOLD else "")
        project.report(Warned(f"Neither Git nor the pipeline knows these, so the experiment is without them: {names}."))


def _unknown(project: Project, start: Start) -> Iterator[str]:
    """The files that are neither tracked nor ignored nor named, one by one; a .gitignore is none."""
    rules, root = ignore_rules(project.repo), project.repo.worktree
    for path in sorted(start.unnamed):
        if rules.ignored(path, os.path.isdir(f"{root}/{path}")) or is_repository(f"{root}/{path}"):
            continue
        for file in files_below(project, path):
            if file.rpartition("/")[2] != ".gitignore" and not rules.ignored(file):
                yield file


def _included(project: Project, pipeline: Pipeline, path: str) -> list[str]:
    """The work tree paths of the files that one word after ``-I`` means."""
    inner = within(transient(project))
    is_cached = within(outputs_of(project, pipeline, cached=True))
    path = posixpath.normpath(project.prefix + path)
    if is_outside(path):
        raise UsageError(f"{path} lies outside the repository, so it cannot be included.", "Name files of yours in it.")
    if path == "." or ".git" in path.split("/") or inner(path):
        raise UsageError(f"{path} cannot be included.", "Name files or folders of yours.")
    found = list(files_below(project, path))
    if not found:
        why = "is an empty folder" if os.path.isdir(f"{project.repo.worktree}/{path}") else "is not there"
        raise UsageError(f"{path} {why}, so it cannot be included.", "Check the path given with -I.")
    if is_cached(path):
        raise UsageError(f"{path} is an output that the cache keeps; it is part of the experiment anyway.")
    return [item for item in found if not is_cached(item) and not inner(item) and ".git" not in item.split("/")]
