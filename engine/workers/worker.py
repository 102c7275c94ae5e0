"""A worker: takes one job after the other, until none is left.

A job whose worker died is queued again by whichever worker next looks; a job that was interrupted with its worker, at
once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from assay.engine.errors import AssayError, BadInput
from assay.engine.events import Warned
from assay.engine.project import Project
from assay.engine.queue import roster, wishes
from assay.engine.queue.board import Board, Claim
from assay.engine.queue.boards import board_of
from assay.engine.workers.carry import carry
from assay.engine.workers.lost import look_after, take_back
from assay.engine.workers.watch import Watch

_IDLE = 0.5  # seconds


class Worked(NamedTuple):
    """What a worker did: how many jobs ended well, and how many failed."""

    succeeded: int = 0
    failed: int = 0


def work(project: Project, *, patience: float = 0.0, told: Callable[[Claim], object] = lambda _: None) -> Worked:
    """Carries out jobs until none is queued.

    Args:
        project: The project.
        patience: How many seconds to wait for a new job when none is queued.
        told: Told of each job when it has ended, however.

    Raises:
        KeyboardInterrupt: The process was interrupted; the job that it ran is queued again.
    """
    number = project.world.ids.nonce()
    board = board_of(project)
    with roster.enrolled(board.folder, number, project.world.command):
        try:
            roster.strike_out(board.folder)
            look_after(project)
            return _Shift(project, board, number, told).work(patience)
        finally:
            wishes.forget(board.folder, "stop", number)
            wishes.forget(board.folder, "kill", number)


class _Shift:
    """From a worker's first job to its last."""

    def __init__(self, project: Project, board: Board, number: str, told: Callable[[Claim], object]) -> None:
        self._project = project
        self._board = board
        self._number = number
        self._told = told
        self._done = Worked()

    def work(self, patience: float) -> Worked:
        idle_since = time.monotonic()
        while not self._is_stopped():
            take_back(self._project)
            claim = self._next()
            if claim is not None and self._is_stopped():  # somebody wished it while this looked for a job
                claim.release()
            elif claim is not None:
                self._carry(claim)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= patience:
                break
            else:
                time.sleep(_IDLE)
        return self._done

    def _is_stopped(self) -> bool:
        return wishes.is_asked(self._board.folder, "stop", self._number)

    def _next(self) -> Claim | None:
        for place in self._board.places("queued"):
            try:
                claim = self._board.claim("queued", place)
            except BadInput as error:
                self._project.report(Warned(error.message))
                continue
            if claim is not None:
                return claim
        return None

    def _carry(self, claim: Claim) -> None:
        watch = Watch(self._board.folder, claim.job.number, self._number)
        who = f"{os.getpid()} on {os.uname().nodename}"
        try:
            wishes.forget(self._board.folder, "kill", claim.job.number)  # meant for an attempt that was over
            with watch:
                carry(self._project, claim, who, is_killed=lambda: watch.is_killed)
            self._count(failed=claim.job.made is None)
        except KeyboardInterrupt:
            if not watch.is_killed:
                raise
            if claim.state != "queued":  # else it had not begun
                self._count(failed=claim.job.made is None)
        except (AssayError, OSError) as error:
            if claim.state == "queued":  # it could not even begin, and would not the next moment
                raise
            self._project.report(Warned(f"{claim.job.name}: {getattr(error, 'message', error)}"))
            self._count(failed=claim.job.made is None)
        finally:
            wishes.forget(self._board.folder, "kill", claim.job.number)
            claim.release()
            if claim.state != "queued":
                self._told(claim)

    def _count(self, *, failed: bool) -> None:
        done = self._done
        self._done = Worked(done.succeeded + (not failed), done.failed + failed)
