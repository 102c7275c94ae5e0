"""The folder of a new clone: complete in the end, or as it was before.

One that was interrupted once only data was missing stays: a `pull` in it goes on where the clone stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.events import Reporter, Warned


def check_new(folder: str) -> None:
    """Raises Refused for a folder with something in it."""
    if os.path.lexists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        hint = "Name another folder."
        if os.path.isdir(f"{folder}/.git/assay"):
            hint = "If it is a clone that was cut short, `assay pull -A` in it goes on; else name another folder."
        raise Refused(f"{folder} exists and is not empty.", hint)


class Made:
    """A folder that was made for a clone; ``is_usable`` once only data is missing."""

    def __init__(self) -> None:
        self.is_usable = False

    @contextmanager
    def lacks_data(self, root: str, report: Reporter) -> Iterator[None]:
        """Says, when it is interrupted from here on, how to go on in the project at ``root``."""
        self.is_usable = True
        try:
            yield
        except KeyboardInterrupt:
            report(Warned(f"{root} is not complete; `assay pull -A` in it goes on."))
            raise


@contextmanager
def new_folder(folder: str) -> Iterator[Made]:
    """Makes a folder, and removes what was made in it when something fails, or is interrupted before it is usable.

    Args:
        folder: Absolute path; it must be empty or not exist.

    Raises:
        Refused: It is not empty.
        AssayError: It cannot be made.
    """
    check_new(folder)
    existed, made = os.path.isdir(folder), Made()
    try:
        _make(folder)
        yield made
    except BaseException as error:
        if not (made.is_usable and isinstance(error, KeyboardInterrupt)):
            _remove(folder, keep=existed)
        raise


def _make(folder: str) -> None:
    try:
        disk.make_folders(folder)
    except OSError as error:
        raise disk.no_space(error, folder) from error


def _remove(folder: str, *, keep: bool) -> None:
    if not keep:
        disk.remove_tree(folder)
        return
    for name in os.listdir(folder):
        disk.remove_tree(f"{folder}/{name}")
