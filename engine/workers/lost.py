"""What workers that died have left: jobs that nobody carries out, folders and refs that nobody needs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

from assay.engine.errors import BadInput
from assay.engine.experiments import logs
from assay.engine.experiments.runfolder import RunFolder, clear_leftovers
from assay.engine.model import Oid
from assay.engine.project import Project
from assay.engine.queue import roster, wishes
from assay.engine.queue.board import Board, Claim
from assay.engine.queue.boards import all_jobs, board_of, forget_gone
from assay.engine.queue.jobs import KEPT, PINNED, Job, State
from assay.engine.queue.wishes import Wish
from assay.engine.workers.carry import made_before, succeeded

ATTEMPTS = 3
"""So many times a job may lose its worker; then it is what ends them."""

_YOUNG = 3600
_CUT_SHORT = ("killed", "lost")


def look_after(project: Project) -> None:
    """Queues again what has lost its worker, and clears away what is left of no job."""
    take_back(project)
    forget_gone(project)
    board = board_of(project)
    # What there is is listed before the jobs, so that what comes with a new job is never taken for a leftover.
    wished, names = wishes.asked(board.folder), logs.all_names(project)
    refs = [found for prefix in (PINNED, KEPT) for found in project.repo.refs.iterate(prefix)]
    jobs = list(all_jobs(project))
    known = {job.number for _, _, job in jobs}
    clear_leftovers(project, {job.number for state, _, job in jobs if _may_go_on(state, job)})
    _forget_refs(project, refs, known)
    logs.forget_jobs(project, lambda number: number not in known, names)
    _forget_wishes(board, wished)
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
    job, was_over = claim.job.ended("lost", int(time.time())), bool(claim.job.attempts and claim.job.attempts[-1].end)
    if made is not None:
        succeeded(project, claim, RunFolder(project, job.number), made)
        return
    board = board_of(project)
    is_killed = wishes.is_asked(board.folder, "kill", job.number)
    lost = sum(1 for attempt in job.attempts if attempt.end == "lost")
    if was_over and job.problem:  # its worker had said so already
        claim.move(job, "failed")
    elif is_killed:
        claim.move(claim.job.ended("killed", int(time.time()))._replace(problem="It was killed."), "failed")
    elif job.spec.get("alone"):
        claim.move(job._replace(problem="Its process was killed."), "failed")
    elif lost >= ATTEMPTS:
        claim.move(job._replace(problem=f"The worker that ran it was killed, {lost} times."), "failed")
    else:
        claim.move(job, "queued")


def _forget_refs(project: Project, found: Iterable[tuple[str, Oid]], known: set[str]) -> None:
    """Lets go of states that no job starts from, and of what jobs left that are gone.

    A new state stays for a while, since its job may be about to be published.
    """
    gone = [name for name, oid in found if name.split("/")[3] not in known and not _is_new(project, name, oid)]
    if gone:
        with project.repo.refs.transaction() as transaction:
            for name in gone:
                transaction.delete(name)


def _is_new(project: Project, name: str, oid: Oid) -> bool:
    objects = project.repo.objects
    if not name.startswith(PINNED):
        return False
    return oid not in objects or time.time() - objects.read_commit(oid).committer.time <= _YOUNG


def _forget_wishes(board: Board, wished: Iterable[tuple[Wish, str]]) -> None:
    """Takes back what was wished of jobs that do not run any more, and of workers that are gone."""
    running = {job.number for _, _, job in board.jobs("running")}
    alive = {worker.number for worker in roster.workers(board.folder)} | {wishes.ALL}
    for wish, of in wished:
        if of not in (running | alive if wish == "kill" else alive):
            wishes.forget(board.folder, wish, of)
