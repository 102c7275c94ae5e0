"""What people ask of workers, on whatever machine these are: files that a worker looks for while it works.

``wishes/kill.<number>`` ends a job, ``wishes/stop.<worker>`` a worker once its job has ended.
"""

from __future__ import annotations

import os
from typing import Literal

from assay.engine import disk

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


def forget(folder: str, wish: Wish, of: str) -> None:
    """Takes a wish back; one that nobody had is fine."""
    disk.unlink(f"{folder}/wishes/{wish}.{of}", missing_ok=True)
