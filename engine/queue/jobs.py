"""A job: an experiment to be run, as the queue keeps it, and what has become of it so far.

The state that a job starts from is a commit, pinned by ``refs/assay/queue/<id>``; changed parameters are in it already.
What else its run needs to know is in the job's file, JSON in UTF-8 (docs/formats.md, "The queue").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from assay.engine.errors import BadInput
from assay.engine.model import Oid

State = Literal["queued", "running", "failed", "success"]

PINNED = "refs/assay/queue/"
"""The refs of the states that jobs start from, by the id of the job."""

KEPT = "refs/assay/kept/"
"""The refs of what failed jobs left, by the id of the job."""

SCHEMA = 1
_ENDS = ("", "success", "failed", "killed", "stopped", "lost")


class Attempt(NamedTuple):
    """One time that a worker took a job.

    Attributes:
        worker: Who: "7 on node3".
        began: When, in seconds since 1970.
        ended: When; 0 while it runs.
        end: How: "success", "failed", "killed" by somebody's wish, "stopped" with its worker, "lost" when that died;
            empty while it runs.
    """

    worker: str
    began: int
    ended: int = 0
    end: str = ""


class Job(NamedTuple):
    """An experiment that somebody queued.

    Attributes:
        number: 16 hexadecimal digits that no other job has.
        name: The name that the experiment will have.
        baseline: The commit that HEAD named.
        commit: The state it starts from.
        created: When it was queued, in seconds since 1970.
        spec: What to run, as `engine.workers.specs` writes it.
        copies: Project paths to copy into its folder.
        attempts: The times that a worker took it, the last one last.
        made: The experiment that came of it; None before, and when none did.
        kept: The commit of what it left when it failed.
        problem: Why there is no experiment; empty when nothing went wrong.
        status: The exit status of the command that failed; None when that was not it.
        log: Path of the whole output below the state folder; empty when there is none.
    """

    number: str
    name: str
    baseline: Oid
    commit: Oid
    created: int
    spec: Mapping[str, Any] = MappingProxyType({})
    copies: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    made: Oid | None = None
    kept: Oid | None = None
    problem: str = ""
    status: int | None = None
    log: str = ""

    def begun(self, worker: str, time: int) -> Job:
        """The job as a worker has just taken it."""
        return self._replace(
            attempts=(*self.attempts, Attempt(worker, time)), problem="", status=None, log="", kept=None
        )

    def ended(self, end: str, time: int) -> Job:
        """The job after its last attempt has ended; one without an open attempt stays as it is."""
        if not self.attempts or self.attempts[-1].end:
            return self
        return self._replace(attempts=(*self.attempts[:-1], self.attempts[-1]._replace(ended=time, end=end)))


def encode(job: Job) -> bytes:
    """The file of a job: one line of JSON, keys sorted."""
    data = {
        "schema": SCHEMA,
        "number": job.number,
        "name": job.name,
        "baseline": job.baseline.hex(),
        "commit": job.commit.hex(),
        "created": job.created,
        "spec": dict(job.spec),
        "copies": list(job.copies),
        "attempts": [attempt._asdict() for attempt in job.attempts],
        "made": job.made.hex() if job.made else None,
        "kept": job.kept.hex() if job.kept else None,
        "problem": job.problem,
        "status": job.status,
        "log": job.log,
    }
    return json.dumps(data, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"


def decode(path: str, data: bytes) -> Job:
    """The job that a file holds.

    Args:
        path: The file, for the sentence.
        data: Its content.

    Raises:
        BadInput: It is no job, or a later version's.
    """
    try:
        found = json.loads(data.decode("utf-8", "surrogateescape"))
        if found["schema"] != SCHEMA:
            raise BadInput(
                path, f"it has schema {found['schema']!r}, and this assay knows {SCHEMA}", hint="Update assay."
            )
        job = Job(
            _text(found["number"]),
            _text(found["name"]),
            _commit(found["baseline"]),
            _commit(found["commit"]),
            _whole(found["created"]),
            _mapping(found["spec"]),
            tuple(map(_text, found["copies"])),
            tuple(_attempt(one) for one in found["attempts"]),
            _commit(found["made"]) if found["made"] is not None else None,
            _commit(found["kept"]) if found["kept"] is not None else None,
            _text(found["problem"]),
            _whole(found["status"]) if found["status"] is not None else None,
            _text(found["log"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(path, "it is not a job of the queue") from error
    return job


def _attempt(data: Mapping[str, Any]) -> Attempt:
    end = _text(data["end"])
    if end not in _ENDS:
        raise ValueError(end)
    return Attempt(_text(data["worker"]), _whole(data["began"]), _whole(data["ended"]), end)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _commit(value: object) -> Oid:
    raw = bytes.fromhex(_text(value))
    if len(raw) != 20:
        raise ValueError(value)
    return Oid(raw)
