"""Workers on this machine, started and watched from the command line: `queue start`, `run --run-all`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    words = [sys.executable, "-m", "assay", "queue", "start", "-j", str(count - alive)]
    leave_to_itself(context, words, context.environment)
    context.say(
        f"{counted(min(count - alive, queued), 'worker')} started; `assay queue status` shows how far they are."
    )
    return 0


def leave_to_itself(context: Context, words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Starts a command of ours in the background; what it prints goes to the log of the workers.

    Args:
        context: Whose project it works in.
        words: The command.
        environment: Its variables.
    """
    import subprocess

    from assay.engine import disk
    from assay.engine.queue.boards import board_of

    folder = f"{board_of(context.project()).folder}/workers"
    disk.make_folders(folder)
    log = disk.open_append(f"{folder}/output.log")
    try:
        subprocess.run(  # noqa: S603 - our own command, left to itself by a shell that ends at once
            ["/bin/sh", "-c", '"$@" &', "sh", *words],
            cwd=context.project().root,
            env=environment,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)
