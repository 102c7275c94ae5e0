"""A worker: takes one job after the other, until none is left.

It looks for wishes while a stage runs, in a thread of its own, which interrupts the process as a person would. A job
whose worker died is queued again by whichever worker next looks; a job that was interrupted with its worker, at once.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from assay.engine.errors import AssayError, BadInput
from assay.engine.events import Warned
from assay.engine.project import Project
from assay.engine.queue import roster, wishes
from assay.engine.queue.board import Board, Claim
from assay.engine.workers.carry import board_of, carry
from assay.engine.workers.lost import look_after, take_back

_LOOK = 0.2  # seconds between two looks for wishes
_IDLE = 0.5


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
        while not wishes.is_asked(self._board.folder, "stop", self._number):
            take_back(self._project)
            claim = self._next()
            if claim is not None:
                self._carry(claim)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= patience:
                break
            else:
                time.sleep(_IDLE)
        return self._done

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
        watch = _Watch(self._board.folder, claim.job.number)
        who = f"{os.getpid()} on {os.uname().nodename}"
        try:
            with watch:
                carry(self._project, claim, who, is_killed=lambda: watch.is_killed)
            self._count(failed=claim.job.made is None)
        except KeyboardInterrupt:
            if not watch.is_killed:
                raise
            self._count(failed=True)
        except (AssayError, OSError) as error:
            if claim.state == "queued":  # it could not even begin, and would not the next moment
                raise
            self._project.report(Warned(f"{claim.job.name}: {getattr(error, 'message', error)}"))
            self._count(failed=True)
        finally:
            wishes.forget(self._board.folder, "kill", claim.job.number)
            claim.release()
            self._told(claim)

    def _count(self, *, failed: bool) -> None:
        done = self._done
        self._done = Worked(done.succeeded + (not failed), done.failed + failed)


class _Watch:
    """Interrupts this process when somebody wishes that its job ends."""

    def __init__(self, folder: str, job: str) -> None:
        self.is_killed = False
        self._folder = folder
        self._job = job
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # an interrupt is sent before this or never
            self._over.set()

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            if wishes.is_asked(self._folder, "kill", self._job):
                with self._lock:
                    if not self._over.is_set():
                        self.is_killed = True
                        with suppress(OSError):
                            os.kill(os.getpid(), signal.SIGINT)
                return
