"""One run in a folder of its own, here and now: a job that never waits, so that no worker takes it."""

from __future__ import annotations

import time

from assay.engine.errors import Refused, UnknownRevision
from assay.engine.experiments.capture import Captured, capture
from assay.engine.experiments.isolated import foresee_inside, undisturbed
from assay.engine.experiments.prepare import Prepared, RunSpec, prepare
from assay.engine.experiments.publish import claim_name
from assay.engine.experiments.run import Ran
from assay.engine.experiments.runfolder import RunFolder, copy_along, refuse_absent
from assay.engine.experiments.start import baseline_of
from assay.engine.project import Project
from assay.engine.queue import wishes
from assay.engine.queue.board import Claim
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import PINNED, Job
from assay.engine.workers.carry import carry
from assay.engine.workers.lost import look_after
from assay.engine.workers.specs import to_data
from assay.engine.workers.watch import Watch


def run_isolated(project: Project, spec: RunSpec, *, copies: tuple[str, ...] = ()) -> Ran:
    """Captures the workspace, runs what changed in a folder of its own, and makes an experiment of it.

    Args:
        project: The project.
        spec: What to run.
        copies: Project paths of files and folders that Git ignores or does not know, to be copied into the folder.

    Raises:
        NameTaken: The name is in use; nothing ran.
        Refused: There is no commit to start from, or what a stage reads would not be there.
        UsageError: An override names no parameter, or there is nothing to run.
        StageFailed: A command failed; its log and what it left are kept.
        KeyboardInterrupt: It was interrupted; `resume` goes on.
    """
    look_after(project)
    refuse_absent(project, copies)
    baseline = baseline_of(project)
    name = claim_name(project, baseline, spec.name, force=spec.manner.force)

    def look() -> tuple[Prepared, Captured]:
        todo = prepare(project, spec)
        return todo, capture(project, todo, baseline, name=name, copies=copies)

    todo, captured = undisturbed(project, look)
    number = project.world.ids.nonce()
    data = to_data(spec, todo.choice)
    if spec.manner.dry:
        return _dry(project, spec._replace(choice=todo.choice), captured, name, number, copies)
    with project.repo.refs.transaction() as transaction:
        transaction.create(PINNED + number, captured.commit)
    created, _ = project.world.clock.now()
    job = Job(number, name, baseline, captured.commit, created, {**data, "alone": True}, copies)
    claim = board_of(project).begin(job, time.time_ns() // 1_000_000, project.world.ids.nonce())
    return _carried(project, claim)


def resume(project: Project, name: str) -> Ran:
    """Goes on with a run that was killed, in the folder that it left.

    Args:
        project: The project.
        name: The name of its experiment, or the beginning of its number.

    Raises:
        UnknownRevision: There is no such run.
        Refused: It left no folder, or somebody carries it out.
    """
    look_after(project)
    board = board_of(project)
    found = [(place, job) for _, place, job in board.jobs("failed") if name == job.name or job.number.startswith(name)]
    if not found:
        raise UnknownRevision(f"There is no run {name!r} that failed or was killed.", "`assay queue status` shows all.")
    place, job = found[-1]
    if not RunFolder(project, job.number).is_there:
        raise Refused(f"{job.name} left no folder to go on in.", f"`assay queue retry {job.name}` starts it again.")
    claim = board.claim("failed", place, wait=1.0)  # whoever looks for stale leases has it for a moment
    if claim is None:
        raise Refused(f"Somebody else carries out {job.name} at this moment.")
    return _carried(project, claim, again=True)


def _carried(project: Project, claim: Claim, *, again: bool = False) -> Ran:
    folder = board_of(project).folder
    try:
        with Watch(folder, claim.job.number):
            ran = carry(project, claim, project.world.login, again=again)
    finally:
        wishes.forget(folder, "kill", claim.job.number)
        claim.release()
    if ran is None:  # an earlier attempt had ended well
        raise Refused(f"{claim.job.name} was made already.", f"`assay show` has it; `assay apply {claim.job.name}`.")
    return ran


def _dry(project: Project, spec: RunSpec, captured: Captured, name: str, number: str, copies: tuple[str, ...]) -> Ran:
    folder = RunFolder(project, number)
    with folder.held():
        try:
            inside = folder.make(captured.commit, name)
            try:
                copy_along(project, inside, copies)
                return foresee_inside(inside, captured, spec)
            finally:
                inside.close()
        finally:
            folder.remove()
