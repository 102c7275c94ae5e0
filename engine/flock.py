"""The kind of lock that DVC takes on a file, so that both tools can keep out of each other's way.

By default that is `flock` on a file which stays where it is; its content, a process number, says who held it last. With
``core.hardlink_lock`` DVC makes the lock by a hard link instead, for file systems that cannot flock: a claim of its own
is linked to the lock's name, and whoever made that link holds the lock until it goes. Such a lock outlives a killed
holder, since its time lies a year ahead; DVC treats it in the same way.

Limits: assay's own locks (`engine/locks.py`) depend on neither; these are taken beside them, for DVC's sake.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable

from assay.engine import disk
from assay.engine.errors import AssayError, Locked
from assay.engine.locks import process_ended

PATIENCE = 3.0
"""Seconds for which DVC tries before it gives up."""

_PAUSE = 0.05  # seconds between two attempts: nothing tells when such a lock comes free
_YEAR = 365 * 24 * 3600
_SLOP = 10


class Flock:
    """One of DVC's locks, given back by `release` and by the end of the process.

    Args:
        path: Absolute path of the lock file; its folder must exist.
        what: What it locks, for the sentence ("The project").
        by_links: Lock by a hard link instead of flock.
    """

    def __init__(self, path: str, what: str, *, by_links: bool = False) -> None:
        self.path = path
        self._what = what
        self._by_links = by_links
        self._fd = -1
        self._claim = ""

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd >= 0 or bool(self._claim)

    def acquire(self, patience: float | None = PATIENCE, waits: Callable[[str], None] | None = None) -> None:
        """Takes the lock.

        Args:
            patience: Seconds to wait for its holder; None waits for as long as it takes.
            waits: Told, with a sentence and once, when that takes longer than `PATIENCE`.

        Raises:
            Locked: Somebody else holds it; the sentence says who, where that can be known.
            AssayError: The file system refuses.
        """
        began, told = time.monotonic(), False
        while not self._attempt():
            passed = time.monotonic() - began
            if patience is not None and passed >= patience:
                raise Locked(self._sentence(), self._hint())
            if waits is not None and not told and passed >= PATIENCE:
                waits(self._sentence())
                told = True
            time.sleep(_PAUSE)

    def release(self) -> None:
        """Gives the lock back; nothing happens when it is not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._claim:
            disk.unlink(self.path, missing_ok=True)
            disk.unlink(self._claim, missing_ok=True)
            self._claim = ""

    def _attempt(self) -> bool:
        try:
            return self._link() if self._by_links else self._flock()
        except OSError as error:
            hint = "Set core.hardlink_lock, for DVC too, if the file system cannot lock." if not self._by_links else ""
            raise AssayError(f"DVC's lock {self.path} cannot be taken: {error.strerror}.", hint) from error

    def _flock(self) -> bool:
        fd = disk.lock_file(self.path, f" {os.getpid()}\n".encode())
        self._fd = -1 if fd is None else fd
        return fd is not None

    def _link(self) -> bool:
        name = f"{self.path}|{os.uname().nodename}|{os.getpid()}|{os.urandom(8).hex()}"
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        claim = f"{os.path.dirname(self.path)}/{digest}.lock"
        disk.create_exclusive(claim, claim.encode())
        try:
            disk.set_time(claim, time.time() + _YEAR)
            disk.hardlink(claim, self.path)
        except OSError as error:
            disk.unlink(claim, missing_ok=True)
            if error.errno != errno.EEXIST:
                raise
            return self._break_expired() and self._link()
        except BaseException:
            disk.unlink(claim, missing_ok=True)
            raise
        self._claim = claim
        return True

    def _break_expired(self) -> bool:
        """Removes a lock whose time is over; says whether there was one."""
        try:
            is_over = os.stat(self.path).st_mtime + _SLOP < time.time()
        except FileNotFoundError:
            return True
        if is_over:
            disk.unlink(self.path, missing_ok=True)
        return is_over

    def _sentence(self) -> str:
        return f"{self._what} is locked by {self._holder()}."

    def _holder(self) -> str:
        pid = 0 if self._by_links else _pid_in(self.path)
        if not pid or process_ended(pid, 0):
            return "another process, of DVC's as it seems"
        command = command_of(pid)
        return f"process {pid} (`{command}`)" if command else f"process {pid}"

    def _hint(self) -> str:
        again = "Wait for it to end and try again."
        return f"{again} If no DVC is running here, remove {self.path}." if self._by_links else again


def _pid_in(path: str) -> int:
    """The process that a lock file names; 0 when it names none."""
    try:
        with open(path, "rb") as file:
            text = file.read(32).decode("ascii", "replace").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def command_of(pid: int) -> str:
    """The command line of a process on one line, shortened; empty where it cannot be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(4096).decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    text = " ".join(" ".join(words).split())
    return text if len(text) <= 100 else f"{text[:97]}..."
