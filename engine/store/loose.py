"""Objects that are files of their own: where they lie in a cache, or in one collection of its trash."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress

from assay.engine import disk
from assay.engine.model import Digest
from assay.engine.store.digest import KEY_FOLDERS, parse_key

_FIRST = re.compile(r"[0-9a-f]{2}")


def walk(folder: str) -> Iterator[tuple[str, Digest | None, os.stat_result]]:
    """Every file where objects lie: its absolute path, what it is named after (None: it is no object), its stat data.

    Args:
        folder: Absolute path of a cache; it need not exist.
    """
    for start in _starts(folder):
        for path, entry in disk.walk(f"{folder}/{start}"):
            with suppress(FileNotFoundError):  # collected meanwhile
                yield entry.path, parse_key(f"{start}/{path}"), entry.stat(follow_symlinks=False)


def holds(folder: str) -> bool:
    """Whether there is any folder for objects."""
    return next(_starts(folder), None) is not None


def _starts(folder: str) -> Iterator[str]:
    """The folders of objects; those at the root of a cache, which has others too, are known by their two digits."""
    for prefix in filter(None, KEY_FOLDERS.values()):
        if os.path.isdir(f"{folder}/{prefix}"):
            yield prefix.rstrip("/")
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (name for name in names if _FIRST.fullmatch(name) and os.path.isdir(f"{folder}/{name}"))
