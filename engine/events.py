"""What an operation reports while it works; progress bars and plain lines are made of these.

An operation takes a `Reporter` and calls it; it never prints. Reporters must be cheap and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple


class Progress(NamedTuple):
    """How far a named task is. ``total`` is None while it is not known; ``unit`` is "B" for bytes."""

    task: str
    done: int
    total: int | None = None
    unit: Literal["B", "files", "objects", "experiments"] = "files"


class Passed(NamedTuple):
    """So many more bytes have gone to a remote or come from one; fewer than none where a transfer begins again.

    The only event that comes from several threads, one after the other.
    """

    size: int


class Done(NamedTuple):
    """A task that reported progress has ended."""

    task: str


class Note(NamedTuple):
    """A sentence worth reading; not a problem."""

    text: str


class Warned(NamedTuple):
    """A sentence about something that is probably not what the user wants."""

    text: str


class ExperimentStarted(NamedTuple):
    """An experiment begins, and this is its name; the stages follow."""

    name: str


class StageStarted(NamedTuple):
    """A stage is about to run; ``command`` is what the shell gets."""

    stage: str
    command: str


class StageSkipped(NamedTuple):
    """A stage was not run, and why (``unchanged``, ``frozen``)."""

    stage: str
    why: str


class StageOutput(NamedTuple):
    """Bytes that a stage command printed, as they come."""

    data: bytes


class StageFinished(NamedTuple):
    """A stage has ended well, after so many seconds."""

    stage: str
    seconds: float


class DataChecked(NamedTuple):
    """A ``.dvc`` file that stages need was looked at; ``changed`` says whether its data is recorded anew."""

    path: str
    changed: bool


class LockWritten(NamedTuple):
    """A lock file was written; ``is_new`` says whether there was none."""

    path: str
    is_new: bool


Event = (
    Progress
    | Passed
    | Done
    | Note
    | Warned
    | ExperimentStarted
    | StageStarted
    | StageSkipped
    | StageOutput
    | StageFinished
    | DataChecked
    | LockWritten
)
Reporter = Callable[[Event], None]


def silent(event: Event) -> None:
    """The reporter that tells nobody."""
