"""Puts tags on experiments and takes them off; what is so already stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assay.engine.errors import Refused, UsageError
from assay.engine.experiments.remark import say
from assay.engine.model import Oid
from assay.engine.notes.ledger import remarks_on
from assay.engine.notes.remarks import Edit, problem_with_tag, shown
from assay.engine.project import Project

_NAMED = 10


def tag(project: Project, commits: Iterable[Oid], tags: Sequence[str], *, on: bool = True, what: str = "tag") -> int:
    """Puts tags on commits, or takes them off; `undo` takes that back.

    Args:
        project: The project.
        commits: Which, usually experiments'.
        tags: The tags.
        on: Whether to put them on.
        what: The command, for a person.

    Returns:
        How many of the commits it changed.

    Raises:
        UsageError: A tag cannot be called this.
        Refused: A tag is to be taken off and none of the commits has it; or what is said about
            a commit already cannot be understood. Nothing was changed.
    """
    for name in tags if on else ():
        problem = problem_with_tag(name)
        if problem:
            raise UsageError(f"{name!r} cannot be a tag: {problem}.")
    commits = list(commits)
    if not on:
        _check_there(project, commits, tags)
    return say(project, dict.fromkeys(commits, Edit(dict.fromkeys(tags, on))), what)


def _check_there(project: Project, commits: Sequence[Oid], tags: Sequence[str]) -> None:
    there = sorted({name for said in remarks_on(project, commits).values() for name in shown(said).tags})
    for name in tags:
        if name not in there:
            hint = f"What there is: {', '.join(there[:_NAMED])}." if there else "It has no tags at all."
            raise Refused(f"There is no tag {name!r} to take off.", hint)
