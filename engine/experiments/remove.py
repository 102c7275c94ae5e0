"""Takes experiments away: their refs go, and an undo record keeps their commits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.engine.errors import RefConflict, UnknownRevision, UsageError
from assay.engine.model import ExpRef
from assay.engine.project import Project
from assay.engine.workspace import undo

EXPERIMENTS = "refs/exps/"
_SHAPE = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/[^/]+")


def is_experiment(refname: str) -> bool:
    """Whether a ref is an experiment's; other tools keep more below ``refs/exps/``."""
    return _SHAPE.fullmatch(refname) is not None


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
        RefConflict: One of them was changed by somebody else meanwhile; nothing was removed.
    """
    if bool(names) == everything:
        raise UsageError("Name the experiments to remove, or give -A for all of them.")
    store = project.repo.refs
    refs = {ref: commit for ref, commit in store.iterate(EXPERIMENTS) if is_experiment(ref)} if everything else {}
    for name in names:
        full = [name] if name.startswith(EXPERIMENTS) else store.named(name, EXPERIMENTS)
        found = {ref: commit for ref in full if is_experiment(ref) and (commit := store.read(ref)) is not None}
        head = project.repo.head()
        if len(found) > 1 and head is not None and (mine := ExpRef(head, name).refname) in found:
            found = {mine: found[mine]}
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
    record = undo.remember(project, "remove " + (" ".join(names) or "-A"), refs=refs)
    try:
        with project.repo.refs.transaction() as transaction:
            for refname, commit in refs.items():
                transaction.delete(refname, commit)
    except RefConflict:
        undo.forget(project, record)
        raise
    return list(refs)
