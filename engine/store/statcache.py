"""What is known about files from their stat data alone, so that unchanged files are not read again.

One row of a sqlite file holds one folder: its files' stat data and digests. A file is the same as it was when its
inode, size, mtime and ctime are, and when it had been at rest for a moment before it was read: a change within
one tick of the file system's clock after the reading would leave no trace, so such a file is not remembered
(the racy rule). The tick is taken for 2 s where the ctime is a whole second, as on file systems that know
nothing finer, and for 20 ms elsewhere.

The file can be deleted at any moment. When it is damaged it is begun anew; when it cannot be written,
what was learned lasts as long as this object. Two processes that learn about the same folder at once keep the
later's knowledge; that too costs only time. Clocks: the file system's clock must not run behind this
machine's by more than it ticks; on a server where it does, a change within one tick may be missed.
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgpack

from assay.engine import disk
from assay.engine.model import HASH_NAMES, Digest, HashName

if TYPE_CHECKING:
    import sqlite3

_VERSION = 1
_FINE_TICK = 20_000_000
_COARSE_TICK = 2_000_000_000
_PATIENCE = 2.0


class Seen(NamedTuple):
    """A file as it was when it was hashed. The digest is binary, ``algo`` its place in `HASH_NAMES`."""

    inode: int
    size: int
    mtime: int
    ctime: int
    algo: int
    raw: bytes

    @property
    def digest(self) -> Digest:
        """The digest of its content."""
        return Digest(HASH_NAMES[self.algo], self.raw.hex())


def now() -> int:
    """The moment to note before a file is read, for `StatCache.put`: nanoseconds since 1970."""
    return time.time_ns()


class StatCache:
    """Digests by path and stat data.

    Args:
        path: The sqlite file; its folder need not exist. Empty for one that lives in memory only.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._folders: dict[str, dict[str, Seen]] = {}
        self._changed: set[str] = set()
        self._database: sqlite3.Connection | None = None
        self._tried = False
        self._lock = threading.Lock()

    def get(self, path: str, stat: os.stat_result) -> Digest | None:
        """The digest of the file at an absolute path, if its stat data say that it is unchanged."""
        folder, _, name = path.rpartition("/")
        seen = self.folder(folder).get(name)
        if seen is None or not matches(seen, stat):
            return None
        return seen.digest

    def put(self, path: str, stat: os.stat_result, digest: Digest, started: int) -> None:
        """Remembers a file's digest, if the file was at rest when it was read.

        Args:
            path: Absolute.
            stat: Of the file, the same before and after it was read.
            digest: Of its content.
            started: `now` before it was read.
        """
        self.remember(path, observed(stat, digest.algo, bytes.fromhex(digest.hex), started))

    def remember(self, path: str, seen: Seen | None) -> None:
        """As `put`; None forgets the file."""
        folder, _, name = path.rpartition("/")
        known = self.folder(folder)
        if seen is not None:
            known[name] = seen
            self._changed.add(folder)
        elif known.pop(name, None) is not None:
            self._changed.add(folder)

    def folder(self, path: str) -> dict[str, Seen]:
        """What is known about the files of a folder, by name. Not to be changed by the caller."""
        known = self._folders.get(path)
        if known is None:
            known = self._folders[path] = self._load(path)
        return known

    def replace(self, path: str, files: Mapping[str, Seen]) -> None:
        """Says what is known about all files of a folder."""
        self._folders[path] = dict(files)
        self._changed.add(path)

    def flush(self) -> None:
        """Writes what was learned; where that cannot be done, nothing happens."""
        with self._lock:
            if not self._changed or not self._path:
                return
            import sqlite3

            rows = [_row(path, self._folders[path]) for path in self._changed]
            self._changed.clear()
            try:
                database = self._connect(create=True)
                if database is not None:
                    with database:
                        database.executemany("REPLACE INTO folder (path, sum, files) VALUES (?, ?, ?)", rows)
            except sqlite3.DatabaseError as error:
                self._give_up(error)

    def close(self) -> None:
        """Flushes and closes; a later call opens it again."""
        self.flush()
        if self._database is not None:
            self._database.close()
        self._database = None
        self._tried = False
        self._folders.clear()

    def _load(self, path: str) -> dict[str, Seen]:
        import sqlite3  # 4 ms, and many commands never ask

        key = _bytes(path)
        with self._lock:
            try:
                database = self._connect(create=False)
                if database is None:
                    return {}
                row = database.execute("SELECT sum, files FROM folder WHERE path = ?", (key,)).fetchone()
            except sqlite3.DatabaseError as error:
                self._give_up(error)
                return {}
        return {} if row is None else _decode(key, *row)

    def _connect(self, *, create: bool) -> sqlite3.Connection | None:
        if self._database is None and not self._tried and self._path and (create or os.path.exists(self._path)):
            self._tried = True
            self._database = _open(self._path)
        return self._database

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        """Goes on in memory. A damaged file is removed, so that the next process begins anew."""
        import sqlite3

        if self._database is not None:
            self._database.close()
            self._database = None
        if type(error) is sqlite3.DatabaseError:  # malformed, or no database; its subclasses are locks and the like
            with suppress(OSError):
                disk.unlink(self._path, missing_ok=True)


def matches(seen: Seen, stat: os.stat_result) -> bool:
    """Whether a file's stat data are what they were."""
    return (
        seen.mtime == stat.st_mtime_ns
        and seen.size == stat.st_size
        and seen.ctime == stat.st_ctime_ns
        and seen.inode == stat.st_ino
    )


def observed(stat: os.stat_result, algo: HashName, raw: bytes, started: int) -> Seen | None:
    """What to remember of a file that was read; None when it was not at rest.

    Args:
        stat: Of the file, the same before and after it was read.
        algo: The hash.
        raw: The binary digest of its content.
        started: `now` before it was read.
    """
    return seen_as(stat, algo, raw) if settled_at(stat) <= started else None


def seen_as(stat: os.stat_result, algo: HashName, raw: bytes) -> Seen:
    """What to remember of a file whose every later change will show in its stat data."""
    return Seen(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, HASH_NAMES.index(algo), raw)


def is_old(mtime: int) -> bool:
    """Whether a modification time is so long ago that a change made now would get another one."""
    return mtime + _COARSE_TICK <= now()


def settled_at(stat: os.stat_result) -> int:
    """From when on a file that is read is at rest: nanoseconds since 1970."""
    tick = _FINE_TICK if stat.st_ctime_ns % 1_000_000_000 else _COARSE_TICK
    return max(stat.st_mtime_ns, stat.st_ctime_ns) + tick


def _open(path: str) -> sqlite3.Connection | None:
    import sqlite3

    try:
        disk.make_folders(os.path.dirname(path))
    except OSError:
        return None
    database = sqlite3.connect(path, timeout=_PATIENCE, check_same_thread=False)
    try:
        _prepare(database)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA synchronous=OFF")  # a power cut may cost the file, and the sums notice
    database.execute("PRAGMA journal_mode=MEMORY")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        with database:
            database.execute("DROP TABLE IF EXISTS folder")
            database.execute("CREATE TABLE folder (path BLOB PRIMARY KEY, sum INTEGER, files BLOB)")
            database.execute(f"PRAGMA user_version={_VERSION}")


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _row(path: str, files: Mapping[str, Seen]) -> tuple[bytes, int, bytes]:
    key = _bytes(path)
    blob = msgpack.packb(files, unicode_errors="surrogateescape")
    return key, zlib.crc32(blob, zlib.crc32(key)), blob


def _decode(key: bytes, check: int, blob: bytes) -> dict[str, Seen]:
    if type(blob) is not bytes or zlib.crc32(blob, zlib.crc32(key)) != check:
        return {}
    rows = msgpack.unpackb(blob, use_list=False, unicode_errors="surrogateescape")
    return {name: Seen._make(row) for name, row in rows.items()}
