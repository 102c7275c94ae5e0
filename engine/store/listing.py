"""Directories in DVC's form: one JSON list of every file below, by path and digest.

docs/formats.md, "Listings", has the bytes, which are DVC's own: two programs that look at the same files name them
alike. Neither sizes nor modes are in it, and folders without files leave no trace. Sizes are asked of the cache.

What is read may have been written by any version of DVC, so the spelling of the JSON is not looked at; names are about
to become paths and are checked as everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from assay.engine.errors import CorruptArtifact
from assay.engine.model import Artifact, Digest, Entry, HashName
from assay.engine.store.rows import DEEPEST, Folder, Found, Put, Reader, check_names

KEEPS_MODES = False
"""Whether a listing says which files may be executed."""

_PATH, _HEX = "relpath", "md5"
_IS_MD5 = re.compile("[0-9a-f]{32}").fullmatch


def write(folders: Sequence[Folder], algo: HashName, put: Put) -> Artifact:  # noqa: ARG001  # as the other form
    """Stores the listing of a whole directory.

    Args:
        folders: The directory and all folders below it.
        algo: The hash of all digests in it.
        put: Stores an object.
    """
    files: list[dict[str, str]] = []
    size = 0
    for folder, rows in folders:
        for name, _, raw, length, _ in rows:
            files.append({_HEX: raw.hex(), _PATH: f"{folder}/{name}" if folder else name})
            size += length
    return Artifact(put(_text(files)), size, len(files))


def text_of(files: Mapping[str, str]) -> bytes:
    """The listing of files, given by path with their md5."""
    return _text([{_HEX: value, _PATH: path} for path, value in files.items()])


def _text(files: list[dict[str, str]]) -> bytes:
    files.sort(key=lambda file: file[_PATH])
    return json.dumps(files).encode("ascii")


def walk(cache: Reader, digest: Digest) -> Found:
    """Every file of a directory in the order of the listing, then the listing itself.

    Raises:
        MissingArtifact: The listing is not in the cache.
        CorruptArtifact: It is not a listing.
        UnsafePath: It holds a path that must not be written.
    """
    for path, child in _files(digest, cache.read(digest)):
        yield path, Entry(path.rpartition("/")[2], child, cache.size(child) or 0), child
    yield "", None, digest


def digests(cache: Reader, digest: Digest) -> Iterator[Digest]:
    """Every file that a listing names, then the listing itself. Raises as `walk`."""
    yield from named(digest, cache.read(digest))
    yield digest


def named(digest: Digest, data: bytes) -> tuple[Digest, ...]:
    """The files that a listing names. Raises as `walk`."""
    return tuple(child for _, child in _files(digest, data))


def _files(digest: Digest, data: bytes) -> Iterator[tuple[str, Digest]]:
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError):
        _refuse(digest, "cannot be read")
    if not isinstance(rows, list):
        _refuse(digest, "is not a list")
    files = dict([_row(digest, row) for row in rows])
    try:
        "".join(files).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        _refuse(digest, "has a name that no file can have")
    if len(files) != len(rows):
        _refuse(digest, "names a file twice")
    if not _check_paths(digest, files).isdisjoint(files):
        _refuse(digest, "has a file where it has a folder")
    yield from files.items()


def _check_paths(digest: Digest, paths: Iterable[str]) -> set[str]:
    """Refuses paths that must not be written; returns every folder on the way to one."""
    folders: set[str] = set()
    names, last = [], None
    for path in paths:
        folder, slash, name = path.rpartition("/")
        names.append(name)
        if not slash or folder == last:  # files of one folder mostly stand together
            continue
        last, parts = folder, folder.split("/")
        if len(parts) >= DEEPEST:
            _refuse(digest, f"is more than {DEEPEST} folders deep")
        check_names(parts)
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    check_names(names)
    return folders


def _row(digest: Digest, row: Any) -> tuple[str, Digest]:
    path, text = (row.get(_PATH), row.get(_HEX)) if isinstance(row, dict) else (None, None)
    if not isinstance(path, str) or not path or not isinstance(text, str) or not _IS_MD5(text):
        _refuse(digest, "has a row that cannot be read")
    return path, Digest(digest.algo, text)


def _refuse(digest: Digest, why: str) -> NoReturn:
    raise CorruptArtifact(f"The directory listing {digest} {why}.", "Add the directory anew.")
