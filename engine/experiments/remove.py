"""Takes experiments away: their refs go, and an undo record keeps their commits."""

from __future__ import annotations

from collections.abc import Mapping

from assay.engine.errors import UsageError
from assay.engine.experiments.chosen import Which, all_named, chosen, every, named
from assay.engine.model import Oid
from assay.engine.project import Project
from assay.engine.workspace import undo


def doomed(project: Project, which: Which, *, keep: bool = False) -> dict[str, Oid]:
    """The experiments that would be removed, as full ref names and commits; nothing is changed.

    Args:
        project: The project.
        which: The selection.
        keep: Every other experiment of the repository instead, as DVC has it. A query then looks at the whole
            repository too, and a name keeps every experiment that has it: what is taken away by leaving something
            out must not be more than was seen.

    Raises:
        UsageError: As `chosen.chosen`; or nothing would be kept.
        UnknownRevision: A name is no experiment.
    """
    if not keep:
        return chosen(project, which)
    if which.names and not (which.revisions or which.everything or which.where):
        kept = {ref: commit for name in which.names for ref, commit in _all_of(project, name).items()}
    else:
        whole = bool(which.where) and not which.revisions
        kept = chosen(project, which._replace(everything=True) if whole else which)
    if not kept:
        raise UsageError("--keep would keep no experiment at all.", "`assay remove -A` takes all of them away.")
    return {ref: commit for ref, commit in every(project).items() if ref not in kept}


def remove(project: Project, refs: Mapping[str, Oid], what: str = "remove") -> None:
    """Removes experiments, all or none, in one step that `undo` can take back.

    Args:
        project: The project.
        refs: Their full ref names, with the commits that they are expected to have.
        what: The command, for a person.

    Raises:
        RefConflict: One of them was changed by somebody else meanwhile; nothing was removed.
    """
    if not refs:
        return
    record = undo.remember(project, what, refs=refs)
    try:
        with project.repo.refs.transaction() as transaction:
            for refname, commit in refs.items():
                transaction.delete(refname, commit)
    except BaseException:
        undo.forget(project, record)
        raise


def _all_of(project: Project, name: str) -> dict[str, Oid]:
    return all_named(project, name) or dict([named(project, name)])
