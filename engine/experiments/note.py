"""Writes a note on an experiment, in place of the one that it has; every earlier text stays in its history."""

from __future__ import annotations

from assay.engine.errors import UsageError
from assay.engine.experiments.remark import say
from assay.engine.model import Oid
from assay.engine.notes.remarks import LONGEST_NOTE, Edit
from assay.engine.project import Project


def note(project: Project, commit: Oid, text: str | None, what: str = "note") -> bool:
    """Sets a commit's note, or removes it; `undo` takes that back.

    Args:
        project: The project.
        commit: Usually an experiment's.
        text: What the note says; None removes it.
        what: The command, for a person.

    Returns:
        Whether it changed anything.

    Raises:
        UsageError: The text is empty or too long.
        Refused: What is said about the commit already cannot be understood; nothing was changed.
    """
    if text is not None:
        text = text.strip()
        if not text:
            raise UsageError("A note needs a text.", "Take it away with --remove.")
        if len(text.encode("utf-8", "surrogateescape")) > LONGEST_NOTE:
            raise UsageError(f"A note has at most {LONGEST_NOTE} bytes.", "Put a longer text into a file of the code.")
    return bool(say(project, {commit: Edit(sets_note=True, note=text)}, what))
