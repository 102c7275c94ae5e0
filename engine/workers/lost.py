"""What workers that died have left: jobs that nobody carries out, folders and refs that nobody needs."""

from __future__ import annotations

import time
from contextlib import suppress

from assay.engine.errors import BadInput
from assay.engine.experiments.runfolder import RunFolder, clear_leftovers
from assay.engine.project import Project
from assay.engine.queue.board import Claim
from assay.engine.queue.jobs import PINNED, Job, State
from assay.engine.workers.carry import board_of, forget_refs, made_before

ATTEMPTS = 3
"""So many times a job may lose its worker; then it is what ends them."""

_YOUNG = 3600
_CUT_SHORT = ("killed", "lost")


def look_after(project: Project) -> None:
    """Queues again what has lost its worker, and clears away what is left of no job."""
    take_back(project)
    board = board_of(project)
    jobs = list(board.jobs())
    clear_leftovers(project, {job.number for state, _, job in jobs if _may_go_on(state, job)})
    _forget_pins(project, {job.number for _, _, job in jobs})
    board.tidy()


def _may_go_on(state: State, job: Job) -> bool:
    """Whether the folder of a job is in use, or somebody may want to go on in it."""
    return state == "running" or (state == "failed" and job.attempts[-1:] != () and job.attempts[-1].end in _CUT_SHORT)


def take_back(project: Project) -> int:
    """Queues again what has lost its worker, and returns how many those were.

    What has lost its worker too often has failed, and so has what nobody but its own process was to run.
    """
    board = board_of(project)
    count = 0
    for place in board.places("running"):
        with suppress(BadInput):
            claim = board.claim("running", place)
            if claim is not None:
                try:
                    _settle(project, claim)
                finally:
                    claim.release()
                count += 1
    return count


def _settle(project: Project, claim: Claim) -> None:
    made = made_before(project, claim.job)
    job = claim.job.ended("lost", int(time.time()))
    if made is not None:
        claim.move(claim.job.ended("success", int(time.time()))._replace(made=made), "success")
        RunFolder(project, job.number).remove()
        forget_refs(project, job)
        return
    lost = sum(1 for attempt in job.attempts if attempt.end == "lost")
    if job.spec.get("alone"):
        claim.move(job._replace(problem="Its process was killed."), "failed")
    elif lost >= ATTEMPTS:
        claim.move(job._replace(problem=f"The worker that ran it was killed, {lost} times."), "failed")
    else:
        claim.move(job, "queued")


def _forget_pins(project: Project, known: set[str]) -> None:
    """Lets go of states that no job starts from; not of new ones, whose jobs may be about to be published."""
    refs, objects = project.repo.refs, project.repo.objects
    now = time.time()
    for name, oid in list(refs.iterate(PINNED)):
        if name.removeprefix(PINNED) in known or oid not in objects:
            continue
        if now - objects.read_commit(oid).committer.time > _YOUNG:
            with refs.transaction() as transaction:
                transaction.delete(name)
