"""Who reads and who writes which paths, told between processes: DVC's ``rwlock`` file.

The file is JSON: under "write" one holder by path, under "read" a list of them, a holder being a process and its
command. It is edited under the lock ``rwlock.lock`` and says what goes on for as long as a stage command takes, while
the project itself is not locked. A path stands for everything below it. What is read must not be written by somebody
else; what is written must be neither. Entries of processes that have ended are removed by whoever they would stop.

Limits: a process is known by its number alone, as DVC knows it, so another machine's looks like one that has ended.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, Locked
from assay.engine.flock import Flock
from assay.engine.locks import process_ended

NAME = "rwlock"
_PAUSE = 0.1  # seconds between two looks: nothing tells when an entry goes


class Holder(NamedTuple):
    """Who reads or writes: a process, and what it runs."""

    pid: int
    command: str

    @property
    def has_ended(self) -> bool:
        """Whether there is no such process, or it is this one under another command, which its number came to."""
        return self.pid == os.getpid() or process_ended(self.pid, 0)


class Table(NamedTuple):
    """What the file says: the writer of a path, and its readers."""

    write: dict[str, Holder]
    read: dict[str, list[Holder]]


class PathLocks:
    """The entries of one ``rwlock`` file.

    Args:
        folder: Absolute path of the folder that it lies in.
        command: What this process does, for the others.
        by_links: As for `Flock`.
        removed: Told, with a sentence, of entries that a killed process left behind.
    """

    def __init__(self, folder: str, command: str, *, by_links: bool, removed: Callable[[str], None]) -> None:
        self._folder = folder
        self._me = Holder(os.getpid(), command)
        self._guard = Flock(f"{folder}/{NAME}.lock", "DVC's list of paths in use", by_links=by_links)
        self._removed = removed

    @contextmanager
    def using(self, read: Collection[str], write: Collection[str], *, patience: float = 0.0) -> Iterator[None]:
        """Says, for as long as the block runs, that paths are read and written.

        Args:
            read: Paths that nobody else may write meanwhile.
            write: Paths that nobody else may read or write meanwhile.
            patience: Seconds to wait for somebody who is in the way.

        Raises:
            Locked: Somebody is in the way; the sentence names the path, the process and its command.
            BadInput: The file is not what DVC or assay write.
        """
        deadline = time.monotonic() + patience
        while isinstance(entered := self._enter(read, write), Locked):
            if time.monotonic() >= deadline:
                raise entered
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            self._leave(*entered)

    def _enter(self, read: Collection[str], write: Collection[str]) -> tuple[list[str], list[str]] | Locked:
        """Makes the entries and returns the paths of those that this process did not have yet; or who is in the way."""
        with self._edited() as table:
            while (found := _in_the_way(table, read, write, self._me)) is not None:
                path, holder = found
                if not holder.has_ended:
                    return self._stopped(path, holder)
                _remove(table, holder)
                if holder.pid != os.getpid():
                    said = f"`{holder.command}` (process {holder.pid}) ended without giving back {path}"
                    self._removed(f"{said}; it is free again.")
            to_read = [path for path in read if self._me not in table.read.get(path, ())]
            to_write = [path for path in write if table.write.get(path) != self._me]
            for path in to_write:
                table.write[path] = self._me
            for path in to_read:
                table.read.setdefault(path, []).append(self._me)
        return to_read, to_write

    def _leave(self, read: Collection[str], write: Collection[str]) -> None:
        if not (read or write):
            return
        with self._edited() as table:
            for path in write:
                if table.write.get(path) == self._me:
                    del table.write[path]
            for path in read:
                readers = table.read.get(path, [])
                if self._me in readers:
                    readers.remove(self._me)
                if not readers:
                    table.read.pop(path, None)

    def _stopped(self, path: str, holder: Holder) -> Locked:
        return Locked(
            f"{path} is in use by process {holder.pid} (`{holder.command}`).",
            f"Wait for it to end and try again; if there is no such process, remove {self._folder}/{NAME}.",
        )

    @contextmanager
    def _edited(self) -> Iterator[Table]:
        """The table, written back when the block has changed it."""
        path = f"{self._folder}/{NAME}"
        self._guard.acquire()
        try:
            before = _read(path)
            table = parsed(before, path)
            yield table
            text = to_text(table)
            if text != before:
                disk.write_atomic(path, text.encode())
        except OSError as error:
            raise AssayError(f"{path} cannot be written: {error.strerror}.") from error
        finally:
            self._guard.release()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return "{}"


def parsed(text: str, path: str) -> Table:
    """The table that a file holds.

    Raises:
        BadInput: It is not what DVC or assay write.
    """
    try:
        data = json.loads(text)
        write = {name: _holder(item) for name, item in _mapping(data.get("write", {})).items()}
        read = {
            name: [_holder(item) for item in _list(items)] for name, items in _mapping(data.get("read", {})).items()
        }
    except (ValueError, AttributeError, RecursionError) as error:
        raise BadInput(
            path, "is not a list of paths in use", hint="Remove it when neither DVC nor assay is running here."
        ) from error
    return Table(write, read)


def to_text(table: Table) -> str:
    """The file's content, as DVC writes it."""
    data: dict[str, object] = {}
    if table.write:
        data["write"] = {path: {"pid": holder.pid, "cmd": holder.command} for path, holder in table.write.items()}
    if table.read:
        data["read"] = {
            path: [{"pid": holder.pid, "cmd": holder.command} for holder in holders]
            for path, holders in table.read.items()
        }
    return json.dumps(data)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("not a mapping")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _holder(value: object) -> Holder:
    fields = _mapping(value)
    pid, command = fields.get("pid"), fields.get("cmd")
    if type(pid) is not int or pid <= 0 or not isinstance(command, str):
        raise ValueError("not a holder")
    return Holder(pid, command)


def _in_the_way(table: Table, read: Collection[str], write: Collection[str], me: Holder) -> tuple[str, Holder] | None:
    """An entry of somebody else that overlaps: a writer of what is read or written, or a reader of what is written."""
    for path, holder in table.write.items():
        if holder != me and _overlaps(path, (*read, *write)):
            return path, holder
    for path, holders in table.read.items():
        others = [holder for holder in holders if holder != me]
        if others and _overlaps(path, write):
            return path, others[0]
    return None


def _overlaps(path: str, others: Collection[str]) -> bool:
    """Whether one of the others is this path, lies in it, or holds it."""
    return any(path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in others)


def _remove(table: Table, holder: Holder) -> None:
    """Takes away every entry of a holder."""
    for path in [path for path, writer in table.write.items() if writer == holder]:
        del table.write[path]
    for path, readers in list(table.read.items()):
        table.read[path] = [reader for reader in readers if reader != holder]
        if not table.read[path]:
            del table.read[path]
