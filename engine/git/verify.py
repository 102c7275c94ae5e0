"""Checking an object database byte by byte: loose objects, packs, their indexes.

Nothing is believed and nothing is changed; `mend_index` alone writes, an index that the pack itself proves. Real Git's
``fsck --strict`` is the judge of it in tests. Memory: some 300 bytes for each object of the largest pack.

Limits: the repository's own folder of objects; alternates are looked at only as far as refs reach (`connected`). What a
sound object says is not judged by style, as ``--strict`` does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha1
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptObject
from assay.engine.events import Done, Progress, Reporter, silent
from assay.engine.git.filebytes import open_bytes
from assay.engine.git.incoming import CheckedPack, check_pack
from assay.engine.git.loose import loose_path, read_loose
from assay.engine.git.objects import object_id
from assay.engine.git.packindex import PackIndex, index_bytes
from assay.engine.git.packs import Pack, PackMemory
from assay.engine.model import Oid

_TASK = "checking Git's objects"
_CHUNK = 1 << 20


class Damage(NamedTuple):
    """Something in an object database that is not what it says.

    Attributes:
        path: The file.
        text: What is wrong with it, as a sentence.
        objects: The objects in it that cannot be read from it; empty where that is not known, or none.
        mendable: Whether `mend_index` can put it right.
    """

    path: str
    text: str
    objects: tuple[Oid, ...] = ()
    mendable: bool = False


def check(path: str, report: Reporter = silent) -> list[Damage]:
    """Reads a whole folder of objects.

    Args:
        path: Its absolute path.
        report: Hears of progress in bytes.
    """
    found: list[Damage] = []
    done = 0
    memory = PackMemory()
    for oid in loose_objects(path):
        try:
            read_loose(path, oid, memory.max_object)
        except AssayError as error:
            found.append(Damage(loose_path(path, oid), error.message, (oid,)))
        done += 200
        if done % 200_000 == 0:
            report(Progress(_TASK, done, None, "B"))
    for stem in pack_stems(path):
        found += _check_pack(stem)
        done += _size(stem + ".pack")
        report(Progress(_TASK, done, None, "B"))
    report(Done(_TASK))
    return found


def loose_objects(path: str) -> Iterator[Oid]:
    """The ids of the loose objects in a folder of objects, by their files' names."""
    for number in range(256):
        first = f"{number:02x}"
        try:
            names = sorted(os.listdir(f"{path}/{first}"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name in names:
            if len(name) == 38 and not name.strip("0123456789abcdef"):
                yield Oid(bytes.fromhex(first + name))


def pack_stems(path: str) -> list[str]:
    """The packs with an index in a folder of objects, as paths without ending."""
    try:
        names = set(os.listdir(f"{path}/pack"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        f"{path}/pack/{name[:-5]}" for name in sorted(names) if name.endswith(".pack") and f"{name[:-5]}.idx" in names
    ]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _check_pack(stem: str) -> list[Damage]:
    """What is wrong with a pack or its index; which of the two is to blame is the pack's to say."""
    try:
        checked = check_pack(stem + ".pack", PackMemory(), lambda _: None)
    except FileNotFoundError:  # repacked by another process meanwhile
        return []
    except OSError as error:
        return [Damage(stem + ".pack", f"It cannot be read: {error.strerror}.")]
    except AssayError as error:
        return [Damage(stem + ".pack", f"The pack is damaged. {error.message}", _unreadable(stem))]
    if not isinstance(checked, CheckedPack):
        return [Damage(stem + ".pack", "The pack builds on objects that are not in it.")]
    problem = _index_problem(stem, checked)
    return [Damage(stem + ".idx", problem, mendable=True)] if problem else []


def _index_problem(stem: str, checked: CheckedPack) -> str:
    """What is wrong with the index of a sound pack; empty when nothing is."""
    try:
        with open(stem + ".idx", "rb") as file:
            state, left = sha1(), os.fstat(file.fileno()).st_size - 20
            while left > 0 and (piece := file.read(min(left, _CHUNK))):
                state.update(piece)
                left -= len(piece)
            if file.read(20) != state.digest():
                return "The index is damaged: its checksum is not that of its bytes."
        index = PackIndex(open_bytes(stem + ".idx", lambda _: False)[:], stem + ".idx")
        if index.checksum != checked.checksum:
            return "The index is for another pack."
        for has, entry in zip(index.entries(), sorted(checked.entries), strict=True):
            if has[:2] != entry[:2] or has.crc not in (None, entry.crc):
                return f"The index is wrong about the object {entry.oid.hex()}."
    except OSError as error:
        return f"The index cannot be read: {error.strerror}."
    except AssayError as error:
        return error.message
    except ValueError:
        return "The index does not have as many objects as the pack."
    return ""


def _unreadable(stem: str) -> tuple[Oid, ...]:
    """The objects that a damaged pack should have and that cannot be read from it, as far as its index can say."""
    try:
        index = PackMemory().open_index(stem + ".idx")
        entries = list(index.entries())
    except (AssayError, OSError):
        return ()
    try:
        pack = Pack(stem, PackMemory())
        pack.data()
    except (AssayError, OSError):
        return tuple(entry.oid for entry in entries)  # no reader accepts the file
    bad = []
    for entry in entries:
        try:
            if object_id(*pack.read_at(entry.offset)) != entry.oid:
                bad.append(entry.oid)
        except (AssayError, OSError):
            bad.append(entry.oid)
    return tuple(bad)


def mend_index(path: str) -> None:
    """Writes the index of a sound pack anew.

    Args:
        path: The index.

    Raises:
        CorruptObject: The pack is damaged too.
        OSError: The disk refuses.
    """
    checked = check_pack(path[:-4] + ".pack", PackMemory(), lambda _: None)
    if not isinstance(checked, CheckedPack):
        raise CorruptObject(f"The pack of {path} is not complete.")
    disk.write_atomic(path, index_bytes(checked.entries, checked.checksum), mode=0o444, sync=True)
