"""The trash of a cache: what collections took away, for as long as somebody may want it back.

``<cache>/trash/<id>/`` is one collection. Its ``record`` says when and why, and beside that lie objects and packs as
they lay in the cache (docs/formats.md, "Trash"). Things come and go by renames alone, so that each is in the cache or
in the trash at any moment, whoever is killed.

A reader that misses an object looks here last, and moves it back: the file, or the whole pack. So a collection beside
a writer that had just found the object costs nothing but that.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.model import Digest
from assay.engine.store import loose
from assay.engine.store.digest import object_key
from assay.engine.store.pack import key_of
from assay.engine.store.packindex import PackIndex

_ID = re.compile(r"[0-9]{1,12}-[0-9a-z]{1,32}")


def collection_lock(cache_folder: str) -> str:
    """Where the lock file of a collection lies: in the cache, which several projects may share."""
    return f"{cache_folder}/collection.lock"


class Bin(NamedTuple):
    """One collection in the trash.

    Attributes:
        id: Its folder's name: when it was made, and what no other has.
        time: When it was made, in seconds since 1970.
        command: What made it, for a person.
        objects: How many objects it was to take.
        size: Their bytes.
    """

    id: str
    time: int
    command: str
    objects: int
    size: int


class Trash:
    """The trash of the cache in a folder.

    Args:
        cache_folder: Absolute path of the cache.
    """

    def __init__(self, cache_folder: str) -> None:
        self.folder = f"{cache_folder}/trash"
        self._cache = cache_folder
        self._indexes: dict[str, PackIndex] = {}

    def bins(self) -> list[Bin]:
        """What is in the trash, oldest first; one whose record is damaged counts as made when its folder was."""
        return sorted((self._read(name) for name in self._names()), key=lambda found: (found.time, found.id))

    def size(self, bin_id: str) -> int:
        """How many bytes a collection still takes."""
        return sum(entry.stat(follow_symlinks=False).st_size for _, entry in disk.walk(self.path(bin_id)))

    def path(self, bin_id: str) -> str:
        """Where a collection lies. Raises Refused when that is no id."""
        if not _ID.fullmatch(bin_id):
            raise Refused(f"{bin_id!r} names no collection.")
        return f"{self.folder}/{bin_id}"

    def begin(self, new: Bin) -> str:
        """Makes the folder of a collection with its record, durable, and returns its path."""
        path = self.path(new.id)
        disk.make_folders(path)
        told = {"version": 1, "time": new.time, "command": new.command, "objects": new.objects, "size": new.size}
        disk.write_atomic(f"{path}/record", json.dumps(told).encode() + b"\n", sync=True)
        return path

    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._names()

    def recover(self, digests: Collection[Digest]) -> bool:
        """Moves objects back into the cache, where the trash has them.

        Returns:
            Whether any was there: then the caller should look again.
        """
        names = self._names()
        if not names:
            return False
        found = False
        for name in sorted(names, reverse=True):
            index = self._indexes.get(name)
            if index is None:
                index = self._indexes[name] = PackIndex(f"{self.folder}/{name}/packs")
            else:
                index.rescan()
            has_files = loose.holds(f"{self.folder}/{name}")
            for digest in digests:
                found = self._recover(name, index, digest, has_files=has_files) or found
        return found

    def _recover(self, name: str, index: PackIndex, digest: Digest, *, has_files: bool) -> bool:
        key = object_key(digest)
        if has_files and os.path.lexists(f"{self.folder}/{name}/{key}"):
            return self._move_back(f"{self.folder}/{name}/{key}", f"{self._cache}/{key}")
        place = index.find(key_of(digest))
        return place is not None and self._move_back(index.path(place[0]), f"{self._cache}/packs/{place[0]}.pack")

    def restore(self, bin_id: str) -> int:
        """Gives back a whole collection, objects before the packs with the manifests that name them.

        Returns:
            How many files came back.

        Raises:
            Refused: It is not in the trash any more.
        """
        path = self.path(bin_id)
        if bin_id not in self._names():
            raise Refused(
                f"What the collection {bin_id} took is not in the trash any more.", "`assay pull` may have it."
            )
        moved = 0
        names = [found[len(path) + 1 :] for found, _, _ in loose.walk(path)]
        names.sort(key=lambda name: name.endswith(".dir"))
        if os.path.isdir(f"{path}/packs"):
            packs = [f"packs/{found.path}" for found in disk.walk(f"{path}/packs")]
            names += [name for name in packs if name.endswith(".pack")]
        for name in names:
            moved += self._move_back(f"{path}/{name}", f"{self._cache}/{name}")
        self.empty(bin_id)
        return moved

    def empty(self, bin_id: str) -> None:
        """Deletes a collection for good; killed meanwhile, the next call deletes the rest."""
        self._indexes.pop(bin_id, None)
        with suppress(FileNotFoundError):
            disk.rename(self.path(bin_id), disk.temp_name(self.folder))
        for name in os.listdir(self.folder):
            if disk.is_temp(name):
                disk.remove_tree(f"{self.folder}/{name}")

    def _move_back(self, source: str, target: str) -> bool:
        """Renames one file, as new as if it had been written now; nothing where the disk refuses."""
        try:
            disk.make_folders(os.path.dirname(target))
            disk.touch(source)
            disk.rename(source, target)
        except FileNotFoundError:  # another process was first
            return True
        except OSError:  # a cache that cannot be written: the object is as good as missing
            return False
        return True

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self.folder) if _ID.fullmatch(name)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _read(self, name: str) -> Bin:
        try:
            with open(f"{self.folder}/{name}/record", "rb") as file:
                told = json.loads(file.read(65536))
            return Bin(name, int(told["time"]), str(told["command"]), int(told["objects"]), int(told["size"]))
        except (OSError, ValueError, KeyError, TypeError):
            with suppress(OSError):
                return Bin(name, int(os.stat(f"{self.folder}/{name}").st_mtime), "", 0, 0)
            return Bin(name, 0, "", 0, 0)
