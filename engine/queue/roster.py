"""Which workers there are: a lock for each, which says who it is and stops counting when it is dead."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Locked
from assay.engine.locks import LEASE, FileLock, Owner, is_dead, read_owner


class Worker(NamedTuple):
    """A worker that is alive: its id, and its process."""

    number: str
    owner: Owner


@contextmanager
def enrolled(folder: str, number: str, command: str) -> Iterator[None]:
    """Has a worker on the roster for as long as it works.

    Args:
        folder: The board's.
        number: The worker's id.
        command: What its process does, for people.
    """
    disk.make_folders(f"{folder}/workers")
    with FileLock(f"{folder}/workers/{number}", what="The worker", command=command):
        yield


def workers(folder: str) -> list[Worker]:
    """The workers that are alive, as far as can be told from here; the longest at work first."""
    found = []
    try:
        names = sorted(os.listdir(f"{folder}/workers"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in names:
        path = f"{folder}/workers/{name}"
        if name.isalnum() and (owner := read_owner(path)) is not None and not _is_gone(path, owner):
            found.append(Worker(name, owner))
    return sorted(found, key=lambda worker: (worker.owner.time, worker.number))


def strike_out(folder: str) -> None:
    """Takes dead workers off the roster."""
    alive = {worker.number for worker in workers(folder)}
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(f"{folder}/workers"):
            if name.isalnum() and name not in alive:
                with suppress(Locked), FileLock(f"{folder}/workers/{name}"):
                    pass


def _is_gone(path: str, owner: Owner) -> bool:
    dead = is_dead(owner)
    if dead is not None:
        return dead
    try:
        return time.time() - os.stat(path).st_mtime > LEASE
    except FileNotFoundError:
        return True
