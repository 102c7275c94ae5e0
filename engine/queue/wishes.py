"""What people ask of workers, on whatever machine these are: files that a worker looks for while it works.

``wishes/kill.<number>`` ends a job, ``wishes/stop.<worker>`` a worker once its job has ended, ``wishes/kill.<worker>``
the job that a worker has, whichever that is by now; ``wishes/stop.all`` and ``wishes/kill.all`` go to those who keep
workers at work, for each of them.
"""

from __future__ import annotations

import os
from typing import Literal

from assay.engine import disk

ALL = "all"
"""In the place of a worker's id: every worker, and whoever starts them. This wish stays, the time of asking counts."""

Wish = Literal["kill", "stop"]


def ask(folder: str, wish: Wish, of: str) -> None:
    """Asks for something.

    Args:
        folder: The board's.
        wish: What.
        of: The job's number, or the worker's.
    """
    disk.make_folders(f"{folder}/wishes")
    disk.write_atomic(f"{folder}/wishes/{wish}.{of}", b"")


def is_asked(folder: str, wish: Wish, of: str) -> bool:
    """Whether somebody has asked for it."""
    return os.path.lexists(f"{folder}/wishes/{wish}.{of}")


def last_asked(folder: str, wish: Wish, of: str) -> tuple[int, int]:
    """What tells the last time that somebody asked from all others; zeros when nobody has."""
    try:
        status = os.stat(f"{folder}/wishes/{wish}.{of}")
    except (FileNotFoundError, NotADirectoryError):
        return 0, 0
    return status.st_ino, status.st_mtime_ns


def asked(folder: str) -> list[tuple[Wish, str]]:
    """All wishes, and of what they are."""
    names = os.listdir(f"{folder}/wishes") if os.path.isdir(f"{folder}/wishes") else []
    wishes: tuple[Wish, ...] = ("kill", "stop")
    return [(wish, name[5:]) for wish in wishes for name in names if name.startswith(f"{wish}.")]


def forget(folder: str, wish: Wish, of: str) -> None:
    """Takes a wish back; one that nobody had is fine."""
    disk.unlink(f"{folder}/wishes/{wish}.{of}", missing_ok=True)
