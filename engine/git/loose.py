"""Loose objects: one zlib stream per file, ``<2>/<38>`` (Git's gitrepository-layout).

Writing goes through a temporary name that Git sweeps too (``tmp_obj_``), never through a lock: any number of
processes may write the same object, and what a crash leaves behind stands in nobody's way.
"""

from __future__ import annotations

import os
import stat
import zlib
from contextlib import suppress
from hashlib import sha1

from assay.engine import disk
from assay.engine.errors import CorruptObject, GitError
from assay.engine.git.filebytes import READ_FLAGS, read_to_end
from assay.engine.git.objects import HEADERS, KINDS
from assay.engine.model import Oid

_HEAD = 40  # more than the longest "commit <size>\0"
_SMALL = 4096  # files up to this many bytes are inflated in one go, to a thousand times that at the worst
_LEVEL = 1


def loose_path(objects_dir: str, oid: bytes) -> str:
    """Where the object lies when it is loose."""
    text = oid.hex()
    return f"{objects_dir}/{text[:2]}/{text[2:]}"


def loose_size(objects_dir: str, oid: bytes) -> int:
    """The size in bytes of a loose object's file; 0 when there is none, or nothing in it."""
    try:
        return os.stat(loose_path(objects_dir, oid)).st_size
    except OSError:
        return 0


def read_loose(objects_dir: str, oid: bytes, limit: int) -> tuple[int, bytes] | None:
    """The kind and content of a loose object; None when there is no such file.

    Raises:
        CorruptObject: The file is empty, damaged, holds another object, or one of more than ``limit`` bytes.
        GitError: It cannot be read.
    """
    path = loose_path(objects_dir, oid)
    try:
        fd = os.open(path, READ_FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise GitError(f"The Git object {path} cannot be read: {error.strerror}.") from error
    try:
        raw = read_to_end(fd)
    except OSError as error:
        raise CorruptObject(f"The Git object {path} cannot be read: {error.strerror}.") from error
    finally:
        os.close(fd)
    try:
        return _parse(raw, oid, limit)
    except (ValueError, zlib.error) as error:
        raise CorruptObject(
            f"The Git object {path} is damaged: {error}.",
            "Remove the file, then fetch the object from where there is a good copy.",
        ) from error


def _parse(raw: bytes, oid: bytes, limit: int) -> tuple[int, bytes]:
    if not raw:
        raise ValueError("it is empty")
    if len(raw) <= _SMALL:
        whole = zlib.decompress(raw)
        kind, start = _read_head(whole, limit)[:2]
    else:
        stream = zlib.decompressobj()
        whole = stream.decompress(raw, _HEAD)
        kind, start, size = _read_head(whole, limit)
        if not stream.eof:
            whole += stream.decompress(stream.unconsumed_tail, start + size - len(whole) + 1)
        if not stream.eof:
            raise ValueError("it is not as long as it says")
    if sha1(whole).digest() != oid:
        raise ValueError("it is not the object it is named for")
    return kind, whole[start:]


def _read_head(whole: bytes, limit: int) -> tuple[int, int, int]:
    """Kind, where the content begins, and its size."""
    start = whole.find(b"\0", 0, _HEAD) + 1
    name, _, digits = whole[: start - 1].partition(b" ")
    kind = KINDS.get(name)
    if not start or kind is None or not digits.isdigit():
        raise ValueError("it does not begin as an object does")
    size = int(digits)
    if size > limit:
        raise ValueError(f"it is said to have {size} bytes, more than is read into memory")
    return kind, start, size


def write_loose(objects_dir: str, oid: Oid, kind: int, data: bytes) -> None:
    """Writes a loose object, replacing what may be there under its name.

    Raises:
        OSError: The disk refuses.
    """
    stream = zlib.compressobj(_LEVEL)
    packed = stream.compress(HEADERS[kind] % len(data)) + stream.compress(data) + stream.flush()
    path = loose_path(objects_dir, oid)
    with disk.NewFile(objects_dir, 0o444, "tmp_obj_") as file:
        file.write(packed)
        try:
            file.publish(path)
        except FileNotFoundError:
            _make_fan(objects_dir, os.path.dirname(path))
            file.publish(path)


def _make_fan(objects_dir: str, folder: str) -> None:
    """Makes one of the 256 folders, for as many people as may write in the one above."""
    disk.make_folder(folder)
    mode = stat.S_IMODE(os.stat(objects_dir).st_mode)
    if mode & stat.S_IWGRP and not os.stat(folder).st_mode & stat.S_IWGRP:
        with suppress(OSError):
            disk.chmod(folder, mode)
