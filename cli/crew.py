"""Workers on this machine, started and watched from the command line: `queue start`, `run --run-all`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.queue.jobs import Job, State

WORKER = [sys.executable, "-m", "assay", "worker"]


def attend(context: Context, count: int) -> int:
    """Carries out what is queued, so many at a time, and tells of each job that ends.

    Returns:
        The exit code: 1 when a job failed.
    """
    from assay.cli.render.jobs import ended
    from assay.engine.words import counted
    from assay.engine.workers.crew import Crew

    failed = succeeded = 0

    def told(state: State, job: Job) -> None:
        nonlocal failed, succeeded
        failed += state == "failed"
        succeeded += state == "success"
        context.report.clear()
        context.say(ended(job))
        context.out.flush()

    Crew(context.project(), WORKER, context.environment).attend(count, told)
    context.report.clear()
    if not failed and not succeeded:
        context.say("Nothing is queued.")
        return 0
    context.say(f"{counted(succeeded, 'experiment')} made, {counted(failed, 'job')} failed.")
    return 1 if failed else 0


def detach(context: Context, count: int) -> int:
    """Has another process do that, which ends with the queue."""
    import subprocess

    from assay.engine import disk
    from assay.engine.queue import roster
    from assay.engine.queue.boards import board_of
    from assay.engine.words import counted

    project = context.project()
    board = board_of(project)
    queued = len(board.places("queued")) + len(board.places("running"))
    alive = len(roster.workers(board.folder))
    if not queued:
        context.say("Nothing is queued.")
        return 0
    if alive >= count:
        context.say(f"{counted(alive, 'worker')} at work already.")
        return 0
    disk.make_folders(f"{board.folder}/workers")
    log = disk.open_append(f"{board.folder}/workers/output.log")
    words = [sys.executable, "-m", "assay", "queue", "start", "-j", str(count - alive)]
    subprocess.run(  # noqa: S603 - our own command, left to itself by a shell that ends at once
        ["/bin/sh", "-c", '"$@" &', "sh", *words], cwd=project.root, env=context.environment, check=True,
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    os.close(log)
    context.say(
        f"{counted(min(count - alive, queued), 'worker')} started; `assay queue status` shows how far they are."
    )
    return 0
