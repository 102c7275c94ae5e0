"""Where each packed object lies, over all packs of a cache.

What the packs say themselves is the truth; ``packs/index`` is a copy of it (docs/formats.md, "Packs") that a
lookup reads one 256th of. Packs that it does not cover are read one by one, and when that becomes much, the copy
is written again, by whoever noticed. It can be deleted, damaged or unwritable at any moment: that costs only time.
Packs under 1 MiB are never in it, because they come and go (`repack`).

Packs come and go while this object lives (another process publishes, or merges small ones). A lookup that fails
calls `rescan` and tries again; nothing here takes a lock.
"""

from __future__ import annotations

import os
import threading
import zlib
from contextlib import suppress
from typing import Any

import msgpack

from assay.engine import disk
from assay.engine.errors import CorruptArtifact
from assay.engine.store.files import Descriptor, unreadable
from assay.engine.store.pack import Entries, PackInfo, pack_algo, read_entries

MAGIC = b"ASSAYTC\x01"
TINY = 1 << 20
"""Bytes: packs smaller than this are not in the copy, and are merged when they become many."""

_WORTH_SAVING = 2000
_MANY_PACKS = 64

Place = tuple[int, int, int]
"""Which pack (its place in the list), offset, length."""


class _Known:
    """What one look through the folder found; replaced as a whole, so that threads never see half of it."""

    def __init__(self, copy: _Copy | None) -> None:
        self.copy = copy
        self.ids: list[str] = [pack_id for pack_id, _ in copy.packs] if copy is not None else []
        self.tiny: dict[bytes, Place] = {}
        self.newer: dict[bytes, Place] = {}
        self.unreadable: dict[str, str] = {}


class PackIndex:
    """The packs in a folder, and a dictionary over all of them that is read as far as it is needed.

    Args:
        folder: Absolute path of the packs; it need not exist.

    Attributes:
        looks: How often the folder was looked through; while that stays, so does every place that was found.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.looks = 0
        self._known: _Known | None = None
        self._lock = threading.RLock()

    def find(self, key: bytes) -> tuple[str, int, int] | None:
        """The pack's id, the offset and the length of an object; None when no known pack has it."""
        known = self._known or self._look()
        place = known.newer.get(key) or known.tiny.get(key)
        if place is None and known.copy is not None:
            try:
                place = known.copy.find(key)
            except (OSError, _Damaged):
                self.distrust()
                return self.find(key)
        if place is None:
            return None
        number, offset, size = place
        return known.ids[number], offset, size

    @property
    def is_empty(self) -> bool:
        """Whether no pack is known."""
        return not (self._known or self._look()).ids

    @property
    def unreadable(self) -> dict[str, str]:
        """Paths of packs whose table of contents is damaged, with the sentence that says so."""
        return (self._known or self._look()).unreadable

    def path(self, pack_id: str) -> str:
        """Where a pack lies."""
        return f"{self.folder}/{pack_id}.pack"

    def packs(self) -> list[PackInfo]:
        """The packs in the folder at this moment, by id. Raises StoreError when it cannot be read."""
        found = []
        try:
            with os.scandir(self.folder) as listing:
                for entry in listing:
                    pack_id, dot, kind = entry.name.partition(".")
                    if dot and kind == "pack" and pack_algo(pack_id) is not None:
                        with suppress(FileNotFoundError):
                            found.append(PackInfo(pack_id, entry.path, entry.stat().st_size))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise unreadable(self.folder, error) from error
        return sorted(found)

    def rescan(self) -> bool:
        """Looks through the folder again; False when it holds what it held."""
        with self._lock:
            known = self._known
            if known is not None:
                damaged = {os.path.basename(path)[:-5] for path in known.unreadable}
                if self._listing() == damaged.union(known.ids):
                    return False
            self._known = None
            self._look()
            return True

    def _look(self, *, believe_copy: bool = True) -> _Known:
        with self._lock:
            if self._known is not None:
                return self._known
            self.looks += 1
            present = self._listing()
            copy = _Copy.open(f"{self.folder}/index") if believe_copy else None
            known = _Known(copy if copy is not None and self._is_current(copy) else None)
            for pack_id in sorted(present.difference(known.ids)):
                self._read(known, pack_id)
            self._known = known
            self._save_when_worth_it(known)
            return known

    def _is_current(self, copy: _Copy) -> bool:
        """Whether all packs that the copy covers are there, and not cut short by a power failure."""
        try:
            return all(os.stat(self.path(pack_id)).st_size == size for pack_id, size in copy.packs)
        except OSError:
            return False

    def _listing(self) -> set[str]:
        try:
            names = os.listdir(self.folder)
        except (FileNotFoundError, NotADirectoryError):
            return set()
        except OSError as error:
            raise unreadable(self.folder, error) from error
        return {name[:-5] for name in names if name.endswith(".pack") and pack_algo(name[:-5]) is not None}

    def _read(self, known: _Known, pack_id: str) -> None:
        path = self.path(pack_id)
        try:
            _take_in(known, pack_id, read_entries(path))
        except FileNotFoundError:
            return
        except CorruptArtifact as error:
            known.unreadable[path] = error.message
        except OSError as error:
            known.unreadable[path] = unreadable(path, error).message

    def add(self, pack_id: str, entries: Entries) -> None:
        """Takes in a pack that is in the folder, by what it says it holds."""
        with self._lock:
            if self._known is not None and pack_id not in self._known.ids:
                _take_in(self._known, pack_id, entries)

    def distrust(self) -> None:
        """Removes ``packs/index`` and reads every pack's own table: something found there was not so."""
        with self._lock:
            with suppress(OSError):
                disk.unlink(f"{self.folder}/index", missing_ok=True)
            self._known = None
            self._look(believe_copy=False)

    def _save_when_worth_it(self, known: _Known) -> None:
        covered = known.copy.count if known.copy is not None else 0
        packs = len({number for number, _, _ in known.newer.values()}) if known.newer else 0
        if len(known.newer) > max(_WORTH_SAVING, covered // 4) or packs > _MANY_PACKS:
            with suppress(OSError, _Damaged):
                self._save(known)

    def _save(self, known: _Known) -> None:
        packs: list[tuple[str, int]] = []
        shards: list[dict[bytes, Place]] = [{} for _ in range(256)]
        if known.copy is not None:
            packs += known.copy.packs
            shards = [dict(known.copy.shard(number)) for number in range(256)]
        places: dict[int, int] = {}
        for key, (number, offset, size) in known.newer.items():
            if number not in places:
                places[number] = len(packs)
                packs.append((known.ids[number], os.stat(self.path(known.ids[number])).st_size))
            shards[key[1]][key] = (places[number], offset, size)
        blobs = [msgpack.packb(shard) for shard in shards]
        head = msgpack.packb([packs, [(len(blob), zlib.crc32(blob)) for blob in blobs]])
        frame = MAGIC + len(head).to_bytes(4, "big") + zlib.crc32(head).to_bytes(4, "big")
        disk.write_atomic(f"{self.folder}/index", b"".join((frame, head, *blobs)))

    def close(self) -> None:
        """Forgets everything; the next lookup looks through the folder."""
        self._known = None


def _take_in(known: _Known, pack_id: str, entries: Entries) -> None:
    number = len(known.ids)
    known.ids.append(pack_id)
    size = max((offset + size for offset, size in entries.values()), default=0)
    part = known.tiny if size < TINY else known.newer
    part.update((key, (number, offset, size)) for key, (offset, size) in entries.items())


class _Copy:
    """An open ``packs/index`` whose head is sound; its parts are read when they are asked for."""

    def __init__(self, file: Descriptor, packs: list[tuple[str, int]], parts: list[tuple[int, int, int]]) -> None:
        self.packs = packs
        self.count = sum(size for _, size, _ in parts) // 32  # near enough to decide whether to write it again
        self._file = file
        self._parts = parts
        self._shards: list[dict[bytes, Place] | None] = [None] * 256

    @classmethod
    def open(cls, path: str) -> _Copy | None:
        """The file at this path, or None when there is none that can be used."""
        try:
            file = Descriptor(path)
            return cls(file, *_head(file.fd))
        except (OSError, ValueError, TypeError, msgpack.UnpackException):
            return None

    def find(self, key: bytes) -> Place | None:
        """Where an object lies according to this copy."""
        shard = self._shards[key[1]]
        if shard is None:
            shard = self.shard(key[1])
        return shard.get(key)

    def shard(self, number: int) -> dict[bytes, Place]:
        """The entries of one first byte."""
        shard = self._shards[number]
        if shard is None:
            offset, size, check = self._parts[number]
            blob = os.pread(self._file.fd, size, offset)
            if zlib.crc32(blob) != check:
                raise _Damaged
            shard = self._shards[number] = msgpack.unpackb(blob, use_list=False)
        return shard


class _Damaged(Exception):
    """``packs/index`` is not what its check sums say."""


def _head(fd: int) -> tuple[list[tuple[str, int]], list[tuple[int, int, int]]]:
    frame = os.pread(fd, 16, 0)
    size = int.from_bytes(frame[8:12], "big")
    if frame[:8] != MAGIC or size > os.fstat(fd).st_size:
        raise ValueError
    blob = os.pread(fd, size, 16)
    if len(blob) != size or zlib.crc32(blob) != int.from_bytes(frame[12:16], "big"):
        raise ValueError
    head: Any = msgpack.unpackb(blob, use_list=False)
    packs, sizes = head
    if not all(type(pack_id) is str and type(length) is int for pack_id, length in packs):
        raise ValueError
    parts = []
    offset = 16 + size
    for length, check in sizes:
        parts.append((offset, length, check))
        offset += length
    if len(parts) != 256:
        raise ValueError
    return list(packs), parts
