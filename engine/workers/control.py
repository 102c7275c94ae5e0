"""What people do with queued jobs: look at them, end them, take them away, have them done again."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from assay.engine.errors import Refused, UnknownRevision, UsageError
from assay.engine.experiments import logs
from assay.engine.experiments.runfolder import RunFolder
from assay.engine.project import Project
from assay.engine.queue import roster, wishes
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import Job, State
from assay.engine.queue.roster import Worker
from assay.engine.queue.wishes import Wish
from assay.engine.workers.carry import forget_refs
from assay.engine.workers.lost import look_after

_SHORTEST = 4
"""Digits of a number that mean a job."""

_PATIENCE = 1.0
"""Seconds: whoever looks whether a lease is stale has it for a moment."""

_FILING = 20.0
"""Seconds that a log may be on its way from a run to the experiment that came of it."""

_LOOK = 0.05

_RUNNING: tuple[State, ...] = ("running",)
_FAILED: tuple[State, ...] = ("failed",)


class Entry(NamedTuple):
    """A job as it stands on the board: its state, its place in there, and what it says."""

    state: State
    place: str
    job: Job


class Overview(NamedTuple):
    """The queue at one moment.

    Attributes:
        entries: The jobs: running, queued, failed, successful, each in the order in which they were queued.
        workers: The workers that are alive.
        damaged: Files on the board that are no jobs.
    """

    entries: list[Entry]
    workers: list[Worker]
    damaged: list[str]


def overview(project: Project) -> Overview:
    """What the queue holds, and who works on it."""
    board = board_of(project)
    entries = [Entry(*found) for found in board.jobs()]
    return Overview(entries, roster.workers(board.folder), list(board.damaged()))


def find(project: Project, words: Sequence[str], states: Collection[State]) -> list[Entry]:
    """The jobs that are meant by their experiments' names or the beginning of their numbers; the newest of a name.

    Args:
        project: The project.
        words: What was typed.
        states: The states in which they are wanted.

    Raises:
        UnknownRevision: There is none of a name in these states.
    """
    entries = [Entry(*found) for found in board_of(project).jobs()]
    return [_one(word, entries, states) for word in dict.fromkeys(words)]


def _one(word: str, entries: Sequence[Entry], states: Collection[State]) -> Entry:
    found = [entry for entry in entries if entry.job.name == word]
    if not found and len(word) >= _SHORTEST:
        found = [entry for entry in entries if entry.job.number.startswith(word)]
    fitting = [entry for entry in found if entry.state in states]
    if fitting:
        return max(fitting, key=lambda entry: entry.place)
    if found:
        raise UnknownRevision(f"{word} is {found[-1].state}, not {' or '.join(states)}.", "See `assay queue status`.")
    raise UnknownRevision(f"There is no {word!r} in the queue.", "`assay queue status` shows what there is.")


def kill(project: Project, words: Sequence[str]) -> list[Job]:
    """Asks the workers of running jobs to end these, with every process that they started. Raises UnknownRevision."""
    entries = find(project, words, _RUNNING)
    for entry in entries:
        wishes.ask(board_of(project).folder, "kill", entry.job.number)
    return [entry.job for entry in entries]


def stop(project: Project, *, kill_running: bool = False) -> list[Worker]:
    """Asks all workers to end, each after its job; with ``kill_running`` these end as well, and have failed.

    Who starts workers starts no more of them. A run of its own (`run --temp`) is nobody's, and goes on.
    """
    board = board_of(project)
    asked: tuple[Wish, ...] = ("stop", "kill") if kill_running else ("stop",)
    for wish in asked:
        wishes.ask(board.folder, wish, wishes.ALL)
    alive = roster.workers(board.folder)
    for worker in alive:
        for wish in asked:
            wishes.ask(board.folder, wish, worker.number)
    if kill_running:  # those too whose worker died just now
        for _, _, job in board.jobs("running"):
            if not job.spec.get("alone"):
                wishes.ask(board.folder, "kill", job.number)
    return alive


def remove(project: Project, words: Sequence[str] = (), states: Collection[State] = ()) -> list[Job]:
    """Takes jobs away, with their logs and what they left; their experiments stay.

    Args:
        project: The project.
        words: Which, by name or number.
        states: Or all in these states.

    Raises:
        UsageError: Neither or both are given.
        UnknownRevision: There is none of a name that is not running.
        Refused: A worker has just taken one.
    """
    if bool(words) == bool(states):
        raise UsageError("Say which: by name, or with --queued, --failed, --success or --all.")
    look_after(project)
    if words:
        entries = find(project, words, ("queued", "failed", "success"))
    else:
        entries = [Entry(*found) for found in board_of(project).jobs(*states)]
    gone = [entry.job for entry in entries if _take_away(project, entry)]
    missed = {entry.job.name for entry in entries} - {job.name for job in gone}
    if words and missed:
        raise Refused(f"A worker has just taken {', '.join(sorted(missed))}.", "`assay queue kill NAME` ends it.")
    return gone


def _take_away(project: Project, entry: Entry) -> bool:
    claim = board_of(project).claim(entry.state, entry.place, wait=_PATIENCE)
    if claim is None:
        return False
    try:
        job = claim.job
        claim.remove()
        RunFolder(project, job.number).remove()
        forget_refs(project, job)
        logs.forget_jobs(project, lambda number: number == job.number)
    finally:
        claim.release()
    return True


def retry(project: Project, words: Sequence[str] = (), *, everything: bool = False) -> list[Job]:
    """Queues failed jobs again, each from the state that it started from; or all of them.

    Raises:
        UsageError: Neither or both are given.
        UnknownRevision: There is no failed one of a name.
    """
    if bool(words) == everything:
        raise UsageError("Say which: by name, or --all failed ones.")
    look_after(project)
    board = board_of(project)
    entries = find(project, words, _FAILED) if words else [Entry(*found) for found in board.jobs("failed")]
    again = []
    for entry in entries:
        claim = board.claim("failed", entry.place, wait=_PATIENCE)
        if claim is None:
            continue
        try:
            RunFolder(project, claim.job.number).remove()
            spec = {key: value for key, value in claim.job.spec.items() if key != "alone"}
            claim.move(claim.job._replace(spec=spec, problem="", status=None), "queued")
            again.append(claim.job)
        finally:
            claim.release()
    return again


def open_log(project: Project, word: str) -> tuple[BinaryIO, Job]:
    """A job's log, opened to be read, and the job.

    Raises:
        UnknownRevision: There is no such job.
        Refused: It has not begun, or its log is gone.
    """
    deadline = time.monotonic() + _FILING
    while True:
        state, _, job = find(project, [word], ("running", "failed", "success", "queued"))[0]
        if not job.log:
            raise Refused(f"{job.name} has not begun yet, so there is no log.", "`assay queue start` begins.")
        path = logs.path_of_job(project, job.log, job.made)
        with suppress(FileNotFoundError):
            if path is not None:
                return open(path, "rb"), job
        if state != "running" or time.monotonic() > deadline:
            raise Refused(f"The log of {job.name} is not here any more.")
        time.sleep(_LOOK)  # it is being filed under an experiment that the board does not know yet
