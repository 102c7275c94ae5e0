"""Changes tags and notes with an undo record, and finds the commits that such a command is about."""

from __future__ import annotations

from collections.abc import Mapping

from assay.engine.experiments.chosen import all_named, named
from assay.engine.git.revisions import resolve
from assay.engine.model import Oid
from assay.engine.notes import ledger
from assay.engine.notes.remarks import Edit
from assay.engine.project import Project
from assay.engine.workspace import undo


def say(project: Project, edits: Mapping[Oid, Edit], what: str) -> int:
    """Makes edits that `undo` can take back.

    Returns:
        How many commits they change; with none, there is no undo record either.
    """
    back = ledger.reversals(project, edits)
    back = {commit: edit for commit, edit in back.items() if edit != edits[commit]}
    if not back:
        return 0
    record = undo.remember(project, what, notes=back)
    try:
        ledger.change(project, {commit: edits[commit] for commit in back}, what)
    except BaseException:
        undo.forget(project, record)
        raise
    return len(back)


def commit_named(project: Project, name: str) -> Oid:
    """The commit that a tag or note is for: an experiment's, else that of any revision.

    Raises:
        UnknownRevision: There is none, or several baselines have an experiment of that name and HEAD is none of them.
    """
    return named(project, name)[1] if all_named(project, name) else resolve(project.repo, name)
