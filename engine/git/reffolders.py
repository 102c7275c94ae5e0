"""Refs live in folders, so names clash and folders are left empty: both are found out and tidied here.

Git keeps a loose ref in a file of its name. There cannot be a ref with the name of a folder that holds others, not even
when one of the two is in packed-refs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.engine import disk
from assay.engine.git import refnames
from assay.engine.git.packedrefs import PackedRefs

if TYPE_CHECKING:
    from assay.engine.git.refs import RefStore


def clash(path: str, name: str, clear: set[str]) -> str:
    """Why a new ref cannot lie at ``path``: somebody makes one above it, or has one below. Empty: it can.

    Args:
        path: The ref's file; its lock is held.
        name: The ref.
        clear: Names above that were found free; added to.
    """
    root = path[: -len(name)]
    for above in refnames.ancestors(name):
        if above in clear:
            break
        if os.path.lexists(f"{root}{above}.lock"):
            return f"while somebody changes {above}"
        clear.add(above)
    return "" if emptied(path) else "because there are refs below it"


def packed_clash(packed: PackedRefs, name: str, clear: set[str]) -> str:
    """As `clash`, for refs in packed-refs."""
    for above in refnames.ancestors(name):
        if above in clear:
            break
        if packed.find(above) is not None:
            return f"because there is a ref {above}"
        clear.add(above)
    return "because there are refs below it" if packed.has_below(name) else ""


def emptied(path: str) -> bool:
    """Whether nothing is in the way at ``path`` once empty folders there are removed."""
    if not os.path.isdir(path):
        return True
    for folder, _, files in os.walk(path, topdown=False):
        if files or not disk.remove_folder(folder):
            return False
    return not os.path.isdir(path)


def tidy(store: RefStore, names: Iterable[str]) -> None:
    """Removes the folders that these refs left empty; refs/ and the folders right below it stay."""
    for folder in {name.rpartition("/")[0] for name in names}:
        while folder.count("/") >= 2:
            with suppress(OSError):
                if os.path.isdir(logs := store.log_path(folder)):
                    disk.remove_folder(logs)
            try:
                if not disk.remove_folder(store.path(folder)):
                    break
            except OSError:
                break
            folder = folder.rpartition("/")[0]
