"""Keeps the workspace as an experiment, without running anything."""

from __future__ import annotations

import os
from collections.abc import Sequence

from assay.engine.errors import UsageError
from assay.engine.experiments import logs, records
from assay.engine.experiments.publish import Made, claim_name, publish
from assay.engine.experiments.start import baseline_of, take
from assay.engine.experiments.workspace import files_below, hold
from assay.engine.pipeline.repro import commit_outs
from assay.engine.pipeline.spec import load
from assay.engine.project import Project


def save(
    project: Project,
    *,
    name: str | None = None,
    message: str | None = None,
    include: Sequence[str] = (),
    force: bool = False,
) -> Made:
    """Makes an experiment of the workspace as it is.

    Outputs, dependencies and params are hashed as they stand and recorded in ``dvc.lock``; no stage runs.

    Args:
        project: The project.
        name: The experiment's name; None makes one up.
        message: The commit's message; None names the parameters that differ.
        include: Project paths to take although they are ignored or too large.
        force: Replace an experiment of that name.

    Raises:
        NameTaken: The name is in use.
        Refused: There is no commit to start from.
        UsageError: A path to include is not there.
    """
    with hold(project):
        baseline = baseline_of(project)
        name = claim_name(project, baseline, name, force=force)
        extra = [path for item in include for path in _included(project, item)]
        pipeline = load(project)
        commit_outs(project, pipeline)
        start = take(project, pipeline)
        made = publish(project, pipeline, start, name, message=message, force=force, extra=extra)
        logs.keep_packages(project, made.commit)
        records.remember(project, [made.commit])
        return made


def _included(project: Project, path: str) -> list[str]:
    found = list(files_below(project, project.prefix + path))
    if not found:
        raise UsageError(f"{path} is not there, so it cannot be included.", "Check the path given with -I.")
    return [item for item in found if not os.path.isdir(f"{project.repo.worktree}/{item}")]
