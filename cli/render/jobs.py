"""Jobs of the queue, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.engine.queue.jobs import Job
    from assay.engine.queue.roster import Worker
    from assay.engine.workers.control import Entry

HEAD = ("Job", "Experiment", "State", "Queued", "Took", "Attempts", "Problem")


def ended(job: Job) -> str:
    """A job that is over, on one line."""
    if job.made is not None:
        return f"{job.name}: {job.made.hex()[:7]}, {took(job)}"
    if job.attempts and job.attempts[-1].end == "stopped":
        return f"{job.name}: queued again"
    return f"{job.name}: failed. {job.problem}"


def took(job: Job, now: int = 0) -> str:
    """How long the last attempt took, or has taken until now."""
    if not job.attempts:
        return "-"
    last = job.attempts[-1]
    seconds = max((last.ended or now) - last.began, 0)
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def table(entries: Iterable[Entry], now: int, screen: int | None) -> list[str]:
    """All jobs, one a line.

    Args:
        entries: The jobs.
        now: The present, in seconds since 1970.
        screen: How many columns there are; None for any number.
    """
    from assay.cli.render import grid
    from assay.cli.render.cells import moment

    rows = [
        (job.number[:7], job.name, state, moment(job.created, now), took(job, now), str(len(job.attempts)), job.problem)
        for state, _, job in entries
    ]
    return grid.lines(HEAD, rows, screen=screen)


def to_plain(entries: Iterable[Entry], workers: Iterable[Worker]) -> dict[str, Any]:
    """All jobs and workers, for JSON (docs/formats.md, "JSON of the queue")."""
    from assay.engine.experiments.index import iso_time as utc

    return {
        "schema": 1,
        "jobs": [
            {
                "number": job.number,
                "name": job.name,
                "state": state,
                "baseline": job.baseline.hex(),
                "created": utc(job.created),
                "attempts": [
                    {"worker": one.worker, "began": utc(one.began), "ended": utc(one.ended) if one.ended else None,
                     "end": one.end or None}
                    for one in job.attempts
                ],
                "commit": job.made.hex() if job.made else None,
                "problem": job.problem or None,
                "status": job.status,
            }
            for state, _, job in entries
        ],
        "workers": [
            {"number": one.number, "host": one.owner.host, "pid": one.owner.pid, "since": utc(one.owner.time)}
            for one in workers
        ],
    }  # fmt: skip
