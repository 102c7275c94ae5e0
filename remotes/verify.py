"""What is hashed while it crosses the border (law 3).

A `CheckedFile` goes out: the read that meets its end raises when the bytes are not what their name says, and then
nothing becomes visible on the other side. A `Received` comes in: nobody gets its path before its sum is right.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha1
from typing import BinaryIO

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptRemote, StoreError
from assay.engine.model import Digest, HashName
from assay.engine.store.cache import Cache
from assay.engine.store.digest import Hasher, hasher

NewHash = Callable[[], Hasher]


class GitPackSum:
    """The checksum of a Git pack: its last 20 bytes, when these are the SHA-1 of everything before; else empty."""

    def __init__(self) -> None:
        self._state = sha1()
        self._tail = b""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Takes the next bytes."""
        held = self._tail + bytes(data)
        self._state.update(held[:-20])
        self._tail = held[-20:]

    def digest(self) -> bytes:
        """The checksum."""
        value = self._state.digest()
        return value if value == self._tail else b""


class GitIndexSum(GitPackSum):
    """The checksum of the pack that a Git index belongs to, when the index's own is right; else empty."""

    def __init__(self) -> None:
        super().__init__()
        self._sums = b""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Takes the next bytes."""
        super().update(data)
        self._sums = (self._sums + bytes(data))[-40:]

    def digest(self) -> bytes:
        """The pack's checksum."""
        return self._sums[:20] if super().digest() else b""


class CheckedFile:
    """A local file on its way out.

    Args:
        path: Absolute.
        new_hash: Starts the hash that names the file.
        expected: Its value in hexadecimal.
        damaged: Makes the error for a file that is something else.

    Attributes:
        size: Its length in bytes.
    """

    def __init__(self, path: str, new_hash: NewHash, expected: str, damaged: Callable[[], AssayError]) -> None:
        self._path = path
        self._new_hash = new_hash
        self._expected = expected
        self._damaged = damaged
        self._state = new_hash()
        try:
            self._file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115  # closed by `close`
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
        self.size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> CheckedFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """The next bytes; at the end the file must have been what its name says."""
        try:
            data = self._file.read(size)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be read: {error.strerror}.") from error
        self._state.update(data)
        if not data and self._state.digest().hex() != self._expected:
            raise self._damaged()
        return data

    def restart(self) -> None:
        """Begins again."""
        self._file.seek(0)
        self._state = self._new_hash()


class CachedObject:
    """A large object of a cache on its way out; the cache verifies it while it is read."""

    def __init__(self, cache: Cache, digest: Digest) -> None:
        self._cache = cache
        self._digest = digest
        self._stream: BinaryIO = cache.open(digest)
        path = cache.loose_path(digest)
        self.size = os.stat(path).st_size if path else 0

    def __enter__(self) -> CachedObject:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        """The next bytes."""
        try:
            return self._stream.read(size)
        except OSError as error:
            raise disk.no_space(error, self._cache.object_path(self._digest)) from error

    def restart(self) -> None:
        """Begins again."""
        self._stream.close()
        self._stream = self._cache.open(self._digest)


class Passing:
    """A file on its way, hashed as it comes; whoever asked for it decides what its digest is good for.

    Args:
        file: Where it goes.
        algo: The hash.
    """

    def __init__(self, file: disk.NewFile, algo: HashName) -> None:
        self.file = file
        self._algo = algo
        self._state = hasher(algo)

    @property
    def digest(self) -> Digest:
        """Of what came so far."""
        return Digest(self._algo, self._state.digest().hex())

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._state.update(data)
        try:
            self.file.write(data)
        except OSError as error:
            raise disk.no_space(error, self.file.path) from error

    def restart(self) -> None:
        """Begins again."""
        self.file.restart()
        self._state = hasher(self._algo)


class Received:
    """A file on its way in.

    Args:
        folder: Where it lies until it is let in.
        new_hash: Starts the hash that names it.
        expected: The value it must have, in hexadecimal.
        key: Where it comes from, for the sentence.
        mode: Permission bits before the umask.
    """

    def __init__(self, folder: str, new_hash: NewHash, expected: str, key: str, mode: int = 0o444) -> None:
        self._new_hash = new_hash
        self._expected = expected
        self._key = key
        self._state = new_hash()
        try:
            disk.make_folders(folder)
            self._file = disk.NewFile(folder, mode)
        except OSError as error:
            raise disk.no_space(error, folder) from error

    def __enter__(self) -> Received:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.__exit__()

    def write(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._state.update(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise disk.no_space(error, self._file.path) from error

    def restart(self) -> None:
        """Begins again."""
        self._state = self._new_hash()
        if self._file.size:
            self._file.restart()

    def checked(self) -> disk.NewFile:
        """The finished file. Raises CorruptRemote when it is not what its name says."""
        if self._state.digest().hex() != self._expected:
            raise CorruptRemote(f"{self._key} is damaged: its content is not what its name says.")
        self._file.close()
        return self._file

    @property
    def sum(self) -> str:
        """The hash of what came so far, in hexadecimal."""
        return self._state.digest().hex()

    def finished(self) -> str:
        """The path of what came, whether right or not: to be looked at, never to be let in."""
        self._file.close()
        return self._file.path
