"""The folder of a new clone: complete in the end, or as it was before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from assay.engine import disk
from assay.engine.errors import Refused


def check_new(folder: str) -> None:
    """Raises Refused for a folder with something in it."""
    if os.path.lexists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        raise Refused(f"{folder} exists and is not empty.", "Name another folder.")


@contextmanager
def new_folder(folder: str) -> Iterator[None]:
    """Makes a folder, and removes what was made in it when something fails.

    Args:
        folder: Absolute path; it must be empty or not exist.

    Raises:
        Refused: It is not empty.
        AssayError: It cannot be made.
    """
    check_new(folder)
    existed = os.path.isdir(folder)
    try:
        _make(folder)
        yield
    except BaseException:
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
