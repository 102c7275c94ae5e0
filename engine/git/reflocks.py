"""Git's own ref locks, taken so that a crash of ours never leaves one that nobody dares to remove.

Git's lock on a file is the file ``<file>.lock``, made exclusively; that it exists is all that counts. Here one record
is written first, in ``<common dir>/assay/locks/``, with the owner and every path it is about to lock, and each lock
is then a hard link of that record: path and inode are in the journal before the lock exists, and somebody else's lock
can never be taken for ours. What is to be renamed into place lies beside the record, so that a process that wakes up
after its locks were taken away cannot publish anything.

After a crash, `recover` finds records whose process is dead, removes the locks that are still the same file, then the
record. Where a file system has no hard links the lock holds the owner's line (with its nonce) instead.

Limits: a record written on another machine, or before this one was started again, is left alone for ten minutes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from zlib import crc32

from assay.engine import disk
from assay.engine.errors import GitError, Locked, RefConflict
from assay.engine.git.refnames import ancestors
from assay.engine.locks import (
    FileLock,
    Owner,
    make_exclusive,
    process_ended,
    read_owner,
    this_process,
    to_bytes,
)

PATIENCE = 1.0
"""Seconds to wait for a lock that somebody else holds."""

_ELSEWHERE = 600.0  # seconds
_FOLDER = "assay/locks"


class RefLocks:
    """The locks that one transaction holds.

    Args:
        common_dir: The repository's common folder.
        command: What the holder does, for people.
    """

    def __init__(self, common_dir: str, command: str = "") -> None:
        self._common = common_dir
        self._folder = f"{common_dir}/{_FOLDER}"
        self._owner = this_process(command)
        self._record = f"{self._folder}/{_name(self._owner)}"
        self._held: list[str] = []
        self._temps: list[str] = []
        self._open = False

    def open(self, paths: Iterable[str]) -> None:
        """Writes the journal record about the files that are about to be locked."""
        recover(self._common)
        root = f"{self._common}/"
        names = [path.removeprefix(root) for path in paths]
        data = to_bytes(self._owner) + json.dumps(names).encode() + b"\n"
        self._open = True
        try:
            disk.create_exclusive(self._record, data)
        except FileNotFoundError:
            disk.make_folders(self._folder)
            disk.create_exclusive(self._record, data)

    def take(self, path: str, name: str) -> None:
        """Locks one file, waiting up to `PATIENCE` for its holder; folders above it are made.

        Args:
            path: The file; it ends with ``name``.
            name: The ref it holds.

        Raises:
            Locked: Somebody else still holds it.
            RefConflict: A ref has the name of a folder above.
        """
        lock = path + ".lock"
        deadline = time.monotonic() + PATIENCE
        pause = 0.001
        while True:
            try:
                make_exclusive(self._record, lock)
            except FileExistsError:
                if time.monotonic() > deadline:
                    raise _locked(lock, name) from None
                time.sleep(pause * (0.5 + time.monotonic_ns() % 997 / 997))  # two waiters should not wake together
                pause = min(pause * 2, 0.05)
                recover(self._common)
            except (FileNotFoundError, NotADirectoryError) as error:
                # the folder was never there, or somebody who emptied it has just removed it
                _make_room(path, name)
                if time.monotonic() > deadline:
                    raise GitError(f"The folder of {lock} cannot be made: {error.strerror}.") from error
            else:
                self._held.append(lock)
                return

    def temp(self, data: bytes, *, sync: bool) -> str:
        """A new finished file beside the record, to be renamed into place; returns its path."""
        path = f"{self._record}.{len(self._temps)}"
        self._temps.append(path)
        disk.create_exclusive(path, data, sync=sync)
        return path

    def release(self, path: str) -> None:
        """Gives one lock back."""
        lock = path + ".lock"
        disk.unlink(lock, missing_ok=True)
        self._held.remove(lock)

    def close(self) -> None:
        """Gives every lock back, then removes the record; what cannot be removed is left to `recover`."""
        failed = False
        for path in (*self._held, *self._temps):
            try:
                disk.unlink(path, missing_ok=True)
            except OSError:
                failed = True
        self._held.clear()
        self._temps.clear()
        if self._open and not failed:
            with suppress(OSError):
                disk.unlink(self._record)
        self._open = False


def recover(common_dir: str) -> None:
    """Removes the ref locks that assay's own processes left when they died.

    It costs the listing of a folder that is empty most of the time.
    """
    folder = f"{common_dir}/{_FOLDER}"
    if any(map(_may_be_left, _names(folder))):
        with suppress(Locked), FileLock(f"{common_dir}/assay/recovery.lock", what="The journal of ref locks"):
            names = _names(folder)
            for name in names:
                if "." not in name and _may_be_left(name):
                    _clear(common_dir, name, [temp for temp in names if temp.startswith(name + ".")])


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _name(owner: Owner) -> str:
    """The name of an owner's record, which tells without opening it whether its process is alive here."""
    return f"{_machine(owner)}-{owner.pid}-{owner.start}-{owner.nonce}"


def _machine(owner: Owner) -> str:
    return f"{crc32(f'{owner.host} {owner.machine}'.encode()):08x}"


def _may_be_left(name: str) -> bool:
    """Whether a name in the journal is that of a record whose process is dead, or ran on another machine."""
    parts = name.split("-")
    if len(parts) != 4 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return False
    return parts[0] != _machine(this_process()) or process_ended(int(parts[1]), int(parts[2]))


def _clear(common_dir: str, name: str, temps: list[str]) -> None:
    """Removes what a dead process left: the locks its record names where they are its own, then the record."""
    folder = f"{common_dir}/{_FOLDER}"
    record = f"{folder}/{name}"
    try:
        with open(record, "rb") as file:
            data = file.read()
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        return
    if not name.startswith(_machine(this_process())) and time.time() - status.st_mtime < _ELSEWHERE:
        return
    for path in _paths(data):
        lock = os.path.join(common_dir, path) + ".lock"
        if _is_same(lock, status, data.partition(b"\n")[0] + b"\n"):
            disk.unlink(lock, missing_ok=True)
    for path in (*temps, name):
        disk.unlink(f"{folder}/{path}", missing_ok=True)


def _paths(data: bytes) -> list[str]:
    try:
        paths = json.loads(data.partition(b"\n")[2])
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


def _is_same(lock: str, status: os.stat_result, owner: bytes) -> bool:
    """Whether a lock is a link of the record, or where there are no links, a file with its first line."""
    try:
        found = os.lstat(lock)
        if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
            return True
        if found.st_size != len(owner):
            return False
        with open(lock, "rb") as file:
            return file.read() == owner
    except (FileNotFoundError, NotADirectoryError):
        return False


def _make_room(path: str, name: str) -> None:
    """Makes the folders above a ref's file. Raises RefConflict where a ref is in the way."""
    try:
        disk.make_folders(os.path.dirname(path))
    except FileNotFoundError:
        return  # somebody removed an empty folder at this moment; the caller tries again
    except (FileExistsError, NotADirectoryError):
        root = path[: -len(name)]
        for above in ancestors(name):
            if os.path.isfile(root + above):
                raise RefConflict(f"{name} cannot be made because there is a ref {above}.") from None


def _locked(lock: str, name: str) -> Locked:
    owner = read_owner(lock)
    if owner is not None:
        return Locked(f"{name} is locked by {owner.describe()}.", "Wait for it to end and try again.")
    return Locked(
        f"{name} is locked by another program: {lock} exists.",
        "Try again when it has finished; if no Git program is running here, remove that file.",
    )
