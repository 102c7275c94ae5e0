"""Looks for wishes that a job ends while it runs, and interrupts this process then, as a person would."""

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
        worker: That of the worker that has it; empty for a run of its own.

    Attributes:
        is_killed: Whether somebody wished that it ends, and the process was interrupted.
    """

    def __init__(self, folder: str, job: str, worker: str = "") -> None:
        self.is_killed = False
        self._folder = folder
        self._meant = (job, worker) if worker else (job,)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._was_ignored = False

    def __enter__(self) -> Watch:
        is_main = threading.current_thread() is threading.main_thread()
        self._was_ignored = is_main and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if self._was_ignored:  # as shells do it for what runs in the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # an interrupt is sent before this or never
            self._over.set()
        if self._was_ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _look(self) -> None:
        while not self._over.wait(_LOOK):
            if any(wishes.is_asked(self._folder, "kill", of) for of in self._meant):
                with self._lock:
                    if not self._over.is_set():
                        self.is_killed = True
                        with suppress(OSError):
                            os.kill(os.getpid(), signal.SIGINT)
                return
