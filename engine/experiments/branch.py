"""Makes a Git branch of an experiment, without going there."""

from __future__ import annotations

from assay.engine.errors import NameTaken, RefConflict, UsageError
from assay.engine.git.refs import is_valid_name
from assay.engine.git.revisions import resolve
from assay.engine.model import Oid
from assay.engine.project import Project


def branch(project: Project, experiment: str, name: str | None = None) -> tuple[str, Oid]:
    """Creates ``refs/heads/<name>`` at an experiment's commit.

    Args:
        project: The project.
        experiment: The experiment's name or any other revision.
        name: The branch; None means ``<experiment>-branch``.

    Returns:
        The branch's short name and its commit.

    Raises:
        NameTaken: There is a branch of that name.
        UsageError: The name cannot be a branch.
    """
    commit = resolve(project.repo, experiment)
    name = name or f"{experiment.rpartition('/')[2]}-branch"
    refname = f"refs/heads/{name}"
    if not is_valid_name(refname) or name.startswith("-") or name == "HEAD":
        raise UsageError(f"{name!r} cannot be the name of a branch.", "Give another: `assay branch EXPERIMENT NAME`.")
    try:
        message = f"assay: created from experiment '{experiment}'"
        with project.repo.refs.transaction(message=message, who=project.signature("COMMITTER")) as refs:
            refs.create(refname, commit)
    except RefConflict as error:
        raise NameTaken(
            f"There is a branch {name!r}, or one whose name clashes with it.", "Give another name."
        ) from error
    return name, commit
