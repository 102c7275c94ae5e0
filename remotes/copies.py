"""Local copies of remote files that never change, so that they are fetched once.

They can be deleted, damaged or unwritable at any moment: that costs only time (law 7). Whoever uses one verifies it,
as if it had just been fetched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgpack

from assay.engine import disk


class Copies:
    """Files under the names they have on one remote.

    Args:
        folder: Absolute path; it need not exist.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, key: str) -> str:
        """Where the copy lies, or would lie."""
        return f"{self.folder}/{key}"

    def read(self, key: str) -> bytes | None:
        """A copy, or None when there is none."""
        try:
            with open(self.path(key), "rb") as file:
                return file.read()
        except OSError:
            return None

    def write(self, key: str, data: bytes) -> None:
        """Keeps a copy, if that can be done."""
        with suppress(OSError):
            path = self.path(key)
            disk.make_folders(os.path.dirname(path))
            disk.write_atomic(path, data)

    def remove(self, keys: Iterable[str]) -> None:
        """Lets go of copies."""
        for key in keys:
            with suppress(OSError):
                disk.unlink(self.path(key))

    def read_many(self, key: str) -> dict[str, bytes]:
        """Many small values that are kept in one file; whatever is not of that form is no value."""
        data = self.read(key)
        try:
            found = msgpack.unpackb(data) if data else {}
        except (ValueError, msgpack.UnpackException):
            return {}
        if not isinstance(found, dict):
            return {}
        return {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, bytes)}

    def write_many(self, key: str, values: Mapping[str, bytes]) -> None:
        """Keeps many small values in one file."""
        self.write(key, msgpack.packb(dict(values)))
