"""Several workers at once on this machine: as many processes as were asked for, for as long as there is work.

A worker that dies is replaced, and what it had taken is queued again. Workers are sessions of their own: they outlive
whoever started them, and end with the queue.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.project import Project
from assay.engine.queue import roster, wishes
from assay.engine.queue.boards import board_of
from assay.engine.queue.jobs import Job, State
from assay.engine.queue.wishes import Wish
from assay.engine.workers.lost import look_after, take_back

_LOOK = 0.1
_IN_A_ROW = 5
_YOUNG = 2.0  # seconds
_GRACE = 20.0
_PASSED_ON: tuple[Wish, ...] = ("stop", "kill")

Told = Callable[[State, Job], object]


class Crew:
    """The workers of one command.

    Args:
        project: The project.
        words: The command line of one worker.
        environment: Its variables.
    """

    def __init__(self, project: Project, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self._project = project
        self._words = list(words)
        self._environment = dict(environment)
        self._board = board_of(project)
        self._processes: dict[subprocess.Popen[bytes], float] = {}
        self._deaths = 0
        self._asked_before = {wish: wishes.last_asked(self._board.folder, wish, wishes.ALL) for wish in _PASSED_ON}

    def attend(self, count: int, told: Told) -> None:
        """Keeps so many workers at work until nothing is queued, or somebody wishes it, and those here have ended.

        Args:
            count: How many at once, at most.
            told: Told of every job that ends meanwhile.

        Raises:
            AssayError: Workers die as soon as they begin.
        """
        look_after(self._project)
        seen = self._over()
        try:
            while True:
                self._reap()
                queued = self._queued()
                for _ in range(min(count - len(self._processes), queued)):
                    self._start()
                now = self._over()
                for place, state in now.items():
                    job = self._board.read(state, place) if place not in seen else None
                    if job is not None:
                        told(state, job)
                seen = now
                if not queued and not self._processes:
                    look_after(self._project)
                    if not self._queued():
                        return
                time.sleep(_LOOK)
        except BaseException:
            self._dismiss()
            raise

    def _queued(self) -> int:
        """How many jobs wait for workers of this crew; files that are no jobs alone would keep it at work for ever."""
        if self._is_stopped() or next(self._board.jobs("queued"), None) is None:
            return 0
        return len(self._board.places("queued"))

    def _is_stopped(self) -> bool:
        """Whether somebody wishes that workers end; one that has only just begun may not have heard it."""
        folder, before = self._board.folder, self._asked_before
        asked = [wish for wish in _PASSED_ON if wishes.last_asked(folder, wish, wishes.ALL) != before[wish]]
        own = {process.pid for process in self._processes} if asked else set()
        for worker in roster.workers(folder) if asked else ():
            for wish in asked:
                if worker.owner.pid in own and not wishes.is_asked(folder, wish, worker.number):
                    wishes.ask(folder, wish, worker.number)
        return "stop" in asked

    def _over(self) -> dict[str, State]:
        states: tuple[State, State] = ("failed", "success")
        return {place: state for state in states for place in self._board.places(state)}

    def _start(self) -> None:
        folder = f"{self._board.folder}/workers"
        disk.make_folders(folder)
        log = disk.open_append(f"{folder}/output.log")
        try:
            process = subprocess.Popen(  # noqa: S603 - our own command
                self._words,
                cwd=self._project.root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            os.close(log)
        self._processes[process] = time.monotonic()

    def _reap(self) -> None:
        for process, began in list(self._processes.items()):
            status = process.poll()
            if status is None:
                continue
            del self._processes[process]
            if status not in (0, 255):
                take_back(self._project)
            if status == -signal.SIGKILL:  # somebody's doing, which says nothing of workers
                continue
            self._deaths = self._deaths + 1 if status and time.monotonic() - began < _YOUNG else 0
            if self._deaths >= _IN_A_ROW:
                raise AssayError(
                    f"Workers end as soon as they begin, the last one with status {status}.",
                    f"{self._board.folder}/workers/output.log says why.",
                )

    def _dismiss(self) -> None:
        """Ends the workers that were started here; what they were doing is queued again."""
        for process in self._processes:
            with suppress(OSError):
                process.terminate()
        deadline = time.monotonic() + _GRACE
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0.1))
