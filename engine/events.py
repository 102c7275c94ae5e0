"""What an operation reports while it works; progress bars and plain lines are made of these.

An operation takes a `Reporter` and calls it; it never prints. Reporters must be cheap and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a named task is. ``total`` is None while it is not known; ``unit`` is "B" for bytes."""

    task: str
    done: int
    total: int | None = None
    unit: Literal["B", "files", "objects", "experiments"] = "files"


@dataclass(frozen=True, slots=True)
class Done:
    """A task that reported progress has ended."""

    task: str


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence worth reading; not a problem."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A sentence about something that is probably not what the user wants."""

    text: str


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage is about to run; ``command`` is what the shell gets."""

    stage: str
    command: str


@dataclass(frozen=True, slots=True)
class StageSkipped:
    """A stage was not run, and why (``unchanged``, ``frozen``)."""

    stage: str
    why: str


@dataclass(frozen=True, slots=True)
class StageOutput:
    """Bytes that a stage command printed, as they come."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage has ended well, after so many seconds."""

    stage: str
    seconds: float


Event = Progress | Done | Note | Warned | StageStarted | StageSkipped | StageOutput | StageFinished
Reporter = Callable[[Event], None]


def silent(event: Event) -> None:
    """The reporter that tells nobody."""
