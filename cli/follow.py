"""Printing a log, and going on with it while somebody writes it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import BinaryIO

from assay.cli.wiring import Context

_LOOK = 0.2


def follow(context: Context, log: BinaryIO, job: str | None) -> None:
    """Prints a log, and closes it; while a job runs, what comes to it, too.

    Args:
        context: Where to print.
        log: The log, opened; the file stays the same where its folder gets another name.
        job: The number of the job to wait for; None to end at the end of the log.
    """
    from assay.engine.queue.boards import board_of

    board = board_of(context.project())
    with log:
        while True:
            runs = job is not None and any(one.number == job for _, _, one in board.jobs("running"))
            while data := log.read(1 << 16):
                write(context, data)
            if not runs:
                return
            time.sleep(_LOOK)


def write(context: Context, data: bytes) -> None:
    """Prints bytes as they are."""
    context.out.flush()
    buffer = getattr(context.out, "buffer", None)
    if buffer is None:
        context.out.write(data.decode("utf-8", "replace"))
        return
    buffer.write(data)
    with suppress(OSError):
        buffer.flush()
