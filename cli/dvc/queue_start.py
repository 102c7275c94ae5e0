"""``assay-dvc queue start``; starting workers in the background."""

from __future__ import annotations

import argparse
import os
import time

from assay.cli.dvc.queued import tell_of_dvcs
from assay.cli.wiring import Context

_IDLE = 10
"""Seconds that a worker waits for a new task before it ends, as DVC's do."""
_LOOK = 0.05
_PATIENCE = 60.0
_REMOTE = "DVC_EXP_GIT_REMOTE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="<number>", help="so many workers at most (1)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Starts workers for what is queued, and for what will be queued in the next seconds."""
    tell_of_dvcs(context, ("queued",), "queue start")
    started = start_workers(context, args.jobs)
    context.report.clear()
    context.say(f"Started '{started}' new experiments task queue worker{'s' if started > 1 else ''}.")
    return 0


def start_workers(context: Context, count: int) -> int:
    """Starts workers in the background until there are so many on this machine; returns how many it started.

    When it returns, they have begun, so that whoever starts some next knows of them.

    Raises:
        AssayError: They ended before they had begun.
    """
    from assay.cli.crew import WORKER, leave_to_itself
    from assay.engine.errors import AssayError
    from assay.engine.queue.boards import board_of

    folder = board_of(context.project()).folder
    before = _at_work(folder)
    missing = max(count - len(before), 0)
    for _ in range(missing):
        leave_to_itself(context, [*WORKER, "--wait", str(_IDLE)], _environment(context))
    deadline, begun = time.monotonic() + _PATIENCE, set[str]()
    while len(begun := begun | (_at_work(folder) - before)) < missing:  # the first may have ended when the last begins
        if time.monotonic() > deadline:
            raise AssayError("Workers were started, but have not begun.", f"{folder}/workers/output.log may say why.")
        time.sleep(_LOOK)
    return missing


def _at_work(folder: str) -> set[str]:
    """The workers of this machine."""
    from assay.engine.queue import roster

    here = os.uname().nodename
    return {worker.number for worker in roster.workers(folder) if worker.owner.host == here}


def _environment(context: Context) -> dict[str, str]:
    """The variables of a worker: new experiments are pushed where DVC would push them, if they are to be."""
    environment = dict(context.environment)
    if not environment.get(_REMOTE) and not context.project().config.get("exp", "git_remote"):
        environment[_REMOTE] = "origin"
    return environment
