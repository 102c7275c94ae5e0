"""``assay-dvc queue kill``."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from assay.cli.dvc.queued import meant, refuse_unknown
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Collection

_LOOK = 0.1
_PATIENCE = 30.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="accepted; whatever a task started ends either way")
    parser.add_argument("task", nargs="*", metavar="<task>", help="names of experiments, or the beginnings of ids")


def run(args: argparse.Namespace, context: Context) -> int:
    """Ends running tasks, all or none; when this returns, they have ended, where their workers answer."""
    from assay.engine.workers.control import kill

    entries, missing = meant(context, args.task, ("running",))
    refuse_unknown(context, missing, "running experiment name", "queue kill")
    if not entries:
        return 0
    jobs = kill(context.project(), [entry.job.number for entry in entries])
    left = wait_for_end(context, {job.number for job in jobs})
    for job in jobs:
        if job.number not in left:
            context.say(f"{job.name} has been killed.")
    return tell_left(context, left)


def wait_for_end(context: Context, numbers: Collection[str]) -> set[str]:
    """Waits until these jobs run no more, for half a minute; returns those that still do."""
    from assay.engine.queue.boards import board_of

    board = board_of(context.project())
    deadline = time.monotonic() + _PATIENCE
    while True:
        left = {place.rpartition(".")[2] for place in board.places("running")} & set(numbers)
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_LOOK)


def tell_left(context: Context, left: Collection[str]) -> int:
    """Says that jobs run still, and returns the exit code."""
    from assay.engine.errors import AssayError
    from assay.engine.words import counted

    if left:
        raise AssayError(
            f"{counted(len(left), 'task')} had not ended after {_PATIENCE:.0f} seconds; the workers have been asked.",
            "`assay-dvc queue status` shows when they do.",
        )
    return 0
