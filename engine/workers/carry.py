"""Carries a job out: from the claim to the experiment, or to what a failure left.

The order is the log, the folder, the run, the experiment, the board; so whatever is killed, the job is in one state,
its log is there, and doing it again does it once: an experiment that was made just before its worker died is found by
its name and start. What a job leaves when it fails is kept as a commit under ``refs/assay/kept/``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from assay.engine import disk
from assay.engine.errors import AssayError, NameTaken, StageFailed
from assay.engine.events import Note
from assay.engine.experiments import logs
from assay.engine.experiments.capture import Captured
from assay.engine.experiments.isolated import left_by, run_inside
from assay.engine.experiments.naming import fresh_like
from assay.engine.experiments.publish import RUN, Made
from assay.engine.experiments.run import Ran
from assay.engine.experiments.runfolder import RunFolder, copy_along
from assay.engine.locks import LEASE
from assay.engine.model import ExpRef, Oid
from assay.engine.pipeline.repro import Reproduced
from assay.engine.project import Project
from assay.engine.queue.board import Claim
from assay.engine.queue.jobs import KEPT, PINNED, Job
from assay.engine.workers.specs import from_data

_TRIED = 100


def carry(
    project: Project, claim: Claim, worker: str, *, is_killed: Callable[[], bool] = lambda: True, again: bool = False
) -> Ran | None:
    """Runs a claimed job to its end, and says on the board what came of it.

    Args:
        project: The project.
        claim: The job; it is running when this begins, and not any more when it ends.
        worker: Who this is, for people.
        is_killed: Asked when this process is interrupted: whether that is the end of the job, too, or it is to be done
            again by another worker.
        again: Go on in the folder that an earlier attempt left, where it is still there.

    Returns:
        What became of it; None when an earlier attempt had made the experiment already.

    Raises:
        StageFailed, AssayError: Why it failed; the board says so already.
        KeyboardInterrupt: This process was interrupted; the board says what that means.
    """
    made = made_before(project, claim.job) if claim.job.attempts else None
    if made is not None:
        succeeded(project, claim, RunFolder(project, claim.job.number), made)
        return None
    job = claim.job.begun(worker, int(time.time()))
    # A worker may die before the board knows of its attempt, so that the count alone would not do.
    tag = f"{job.name}-{job.number}.{len(job.attempts)}-{project.world.ids.nonce()[:4]}"
    log = logs.begin_job(project, tag)
    folder, has_begun = RunFolder(project, job.number), False
    try:
        claim.move(job._replace(log=tag), "running")
        has_begun = True
        with folder.held(wait=LEASE):  # a worker elsewhere may have been dead for less than its locks say
            ran = _run(project, claim, folder, log, again=again)
    except KeyboardInterrupt:
        claim.look()
        if _was_made(project, claim, folder, log):
            raise
        if is_killed():
            _failed(project, claim, folder, "killed", "It was killed.", None)
        else:
            claim.move(claim.job.ended("stopped", int(time.time())), "queued")
        raise
    except (AssayError, OSError) as error:
        if not has_begun:
            raise
        if not claim.holds:
            log.fail()
            raise
        if _was_made(project, claim, folder, log):
            raise
        problem = error.message if isinstance(error, AssayError) else str(error)
        _failed(project, claim, folder, "failed", problem, error.status if isinstance(error, StageFailed) else None)
        if isinstance(error, StageFailed):
            path = logs.path_of_job(project, tag, None) or ""
            raise StageFailed(error.stage, error.status, error.tail, path) from error
        raise
    if ran.made is None:
        log.fail()
        names = ", ".join(ran.reproduced.failed)
        _failed(project, claim, folder, "failed", f"These stages failed: {names}.", None)
        return ran._replace(log=logs.path_of_job(project, tag, None) or "")
    succeeded(project, claim, folder, ran.made.commit)
    return ran


def _was_made(project: Project, claim: Claim, folder: RunFolder, log: logs.Log) -> bool:
    """Whether the experiment is there, though something went wrong, which the board says then; else keeps the log."""
    made = made_before(project, claim.job)
    if made is not None:
        succeeded(project, claim, folder, made)
        return True
    log.take_back()
    log.fail()
    return False


def _run(project: Project, claim: Claim, folder: RunFolder, log: logs.Log, *, again: bool) -> Ran:
    job = claim.job
    spec, captured = from_data(job.spec, claim.path), Captured(job.commit, job.baseline)
    goes_on = again and folder.is_there
    with _opened(folder, job, goes_on=goes_on) as inside:
        if not goes_on:
            copy_along(project, inside, job.copies)
        try:
            return run_inside(project, inside, spec, captured, job.name, log, job.number, claim.check)
        except NameTaken as error:
            if not error.commit:
                raise
            return _under_another_name(project, claim, Oid(error.commit), log)


def _under_another_name(project: Project, claim: Claim, commit: Oid, log: logs.Log) -> Ran:
    """The experiment of a job whose name somebody took while it ran: no work is lost for that."""
    job = claim.job
    name = fresh_like(project.repo.refs, job.baseline, job.name)
    with project.repo.refs.transaction() as transaction:
        transaction.create(ExpRef(job.baseline, name).refname, commit)
    project.report(Note(f"There is an experiment {job.name} meanwhile, so this one is called {name}."))
    claim.write(job._replace(name=name))
    return Ran(Made(ExpRef(job.baseline, name), commit, job.name), Reproduced(), log.path)


def made_before(project: Project, job: Job) -> Oid | None:
    """The experiment that an earlier attempt made just before its worker died; None for none."""
    for name in (job.name, *(f"{job.name}-{number}" for number in range(2, _TRIED))):
        commit = project.repo.refs.read(ExpRef(job.baseline, name).refname)
        if commit is None:
            return None
        if f"\n{RUN}{job.number}\n" in project.repo.objects.read_commit(commit).message:
            return commit
    return None


@contextmanager
def _opened(folder: RunFolder, job: Job, *, goes_on: bool) -> Iterator[Project]:
    inside = folder.again() if goes_on else folder.make(job.commit, job.name)
    try:
        yield inside
    finally:
        inside.close()


def succeeded(project: Project, claim: Claim, folder: RunFolder, made: Oid) -> None:
    """Says on the board that the experiment is made, and lets go of what the job needed."""
    claim.move(claim.job.ended("success", int(time.time()))._replace(made=made), "success")
    with suppress(OSError):
        folder.remove()
    forget_refs(project, claim.job)


def _failed(project: Project, claim: Claim, folder: RunFolder, end: str, problem: str, status: int | None) -> None:
    """Keeps what a job left; a folder that its own exit ended goes, another one may be resumed."""
    job = claim.job
    kept = None
    if folder.is_there:
        with suppress(AssayError, OSError), _opened(folder, job, goes_on=True) as inside:
            kept = left_by(project, inside, Captured(job.commit, job.baseline), job.name)
            disk.sync_tree(project.repo.common_dir)
            with project.repo.refs.transaction() as transaction:
                transaction.put(f"{KEPT}{job.number}/{job.name}", kept)
    ended = job.ended(end, int(time.time()))._replace(kept=kept, problem=problem, status=status)
    claim.move(ended, "failed")
    if end == "failed":
        with suppress(OSError):
            folder.remove()


def forget_refs(project: Project, job: Job) -> None:
    """Lets go of what a job is kept alive by: the state it starts from, and what it left when it failed."""
    refs = project.repo.refs
    names = [PINNED + job.number, *(name for name, _ in refs.iterate(f"{KEPT}{job.number}/"))]
    with refs.transaction() as transaction:
        for name in names:
            transaction.delete(name)
