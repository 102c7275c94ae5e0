"""Directories in assay's own form: one canonical MessagePack array per level, cut into nodes where a level is large.

docs/formats.md, "Manifests", has the bytes. The same files make the same digest, always, and one file more changes
one object per level: the cuts of a large level depend on the names beside them and not on their position.

Nothing that a writer here would not have written is accepted: a manifest comes from a cache or a remote, and its names
are about to become paths. Empty directories do not exist, as in DVC and Git.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NoReturn

import msgpack

from assay.engine.errors import CorruptArtifact
from assay.engine.model import HEX_LENGTH, Artifact, Digest, Entry, HashName
from assay.engine.store.rows import DEEPEST, DIRECTORY, EXECUTABLE, Folder, Found, Put, Reader, Row, check_names

KEEPS_MODES = True
"""Whether a manifest says which files may be executed."""

TAG = "assay/dir"
VERSION = 1
SPLIT = 4096
"""A level of more rows than this is cut."""

_TOP = 3
_CUT = 23
_SPREAD = 2_654_435_761


def write(folders: Sequence[Folder], algo: HashName, put: Put) -> Artifact:
    """Stores the manifests of a whole directory, from the leaves up.

    Args:
        folders: The directory and all folders below it, each after the one that it lies in; this call changes them.
        algo: The hash of all digests in it.
        put: Stores an object.

    Raises:
        UnsafePath: A name that must not be written.
    """
    rows_of = dict(folders)
    for path, rows in reversed(folders):
        artifact = write_level(rows, algo, put)
        if path and artifact.nfiles:
            above, _, name = path.rpartition("/")
            rows_of[above].append(_directory_row(name, artifact))
    return artifact


def _directory_row(name: str, artifact: Artifact) -> Row:
    return [name, DIRECTORY, bytes.fromhex(artifact.digest.hex), artifact.size, artifact.nfiles]


def write_level(rows: list[Row], algo: HashName, put: Put) -> Artifact:
    """Stores one level of a directory.

    Args:
        rows: Its files, and its sub-directories that hold any; in any order, which this call changes.
        algo: The hash of all digests in it.
        put: Stores an object.

    Raises:
        UnsafePath: A name that must not be written.
    """
    names = [row[0] for row in rows]
    check_names(names)
    if "".join(names).isascii():
        rows.sort()
    else:
        rows.sort(key=lambda row: _bytes(row[0]))
    return Artifact(_write_rows(rows, algo, 0, put), *_sums(rows))


def _write_rows(rows: list[Row], algo: HashName, depth: int, put: Put) -> Digest:
    nodes = [rows] if len(rows) <= SPLIT or depth == _TOP else cut(rows, depth)
    digests = []
    for node in nodes:
        data: bytes = msgpack.packb([TAG, VERSION, algo, depth, node], unicode_errors="surrogateescape")
        digests.append(put(data))
    if len(nodes) == 1:
        return digests[0]
    above = [
        [node[-1][0], bytes.fromhex(digest.hex), *_sums(node)] for node, digest in zip(nodes, digests, strict=True)
    ]
    return _write_rows(above, algo, depth + 1, put)


def _sums(rows: list[Row]) -> tuple[int, int]:
    return sum([row[-2] for row in rows]), sum([row[-1] for row in rows])


def cut(rows: list[Row], depth: int) -> list[list[Row]]:
    """The nodes of a level that is too large: each ends with a row whose name's check sum says so."""
    bound = 1 << (_CUT - 9 * depth)
    nodes = []
    start = 0
    for place, row in enumerate(rows, 1):
        if zlib.crc32(_bytes(row[0])) * _SPREAD & 0xFFFFFFFF < bound:
            nodes.append(rows[start:place])
            start = place
    if start < len(rows):
        nodes.append(rows[start:])
    return nodes


def walk(cache: Reader, digest: Digest) -> Found:
    """Every file of a directory, sorted within each level, and every object of the manifest itself.

    Raises:
        MissingArtifact: A manifest is not in the cache.
        CorruptArtifact: One is not a manifest.
        UnsafePath: One holds a name that must not be written.
    """
    stack = [("", _level(cache, digest))]
    while stack:
        prefix, level = stack[-1]
        for entry, manifest in level:
            if entry is None:
                yield prefix, None, manifest
            elif entry.nfiles is None:
                yield prefix + entry.name, entry, entry.digest
            else:
                if len(stack) > DEEPEST:
                    _refuse(digest, f"is more than {DEEPEST} folders deep")
                stack.append((f"{prefix}{entry.name}/", _level(cache, entry.digest)))
                break
        else:
            stack.pop()


def digests(cache: Reader, digest: Digest) -> Iterator[Digest]:
    """Every object of a directory, after what it names. Raises as `walk`."""
    return (found for _, _, found in walk(cache, digest))


def _level(
    cache: Reader, digest: Digest, depth: int | None = None, after: str = "", last: str | None = None
) -> Iterator[tuple[Entry | None, Digest]]:
    """The entries of one level in order, and after them the objects that it is made of.

    ``depth``, ``after`` and ``last`` are what the node above says of this one.
    """
    found, rows = decode(digest, cache.read(digest))
    if depth is not None and (found != depth or not rows or rows[-1][0] != last or _bytes(rows[0][0]) <= _bytes(after)):
        _refuse(digest, "does not fit its place in the tree")
    for row in rows:
        if found == 0:
            yield _entry(row, digest), digest
        else:
            child = Digest(digest.algo, row[1].hex(), True)
            yield from _level(cache, child, found - 1, after, row[0])
            after = row[0]
    yield None, digest


def _entry(row: Row, level: Digest) -> Entry:
    name, kind, raw, size, count = row
    if kind == DIRECTORY:
        return Entry(name, Digest(level.algo, raw.hex(), True), size, count)
    return Entry(name, Digest(level.algo, raw.hex()), size, None, kind == EXECUTABLE)


def named(digest: Digest, data: bytes) -> tuple[Digest, ...]:
    """What one manifest object names directly. Raises as `walk`."""
    depth, rows = decode(digest, data)
    if depth:
        return tuple(Digest(digest.algo, row[1].hex(), True) for row in rows)
    return tuple(Digest(digest.algo, row[2].hex(), row[1] == DIRECTORY) for row in rows)


def decode(digest: Digest, data: bytes) -> tuple[int, list[Row]]:
    """The depth and the rows of one manifest object, in the shape that docs/formats.md gives.

    Raises:
        CorruptArtifact: It is not what a writer would have written.
        UnsafePath: A name in it must not be written.
    """
    try:
        value = msgpack.unpackb(data, unicode_errors="surrogateescape", strict_map_key=False)
        canonical = msgpack.packb(value, unicode_errors="surrogateescape") == data
        tag, version, algo, depth, rows = value
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException):
        _refuse(digest, "cannot be read")
    if not canonical or tag != TAG or algo != digest.algo or type(depth) is not int or type(rows) is not list:
        _refuse(digest, "is not a manifest")
    if type(version) is not int or version != VERSION or not 0 <= depth <= _TOP:
        _refuse(digest, "has a form that this version does not know")
    good = _good_row if depth == 0 else _good_node_row
    length = HEX_LENGTH[digest.algo] // 2
    if not all(type(row) is list and good(row, length) for row in rows):
        _refuse(digest, "has a row that cannot be read")
    names = [row[0] for row in rows]
    check_names(names)
    if not _is_sorted(names):
        _refuse(digest, "is not sorted")
    return depth, rows


def _good_row(row: Row, length: int) -> bool:
    if len(row) != 5:
        return False
    name, kind, raw, size, count = row
    return (
        type(name) is str
        and type(kind) is int
        and 0 <= kind <= DIRECTORY
        and type(raw) is bytes
        and len(raw) == length
        and type(size) is int
        and size >= 0
        and type(count) is int
        and (count == 1 or (kind == DIRECTORY and count > 0))
    )


def _good_node_row(row: Row, length: int) -> bool:
    return len(row) == 4 and _good_row([row[0], DIRECTORY, *row[1:]], length)


def _is_sorted(names: list[str]) -> bool:
    if "".join(names).isascii():
        return all(map(str.__lt__, names, names[1:]))
    keys = [_bytes(name) for name in names]
    return all(map(bytes.__lt__, keys, keys[1:]))


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _refuse(digest: Digest, why: str) -> NoReturn:
    raise CorruptArtifact(f"The manifest {digest} {why}.", "It was not written by assay; add the directory anew.")
