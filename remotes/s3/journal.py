"""What was begun on a remote and can be continued: for each large value on its way, the parts that have arrived.

One file per value, a line per part, written as parts arrive; whoever sends a value holds the lock on its file, so two
senders never share an upload. Files here may be lost or damaged at any moment: then the value is sent anew (law 7).
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any, NamedTuple

from assay.engine import disk

_STALE = 7 * 24 * 3600
"""Seconds after which an upload that nobody has continued is given up."""


class Part(NamedTuple):
    """A part that has arrived: the server's tag for it, and the md5 of what was sent, in hexadecimal."""

    tag: str
    md5: str


class Entry:
    """An upload under way.

    Args:
        fd: The file, open and locked; -1 where nothing can be kept.
        path: Where it is.

    Attributes:
        key: What is sent.
        upload: The server's name for the upload; empty when none was begun.
        length: Bytes of each part but the last.
        parts: Those that have arrived, by number.
    """

    def __init__(self, fd: int = -1, path: str = "") -> None:
        self.key = self.upload = ""
        self.length = 0
        self.parts: dict[int, Part] = {}
        self._fd = fd
        self._path = path
        if fd >= 0:
            self._read()

    @property
    def is_kept(self) -> bool:
        """Whether a later process can continue."""
        return self._fd >= 0

    def begin(self, key: str, upload: str, length: int) -> None:
        """Notes an upload, in place of an earlier one."""
        self.key, self.upload, self.length, self.parts = key, upload, length, {}
        if self._fd >= 0:
            disk.truncate(self._path, 0)
            self._write({"key": key, "upload": upload, "length": length})

    def note(self, number: int, part: Part) -> None:
        """Notes that a part has arrived."""
        self.parts[number] = part
        self._write({"part": number, "tag": part.tag, "md5": part.md5})

    def forget(self) -> None:
        """Nothing is left to continue."""
        self.upload, self.parts = "", {}
        if self._fd >= 0:
            disk.unlink(self._path, missing_ok=True)

    def close(self) -> None:
        """Lets go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, line: dict[str, Any]) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                disk.write_fd(self._fd, json.dumps(line).encode() + b"\n", self._path)

    def _read(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError), open(self._path, encoding="utf-8") as file:
            first = json.loads(file.readline())
            self.key, self.length, upload = str(first["key"]), int(first["length"]), str(first["upload"])
            self.upload = upload
            for line in file:
                fields = json.loads(line)
                self.parts[int(fields["part"])] = Part(str(fields["tag"]), str(fields["md5"]))


class Journal:
    """The uploads under way to one remote, from this project.

    Args:
        folder: Absolute path; it need not exist.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def enter(self, key: str) -> Entry:
        """What is known of a value's upload; one that is not kept when another process sends the same value."""
        return self._open(f"{self._folder}/{sha256(key.encode()).hexdigest()[:32]}")

    def stale(self) -> Iterator[Entry]:
        """Uploads that nobody has continued for a week."""
        with suppress(OSError):
            for found in list(os.scandir(self._folder)):
                if found.stat().st_mtime < time.time() - _STALE:
                    yield self._open(found.path)

    def _open(self, path: str) -> Entry:
        try:
            disk.make_folders(self._folder)
            fd = disk.open_append(path)
        except OSError:
            return Entry()
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                return Entry(fd, path)
        except OSError:
            pass
        os.close(fd)
        return Entry()
