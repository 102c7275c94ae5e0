"""What the verbs of the queue share: which jobs are meant, and what is said of tasks that only DVC can change.

The queue is assay's own. Tasks that DVC queued are shown beside its jobs; carried out, ended and taken away they are by
DVC, whose messages and pickles are nobody else's to write or to run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.workers.control import Entry

_SHORTEST = 4
"""Digits of an id that mean a job."""


def meant(context: Context, words: Sequence[str], states: Collection[str]) -> tuple[list[Entry], list[str]]:
    """The jobs in some states that are meant by name, or by the beginning of an id; and the words that mean none.

    Args:
        context: The project's.
        words: What was typed.
        states: The states.
    """
    from assay.engine.workers.control import overview

    entries = [entry for entry in overview(context.project()).entries if entry.state in states]
    found, missing = [], []
    for word in dict.fromkeys(words):
        fitting = [entry for entry in entries if entry.job.name == word]
        if not fitting and len(word) >= _SHORTEST:
            fitting = [entry for entry in entries if _has_id(entry, word)]
        if fitting:
            found.append(max(fitting, key=lambda entry: entry.place))
        else:
            missing.append(word)
    return found, missing


def _has_id(entry: Entry, text: str) -> bool:
    return entry.job.commit.hex().startswith(text) or entry.job.number.startswith(text)


def refuse_unknown(context: Context, words: Sequence[str], kind: str, verb: str) -> None:
    """Raises AssayError for words that mean no job; for those that mean a task of DVC's, it says who can do that.

    Args:
        context: The project's.
        words: The words that mean no job; none is fine.
        kind: What they should have been: "experiment name".
        verb: What DVC does with a task: "queue kill".
    """
    from assay.engine.errors import AssayError, UnknownRevision

    if not words:
        return
    for word in words:
        if _is_dvcs(context, word):
            raise AssayError(f"'{word}' is in DVC's own queue, so nothing was done.", f"`dvc {verb} {word}` does it.")
    are = f"are not valid {kind}s" if len(words) > 1 else f"is not a valid {kind}"
    raise UnknownRevision(f"'{'; '.join(words)}' {are}", "`assay-dvc queue status` shows what there is.")


def _is_dvcs(context: Context, word: str) -> bool:
    from assay.engine.experiments.dvcqueue import tasks

    return any(
        task.name == word or (len(word) >= _SHORTEST and task.commit.hex().startswith(word))
        for task in tasks(context.project())
        if task.commit is not None and task.place in ("dvc-task", None)
    )


def tell_of_dvcs(context: Context, states: Collection[str], verb: str) -> None:
    """Says on stderr that DVC's own queue has tasks in these states, and which command is about those."""
    from assay.engine.events import Note
    from assay.engine.experiments.dvcqueue import tasks
    from assay.engine.words import counted

    count = sum(
        task.state in states for task in tasks(context.project()) if task.commit and task.place in ("dvc-task", None)
    )
    if count:
        context.report(Note(f"DVC's own queue has {counted(count, 'task')} as well; `dvc {verb}` is about those."))
