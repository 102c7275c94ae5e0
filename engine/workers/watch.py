"""Looks for somebody's wish that a job ends while it runs, and interrupts this process then, as a person would."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

from assay.engine.queue import wishes

_LOOK = 0.2  # seconds between two looks


class Watch:
    """A watch over one job, as a context manager.

    Args:
        folder: The board's.
        job: The job's number.

    Attributes:
        is_killed: Whether somebody wished that it ends, and the process was interrupted.
    """

    def __init__(self, folder: str, job: str) -> None:
        self.is_killed = False
        self._folder = folder
        self._job = job
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
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
