"""A new index, made from the old one under Git's own ``index.lock``.

What is written is version 2, or 3 where an entry needs it. Of the extensions only the note of known trees is written,
and that only when it was found out anew: a cache that is not kept true is worse than none. Entries whose file may have
changed, without a trace in its stat data, since the old index was written (racily clean ones) lose their size, so that
whoever reads the new index looks at the file, as Git does it.

Limits: as in ``index``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha1

from assay.engine import disk
from assay.engine.git import cachetree
from assay.engine.git.index import (
    ASSUME_VALID,
    ENTRY,
    EXTENDED,
    FLAGS,
    INTENT_TO_ADD,
    NAME_LENGTH,
    SKIP_WORKTREE,
    STAGE,
    Index,
    IndexEntry,
    read_index,
)
from assay.engine.git.reflocks import RefLocks
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

_EXTENDED_BITS = SKIP_WORKTREE | INTENT_TO_ADD
_TIME_AND_SIZE = struct.Struct(">8xL24xL")


class Draft:
    """A new index in the making, while the old one is locked.

    Attributes:
        index: The index as it was found.
        conflicts: The entries of paths in conflict, which are written again unless they are settled.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self.conflicts: dict[str, list[IndexEntry]] = {
            path: [index.unpack(offset) for offset in stages.values()] for path, stages in index.conflicts.items()
        }
        self._kept = dict(index.offsets)  # paths whose entries stay, and where they are
        self._set: dict[str, IndexEntry] = {}
        self._touched: set[str] = set()
        self._trees: cachetree.Trees = {}
        self._smudge()

    def _smudge(self) -> None:
        """Takes the size from entries that may have changed unseen since the old index was written.

        Whole seconds are compared, as the Git that reads this next may know no finer ones.
        """
        written = self.index.mtime_ns // 10**9
        unpack, data = _TIME_AND_SIZE.unpack_from, self.index.data
        for path, offset in self.index.offsets.items():
            mtime, size = unpack(data, offset)
            if mtime >= written and size:
                del self._kept[path]
                self._set[path] = self.index.unpack(offset)._replace(size=0)

    def __len__(self) -> int:
        return len(self._kept) + len(self._set)

    def entry(self, path: str) -> IndexEntry | None:
        """The entry that a path will have; None when it will have none, or is in conflict."""
        found = self._set.get(path)
        if found is None and path in self._kept:
            return self.index.unpack(self._kept[path])
        return found

    def put(self, path: str, entry: IndexEntry) -> None:
        """Sets a path's entry; files that it makes folders of go, what was below it is the caller's to remove."""
        self.remove(path)
        cut = path.find("/")
        while cut >= 0:
            if path[:cut] in self._kept or path[:cut] in self._set:
                self.remove(path[:cut])
            cut = path.find("/", cut + 1)
        self._set[path] = entry

    def remove(self, path: str) -> None:
        """Takes a path out, in conflict or not."""
        self._touched.add(path)
        self._trees = {}
        self._kept.pop(path, None)
        self._set.pop(path, None)
        self.conflicts.pop(path, None)

    def note_tree(self, objects: ObjectSource, tree: Oid) -> bool:
        """Says that the index should now be exactly a tree, so that whoever reads it need not compare; tells if it is.

        Args:
            objects: Where trees are read.
            tree: The tree, of the commit that HEAD will name.
        """
        changed = {path[:cut] for path in self._touched for cut in range(len(path)) if path[cut] == "/"}
        known = self.index.cached_trees()
        for folder in ["", *changed]:
            known.pop(folder, None)
        if not self.conflicts:
            self._trees = cachetree.note(objects, tree, known, self._holds)
        if self._trees and self._trees[""][1] != len(self):
            self._trees = {}
        return bool(self._trees)

    def _holds(self, path: str, mode: int, oid: Oid) -> bool:
        entry = self._set.get(path)
        if entry is None:
            return path in self._kept and self.index.holds(path, mode, oid)
        return entry.mode == mode and entry.oid == oid and not entry.intent_to_add

    def to_bytes(self) -> bytes:
        """The content of the index file."""
        lines = [(path.encode("utf-8", "surrogateescape"), offset) for path, offset in self._kept.items()]
        packed = self._copied(lines)
        for path, entry in self._set.items():
            packed.append(_packed(path, entry))
        for path, stages in self.conflicts.items():
            packed += [_packed(path, entry) for entry in stages]
        packed.sort()
        version = 3 if any(data[60] & EXTENDED >> 8 for _, _, data in packed) else 2
        parts = [struct.pack(">4sLL", b"DIRC", version, len(packed)), *(data for _, _, data in packed)]
        if self._trees:
            extension = cachetree.build(self._trees)
            parts.append(struct.pack(">4sL", b"TREE", len(extension)) + extension)
        data = b"".join(parts)
        return data + sha1(data).digest()

    def _copied(self, lines: list[tuple[bytes, int]]) -> list[tuple[bytes, int, bytes]]:
        """Entries that stay, byte for byte where the old index's format allows it."""
        data, unpack = self.index.data, self.index.unpack
        if self.index.version == 4:
            return [_packed(name.decode("utf-8", "surrogateescape"), unpack(offset)) for name, offset in lines]
        copied = []
        for name, offset in lines:
            length = (64 if data[offset + 60] & EXTENDED >> 8 else 62) + len(name)
            copied.append((name, 0, data[offset : offset + (length + 8 & ~7)]))
        return copied


def _packed(path: str, entry: IndexEntry) -> tuple[bytes, int, bytes]:
    """What an entry is sorted by, and its bytes."""
    name = path.encode("utf-8", "surrogateescape")
    extended = entry.flags & _EXTENDED_BITS
    flags = entry.flags & (ASSUME_VALID | STAGE) | min(len(name), NAME_LENGTH) | (EXTENDED if extended else 0)
    data = ENTRY.pack(*entry[:-1], flags) + (FLAGS.pack(extended >> 16) if extended else b"") + name
    return name, entry.stage, data + bytes(8 - len(data) % 8)


@contextmanager
def editing(common_dir: str, path: str, command: str = "") -> Iterator[Draft]:
    """Locks an index, gives what it holds, and writes what became of it; an exception leaves it as it was.

    Args:
        common_dir: The repository's common folder.
        path: The index.
        command: What the holder does, for people.

    Raises:
        Locked: Another program holds ``index.lock``.
        GitError: As `read_index`.
        AssayError: The disk refuses.
    """
    locks = RefLocks(common_dir, command)
    try:
        with _explained(path):
            locks.open([path])
            locks.take(path, os.path.basename(path))
        draft = Draft(read_index(path))
        yield draft
        data = draft.to_bytes()
        with _explained(path):
            disk.rename(locks.temp(data, sync=False), path)
    finally:
        locks.close()


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk.no_space(error, path) from error


def write_index(common_dir: str, path: str, entries: Mapping[str, IndexEntry], command: str = "") -> None:
    """Replaces a whole index. Raises as `editing`."""
    with editing(common_dir, path, command) as draft:
        for name in [*draft.index.offsets, *draft.conflicts]:
            draft.remove(name)
        for name, entry in entries.items():
            draft.put(name, entry)
