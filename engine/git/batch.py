"""Many objects written together, visible together.

A few become loose objects when the batch ends; as soon as there are more they go to a pack, each as it is added, so
memory stays bounded. Nothing has its name before the batch ends well, and an index is named after its pack.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Protocol

from assay.engine import disk
from assay.engine.git.filebytes import PagedFile
from assay.engine.git.loose import write_loose
from assay.engine.git.objects import object_id
from assay.engine.git.packindex import IndexEntry, index_bytes
from assay.engine.git.packs import PackData, PackMemory
from assay.engine.git.packwriter import PackWriter
from assay.engine.model import Oid

FEW = 16
"""Up to this many objects are written loose."""

_BUFFERED = 32 << 20


class BatchHome(Protocol):
    """What a batch needs from its database."""

    @property
    def path(self) -> str:
        """The folder of objects."""

    @property
    def memory(self) -> PackMemory:
        """What packs share."""

    def keeps(self, oid: Oid) -> bool:
        """Whether the object is there and whole, and from now on as safe from collection as a new one."""

    def check_size(self, size: int) -> None:
        """Raises GitError for an object of more bytes than could be read again."""

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object of the database or of an open batch."""

    def __contains__(self, oid: object) -> bool:
        """Whether the database or an open batch has the object."""


class ObjectBatch:
    """Objects to be written; readable through the database at once. For one thread.

    Args:
        home: The database.
    """

    def __init__(self, home: BatchHome) -> None:
        self._home = home
        self._buffered: dict[Oid, tuple[int, bytes, str]] = {}
        self._size = 0
        self._pack: _OpenPack | None = None

    def add(self, kind: int, data: bytes, hint: str = "") -> Oid:
        """Notes an object and returns its id; one that the database has already is not written again.

        Args:
            kind: Its kind number.
            data: Its content.
            hint: The path it has in its project, where that is known; objects of one path make good deltas.

        Raises:
            AssayError: The disk refuses, or the object is too large.
        """
        self._home.check_size(len(data))
        oid = object_id(kind, data)
        if self.holds(oid) or self._home.keeps(oid):
            return oid
        try:
            if self._pack:
                self._pack.add(oid, kind, data, hint)
            else:
                self._buffer(oid, kind, data, hint)
        except OSError as error:
            raise disk.no_space(error, self._home.path) from error
        return oid

    def holds(self, oid: bytes) -> bool:
        """Whether the object is in this batch and not published yet."""
        return oid in self._buffered or (self._pack is not None and self._pack.find(oid) > 0)

    def pending(self, oid: bytes) -> tuple[int, bytes] | None:
        """An object of this batch that is not published yet. Raises AssayError when the disk refuses."""
        known = self._buffered.get(Oid(oid))
        if known is not None:
            return known[:2]
        if self._pack is None:
            return None
        try:
            return self._pack.read(oid)
        except OSError as error:
            raise disk.no_space(error, self._home.path) from error

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object of the database or of this batch. Raises MissingObject."""
        return self._home.read(oid)

    def __contains__(self, oid: object) -> bool:
        return oid in self._home

    def publish(self) -> None:
        """Makes everything visible. Raises OSError; what became visible until then stays."""
        if self._pack:
            self._pack.publish()
        for oid, (kind, data, _) in self._buffered.items():
            write_loose(self._home.path, oid, kind, data)

    def drop(self) -> None:
        """Forgets everything that is not published."""
        self._buffered.clear()
        if self._pack:
            self._pack.drop()
            self._pack = None

    def _buffer(self, oid: Oid, kind: int, data: bytes, hint: str) -> None:
        self._buffered[oid] = (kind, data, hint)
        self._size += len(data)
        if len(self._buffered) > FEW or self._size > _BUFFERED:
            self._start_pack()

    def _start_pack(self) -> None:
        self._pack = _OpenPack(self._home)
        for oid, (kind, data, hint) in self._buffered.items():
            self._pack.add(oid, kind, data, hint)
        self._buffered.clear()


class _OpenPack:
    """A pack that is being written and read at the same time."""

    def __init__(self, home: BatchHome) -> None:
        self._folder = pack_folder(home.path)
        self._file = disk.NewFile(self._folder, 0o444, "tmp_pack_")
        self._writer = PackWriter(self._file)
        self._offsets: dict[bytes, int] = {}
        self._view = PagedFile(os.open(self._file.path, os.O_RDONLY), 0)
        self._data = PackData(self._view, self, home.memory)

    def find(self, oid: bytes) -> int:
        return self._offsets.get(oid, 0)

    def add(self, oid: Oid, kind: int, data: bytes, hint: str) -> None:
        self._offsets[oid] = self._writer.add(oid, kind, data, hint)

    def read(self, oid: bytes) -> tuple[int, bytes] | None:
        offset = self.find(oid)
        if not offset:
            return None
        if offset >= self._view.size or self._writer.size > self._view.size:
            self._writer.flush()
            self._view.size = self._writer.size
        return self._data.read_at(offset)

    def publish(self) -> None:
        checksum = self._writer.finish()
        publish_pack(self._folder, self._file.publish, self._writer.entries, checksum)

    def drop(self) -> None:
        self._file.drop()


def pack_folder(objects_dir: str) -> str:
    """The folder of packs, made when there is none."""
    folder = objects_dir + "/pack"
    disk.make_folders(folder)
    return folder


def publish_pack(
    folder: str, give_name: Callable[[str], object], entries: Sequence[IndexEntry], checksum: bytes
) -> str:
    """Gives a finished pack and its index their names, the index last, and returns the name without its ending.

    Equal objects in equal order have an equal name, so a file that is replaced held the same.

    Args:
        folder: The folder of packs.
        give_name: Moves the finished pack to the path it is given.
        entries: What the pack holds.
        checksum: The 20 bytes that end it.
    """
    name = "pack-" + checksum.hex()
    with disk.NewFile(folder, 0o444, "tmp_idx_") as file:
        file.write(index_bytes(entries, checksum))
        give_name(f"{folder}/{name}.pack")
        file.publish(f"{folder}/{name}.idx")
    return name
