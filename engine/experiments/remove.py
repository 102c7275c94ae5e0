"""Takes experiments away: their refs go, and an undo record keeps their commits."""

from __future__ import annotations

from collections.abc import Sequence

from assay.engine.errors import UnknownRevision, UsageError
from assay.engine.experiments import undo
from assay.engine.git.revisions import experiments_named
from assay.engine.model import Oid
from assay.engine.project import Project


def remove(project: Project, names: Sequence[str], *, everything: bool = False) -> list[str]:
    """Removes experiments by name, all or none.

    Args:
        project: The project.
        names: Experiment names or full ref names.
        everything: All experiments of the repository instead.

    Returns:
        The removed ref names.

    Raises:
        UsageError: Neither names nor everything, or both.
        UnknownRevision: A name is no experiment, or several baselines have it; nothing was removed.
    """
    if bool(names) == everything:
        raise UsageError("Name the experiments to remove, or give -A for all of them.")
    refs: dict[str, Oid] = {}
    if everything:
        refs = experiments_named(project.repo, None)
    for name in names:
        found = experiments_named(project.repo, name)
        if not found:
            raise UnknownRevision(
                f"There is no experiment {name!r}; nothing was removed.", "`assay list -A` names them all."
            )
        if len(found) > 1:
            raise UnknownRevision(
                f"{name!r} names several experiments; nothing was removed.",
                "Use one of " + ", ".join(sorted(found)) + ".",
            )
        refs.update(found)
    if not refs:
        return []
    undo.remember(project, "remove " + (" ".join(names) or "-A"), refs=refs)
    with project.repo.refs.transaction() as transaction:
        for refname, commit in refs.items():
            transaction.delete(refname, commit)
    return list(refs)
