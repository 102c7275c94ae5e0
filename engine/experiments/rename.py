"""Gives an experiment another name; its baseline and its commit stay, and so do its log, its tags and its note."""

from __future__ import annotations

from assay.engine.errors import NameTaken, RefConflict, Refused, UsageError
from assay.engine.experiments import naming
from assay.engine.experiments.chosen import named
from assay.engine.model import ExpRef, start_of
from assay.engine.project import Project
from assay.engine.workspace import undo


def rename(project: Project, old: str, new: str, *, force: bool = False) -> ExpRef:
    """Renames an experiment; `undo` takes it back, and gives back what was replaced.

    Args:
        project: The project.
        old: Its name or full ref name.
        new: The name it will have, below the same baseline.
        force: Replace an experiment of that name.

    Returns:
        Where it is now.

    Raises:
        UnknownRevision: There is none of that name, or several baselines have one.
        UsageError: It cannot have the new name.
        NameTaken: Its baseline has an experiment of the new name and ``force`` is off.
        RefConflict: One of the two was changed by somebody else meanwhile; nothing was changed.
    """
    problem = naming.problem_with(new)
    if problem:
        raise UsageError(f"{new!r} cannot be the name of an experiment: {problem}.", "Choose another.")
    refname, commit = named(project, old)
    baseline = start_of(refname)
    if baseline is None:
        raise Refused(f"{refname} is not an experiment.")
    ref = ExpRef(baseline, new)
    if ref.refname == refname:
        raise Refused(f"The experiment is called {new!r} already.")
    replaced = project.repo.refs.read(ref.refname)
    if replaced is not None and not force:
        raise _taken(ref)
    before = {refname: commit, ref.refname: replaced}
    what = f"rename {refname.rpartition('/')[2]} {new}"
    record = undo.remember(project, what, refs=before, after={ref.refname: commit})
    try:
        with project.repo.refs.transaction() as transaction:
            transaction.delete(refname, commit)
            transaction.update(ref.refname, commit, replaced)
    except BaseException as error:
        undo.forget(project, record)
        if isinstance(error, RefConflict) and not force and project.repo.refs.read(ref.refname) is not None:
            raise _taken(ref) from error
        raise
    return ref


def _taken(ref: ExpRef) -> NameTaken:
    return NameTaken(
        f"{ref.baseline.hex()[:7]} has an experiment {ref.name!r} already.",
        "Choose another name, or replace it with -f.",
    )
