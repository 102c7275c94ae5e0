"""The object database of a repository: its packs, its loose objects, and those of its alternates.

Every object that is read is hashed, so a damaged file gives an error, never wrong content; where another copy is
whole, that one is returned. Other processes may write, repack and collect at any time: a miss looks at what the
folders hold now, and a pack that vanished is let go.

Writing an object means that it can be read afterwards. One that is there already and whole is not written again but
freshened, as Git does, so that no collection takes it before something points to it; a damaged one is written anew.

Nothing is synced here (law 1): a command syncs once, before it names what it wrote.

Limits: objects of up to 512 MiB; one thread writes; multi-pack indexes, bitmaps and commit graphs are not needed and
not read; replace refs and grafts are not followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha1

from assay.engine import disk
from assay.engine.errors import AssayError, GitError, MissingObject
from assay.engine.git.batch import ObjectBatch, pack_folder, publish_pack
from assay.engine.git.folders import Folders
from assay.engine.git.incoming import CheckedPack, ThinPack, check_pack
from assay.engine.git.loose import read_loose, write_loose
from assay.engine.git.objects import (
    BLOB,
    COMMIT,
    HEADERS,
    KIND_NAMES,
    TREE,
    CommitInfo,
    TreeItem,
    object_id,
    parse_commit,
    parse_tree,
)
from assay.engine.git.outgoing import write_pack
from assay.engine.git.packs import PackMemory
from assay.engine.git.packwriter import Scale
from assay.engine.model import Oid

EMPTY_TREE = object_id(TREE, b"")
"""The tree that every repository has, written or not."""

_LOOKS = 3  # how often a search starts anew because packs came or went meanwhile


class ObjectDatabase:
    """The objects of one repository.

    Args:
        path: Absolute path of its folder of objects.
        mapped: Whether packs may be mapped into memory; None: not on network file systems.
    """

    def __init__(self, path: str, *, mapped: bool | None = None) -> None:
        self.path = path
        self.memory = PackMemory(mapped=mapped)
        self._folders = Folders(path, self.memory)
        self._batches: list[ObjectBatch] = []

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object's kind number and content, verified.

        Raises:
            MissingObject: It is not in the repository.
            CorruptObject: It is, but every copy is damaged, or too large to be read into memory.
        """
        try:
            for pack in self._folders.packs:
                offset = pack.find(oid)
                if offset:
                    kind, data = pack.read_at(offset)
                    if sha1(HEADERS[kind] % len(data) + data).digest() == oid:
                        if pack is not self._folders.packs[0]:
                            self._folders.prefer(pack)
                        return kind, data
                    break
            else:
                found = self._pending(oid) or read_loose(self.path, oid, self.memory.max_object)
                if found is not None:
                    return found
        except (AssayError, OSError):
            pass  # the search says what is wrong, or finds another copy
        return self._search(oid)

    def read_blob(self, oid: Oid) -> bytes:
        """The content of a blob. Raises GitError when it is something else, and as `read`."""
        return self._read_kind(oid, BLOB)

    def read_tree(self, oid: Oid) -> list[TreeItem]:
        """The items of a tree. Raises GitError when it is something else, and as `read`."""
        return parse_tree(self._read_kind(oid, TREE))

    def read_commit(self, oid: Oid) -> CommitInfo:
        """What a commit says. Raises GitError when it is something else, and as `read`."""
        return parse_commit(self._read_kind(oid, COMMIT))

    def __contains__(self, oid: object) -> bool:
        if not isinstance(oid, bytes) or len(oid) != 20:
            return False
        if any(batch.holds(oid) for batch in self._batches):
            return True
        folders = self._folders
        return folders.hold(oid) or (folders.look() and folders.hold(oid)) or oid == EMPTY_TREE

    def matching(self, hex_prefix: str) -> list[Oid]:
        """The ids that begin with these 4 to 40 hexadecimal digits, sorted; none for anything else."""
        prefix = hex_prefix.lower()
        if not 4 <= len(prefix) <= 40 or prefix.strip("0123456789abcdef"):
            return []
        self._folders.look()
        return self._folders.matching(prefix)

    def write(self, kind: int, data: bytes) -> Oid:
        """Makes sure the object is in the repository, as a loose one when it is new, and returns its id.

        Raises:
            AssayError: The disk refuses, or the object is too large.
        """
        self.check_size(len(data))
        oid = object_id(kind, data)
        if not self.keeps(oid):
            with self._writing():
                write_loose(self.path, oid, kind, data)
        return oid

    @contextmanager
    def batch(self) -> Iterator[ObjectBatch]:
        """Objects written together: readable here at once, visible to others on clean exit, dropped on an exception."""
        batch = ObjectBatch(self)
        self._batches.append(batch)
        try:
            yield batch
            with self._writing():
                batch.publish()
        finally:
            self._batches.remove(batch)
            batch.drop()
        self._folders.look(force=True)

    def add_pack(self, path: str) -> str:
        """Checks every byte of a pack file, indexes it, moves it in, and returns its name without ending.

        Raises:
            CorruptObject: Something in it is not as it says; the file stays where it is, and nothing else is left.
            AssayError: The disk refuses.
        """
        with self._writing():
            folder = pack_folder(self.path)
            checked = check_pack(path, PackMemory(), self._find_base)
            if isinstance(checked, CheckedPack):
                name = publish_pack(folder, partial(_move, path), checked.entries, checked.checksum)
            else:
                name = self._add_completed(folder, checked)
                disk.unlink(path)
        self._folders.look(force=True)
        return name

    def pack_to(self, oids: Iterable[Oid], file: disk.NewFile) -> int:
        """Writes a whole pack of these objects into a new file, which stays open, and returns how many there are.

        Raises:
            MissingObject: One of them is nowhere.
            CorruptObject: One of them is damaged.
        """
        self._folders.look()
        with self._writing():
            return write_pack(oids, file, self._folders.locate, self.read)

    def pack_size(self, oids: Iterable[Oid]) -> int:
        """How many bytes `pack_to` would write. Raises as `pack_to`."""
        scale = Scale()
        self._folders.look()
        write_pack(oids, scale, self._folders.locate, self.read)
        return scale.size

    def refresh(self) -> None:
        """Finds out which packs and alternates there are now."""
        self._folders.refresh()

    def close(self) -> None:
        """Lets go of all files; a later read opens them again."""
        self._folders.close()
        self.memory.forget()

    def keeps(self, oid: Oid) -> bool:
        """Whether the object is there and whole, and from now on as safe from collection as a new one."""
        return self._folders.keep(oid)

    def check_size(self, size: int) -> None:
        """Raises GitError for an object of more bytes than could be read again."""
        if size > self.memory.max_object:
            raise GitError(
                f"A file of {size} bytes is too large for a Git object here: the limit is {self.memory.max_object}.",
                "Track it as an output, or leave it out with .gitignore.",
            )

    def _read_kind(self, oid: Oid, kind: int) -> bytes:
        found, data = self.read(oid)
        if found != kind:
            is_a, not_a = KIND_NAMES[found].decode(), KIND_NAMES[kind].decode()
            raise GitError(f"The Git object {oid.hex()} is a {is_a}, not a {not_a}.")
        return data

    def _pending(self, oid: Oid) -> tuple[int, bytes] | None:
        for batch in self._batches:
            found = batch.pending(oid)
            if found is not None and object_id(*found) == oid:
                return found
        return None

    def _search(self, oid: Oid) -> tuple[int, bytes]:
        """Looks everywhere, and again when packs came or went meanwhile; says what is wrong where nothing is found."""
        problems: list[AssayError] = []
        folders = self._folders
        folders.look()
        for _ in range(_LOOKS):
            found = folders.find_packed(oid, problems) or self._pending(oid) or folders.find_loose(oid, problems)
            if found is not None:
                return found
            if not folders.look():
                break
        if oid == EMPTY_TREE:
            return TREE, b""
        problems += folders.damaged()
        if problems:
            raise problems[0]
        raise MissingObject(
            f"The Git object {oid.hex()} is not in this repository.",
            "A shallow or partial clone does not have everything; fetch from where it was cloned.",
        )

    def _find_base(self, oid: Oid) -> tuple[int, bytes] | None:
        try:
            return self.read(oid)
        except MissingObject:
            return None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise disk.no_space(error, self.path) from error

    def _add_completed(self, folder: str, pack: ThinPack) -> str:
        """Adds a thin pack, completed and checked to its end."""
        with disk.NewFile(folder, 0o444, "tmp_pack_") as file:
            checked = pack.complete(file)
            if isinstance(checked, CheckedPack):
                return publish_pack(folder, file.publish, checked.entries, checked.checksum)
            return self._add_completed(folder, checked)


def _move(source: str, target: str) -> None:
    """Moves a finished pack, from another file system too, and takes the right to write it away."""
    disk.chmod(source, stat.S_IMODE(os.stat(source).st_mode) & 0o444)
    try:
        disk.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with open(source, "rb") as reader, disk.NewFile(os.path.dirname(target), 0o444, "tmp_pack_") as file:
            disk.copy_into(reader, file)
            file.publish(target)
        disk.unlink(source)
