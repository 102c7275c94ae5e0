"""Folders of objects: which packs and loose objects they hold, and which alternates they name.

A folder is listed when an object is not found, and then only if its time has changed; a change so recent that the
clock of the file system may not tell it from an earlier one counts as a change.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptObject, GitError
from assay.engine.git.loose import loose_path, loose_size, read_loose
from assay.engine.git.objects import object_id
from assay.engine.git.packs import Pack, PackMemory
from assay.engine.model import Oid

_MAX_NESTING = 5  # of alternates, as in Git
_RACY = 2_000_000_000  # nanoseconds; the coarsest clock a file system has


class ObjectFolder:
    """One folder of objects.

    Args:
        path: Its absolute path.
        memory: What packs share.

    Attributes:
        packs: The packs it had when it was last looked at, by path without ending.
        damaged: Those that cannot be used, with the reason.
    """

    def __init__(self, path: str, memory: PackMemory) -> None:
        self.path = path
        self.packs: dict[str, Pack] = {}
        self.damaged: dict[str, AssayError] = {}
        self._memory = memory
        self._stamp = -1
        self._looked = 0

    def look(self, *, force: bool = False) -> bool:
        """Finds out what packs there are now; whether they are others than before."""
        folder = self.path + "/pack"
        try:
            stamp = os.stat(folder).st_mtime_ns
        except OSError:
            stamp = 0
        now = time.time_ns()
        if stamp == self._stamp and self._looked - stamp > _RACY and not force:
            return False
        self._stamp, self._looked = stamp, now
        before = self.packs.keys()
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            names = []
        except OSError as error:
            self.packs, self.damaged = {}, {folder: GitError(f"{folder} cannot be read: {error.strerror}.")}
            return bool(before)
        whole = set(names)
        stems = {f"{folder}/{name[:-4]}" for name in names if name.endswith(".idx") and name[:-4] + ".pack" in whole}
        self._open(stems)
        return before != self.packs.keys()

    def forget(self, stem: str) -> None:
        """Lets go of a pack that is not there any more, and of what is known about the folder."""
        self.packs.pop(stem, None)
        self._stamp = -1

    def loose_matching(self, prefix: str) -> Iterator[Oid]:
        """The ids of the loose objects that begin with these lower-case digits, of which there are at least two."""
        try:
            names = os.listdir(f"{self.path}/{prefix[:2]}")
        except OSError:
            return
        for name in names:
            if len(name) == 38 and name.startswith(prefix[2:]):
                with suppress(ValueError):
                    yield Oid(bytes.fromhex(prefix[:2] + name))

    def _open(self, stems: set[str]) -> None:
        if stems == self.packs.keys():
            return
        packs: dict[str, Pack] = {}
        self.damaged.clear()
        for stem in sorted(stems):
            try:
                packs[stem] = self.packs.get(stem) or Pack(stem, self._memory)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.damaged[stem] = GitError(f"{stem}.idx cannot be read: {error.strerror}.")
            except AssayError as error:
                self.damaged[stem] = error
        self.packs = packs


class Folders:
    """The folder of a repository and those of its alternates, nearest first.

    Nothing is looked at before it is needed.

    Args:
        path: Absolute path of the repository's own.
        memory: What packs share.

    Attributes:
        packs: All usable packs, that which was of use last first; replaced, never changed.
    """

    def __init__(self, path: str, memory: PackMemory) -> None:
        self.packs: list[Pack] = []
        self._path = path
        self._memory = memory
        self._folders: list[ObjectFolder] = []

    def look(self, *, force: bool = False) -> bool:
        """Finds out what packs there are now; whether they are others than before."""
        if not self._folders:
            self._folders = _open_folders(self._path, self._memory)
        changes = [folder.look(force=force) for folder in self._folders]
        if not any(changes):
            return False
        self._collect()
        return True

    def refresh(self) -> None:
        """Finds out which alternates and packs there are now."""
        known = {folder.path: folder for folder in self._folders}
        self._folders = [known.get(folder.path, folder) for folder in _open_folders(self._path, self._memory)]
        self.look(force=True)
        self._collect()

    def close(self) -> None:
        """Forgets everything."""
        self._folders = []
        self.packs = []

    def prefer(self, pack: Pack) -> None:
        """Lets a pack be asked first."""
        self.packs = [pack, *(other for other in self.packs if other is not pack)]

    def damaged(self) -> list[AssayError]:
        """Why packs cannot be used, for those which cannot."""
        return [problem for folder in self._folders for problem in folder.damaged.values()]

    def find_packed(self, oid: Oid, problems: list[AssayError]) -> tuple[int, bytes] | None:
        """An object from a pack, verified; notes what is wrong with copies that are not whole."""
        for pack in self.packs:
            try:
                offset = pack.find(oid)
                if not offset:
                    continue
                found = pack.read_at(offset)
                if object_id(*found) == oid:
                    return found
                problem = "what lies there is another object."
            except FileNotFoundError:
                self._drop(pack)
                continue
            except OSError as error:
                problem = f"{os.strerror(error.errno or 0)}."
            except AssayError as error:
                problem = error.message
            problems.append(CorruptObject(
                f"The Git object {oid.hex()} cannot be read from {pack.stem}.pack: {problem}",
                "Fetch it from where there is a good copy, then remove the damaged pack and its index.",
            ))  # fmt: skip
        return None

    def find_loose(self, oid: Oid, problems: list[AssayError]) -> tuple[int, bytes] | None:
        """A loose object, verified; notes what is wrong with copies that are not whole."""
        for folder in self._folders:
            try:
                found = read_loose(folder.path, oid, self._memory.max_object)
            except AssayError as error:
                problems.append(error)
            else:
                if found is not None:
                    return found
        return None

    def hold(self, oid: bytes) -> bool:
        """Whether there seems to be such an object; its content is not looked at."""
        if not self._folders:
            self.look()
        return self.locate(oid) is not None or any(loose_size(folder.path, oid) for folder in self._folders)

    def locate(self, oid: bytes) -> tuple[Pack, int] | None:
        """A pack that holds the object, and where its entry begins."""
        for pack in self.packs:
            with suppress(CorruptObject):
                offset = pack.find(oid)
                if offset:
                    return pack, offset
        return None

    def matching(self, prefix: str) -> list[Oid]:
        """The ids that begin with these lower-case digits, of which there are at least two; sorted."""
        low, high = bytes.fromhex(prefix.ljust(40, "0")), bytes.fromhex(prefix.ljust(40, "f"))
        found: set[Oid] = set()
        for pack in self.packs:
            found.update(pack.index.starting_with(low, high))
        for folder in self._folders:
            found.update(folder.loose_matching(prefix))
        return sorted(found)

    def keep(self, oid: Oid) -> bool:
        """Whether the object is there and whole, and from now on as safe from collection as a new one."""
        if not self._folders:
            self.look()
        for pack in self.packs:
            with suppress(AssayError, OSError):
                offset = pack.find(oid)
                if offset and object_id(*pack.read_at(offset)) == oid and pack.freshen():
                    return True
        for folder in self._folders:
            with suppress(AssayError, OSError):
                if read_loose(folder.path, oid, self._memory.max_object) and disk.touch(loose_path(folder.path, oid)):
                    return True
        return False

    def _collect(self) -> None:
        now = {pack: None for folder in self._folders for pack in folder.packs.values()}
        known = [pack for pack in self.packs if pack in now]
        self.packs = [*(pack for pack in now if pack not in known), *known]

    def _drop(self, pack: Pack) -> None:
        for folder in self._folders:
            folder.forget(pack.stem)
        self.packs = [other for other in self.packs if other is not pack]


def _open_folders(path: str, memory: PackMemory) -> list[ObjectFolder]:
    """The folder at ``path`` and, after it, every alternate it leads to, each once."""
    found: dict[str, ObjectFolder] = {}

    def visit(folder: str, depth: int) -> None:
        real = os.path.realpath(folder)
        if real in found or depth > _MAX_NESTING or (depth and not os.path.isdir(real)):
            return
        found[real] = ObjectFolder(folder, memory)
        for alternate in _alternates(folder):
            visit(alternate, depth + 1)

    visit(path, 0)
    return list(found.values())


def _alternates(folder: str) -> list[str]:
    """The paths that ``info/alternates`` names; a relative one starts at the folder it is in."""
    try:
        with open(f"{folder}/info/alternates", "rb") as reader:
            lines = reader.read().split(b"\n")
    except OSError:
        return []
    names = [os.fsdecode(line) for line in lines if line and not line.startswith(b"#")]
    return [os.path.normpath(os.path.join(folder, name)) for name in names if "\0" not in name]
