"""Directories as objects: one canonical MessagePack array per level, cut into nodes where a level is large.

docs/formats.md, "Manifests", has the bytes. The same files make the same digest, always, and one file more changes
one object per level: the cuts of a large level depend on the names beside them and not on their position.

Nothing that a writer here would not have written is accepted: a manifest comes from a cache or a remote, and its names
are about to become paths. Empty directories do not exist, as in DVC and Git.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, Protocol

import msgpack

from assay.engine import disk
from assay.engine.errors import BadInput, CorruptArtifact, StoreError, UnsafePath
from assay.engine.model import HEX_LENGTH, Artifact, Digest, Entry, HashName

TAG = "assay/dir"
VERSION = 1
SPLIT = 4096
"""A level of more rows than this is cut."""

DEEPEST = 400
"""Directories nested more than this are refused."""

FILE, EXECUTABLE, DIRECTORY = 0, 1, 2
_TOP = 3
_CUT = 23
_SPREAD = 2_654_435_761
_SUSPICIOUS = re.compile(r"[\0\\~]|(?:^|/)(?:/|$|\.{1,2}(?:/|$)|\.git)", re.IGNORECASE)

Row = list[Any]
"""Name, kind, binary digest, size in bytes, number of files; above a cut level: last name, digest, size, number."""

Put = Callable[[bytes], Digest]
"""Stores one manifest object, or only names it."""


class Reader(Protocol):
    """What reading manifests needs of a cache."""

    def read(self, digest: Digest, /) -> bytes:
        """An object's verified content."""


class Writer(Protocol):
    """What writing manifests needs of a cache's writer."""

    algo: HashName

    def add_bytes(self, data: bytes, *, is_dir: bool = False) -> Digest:
        """Adds an object and returns its digest."""


def write_manifest(writer: Writer, files: Mapping[str, Entry]) -> Artifact:
    """Stores the manifest of a whole directory.

    Args:
        writer: Where the objects go.
        files: Path relative to the directory, and the file there; the entries' own names are not looked at.

    Raises:
        UnsafePath: A path that must not be written.
        BadInput: A path is both a file and a directory, or too deep.
    """
    tree: dict[str, Any] = {}
    for path, entry in files.items():
        *folders, name = path.split("/")
        if len(folders) > DEEPEST:
            raise BadInput(path, f"lies more than {DEEPEST} folders deep")
        level = tree
        for folder in folders:
            level = level.setdefault(folder, {})
            if isinstance(level, Entry):
                raise BadInput(path, "lies below a file")
        if level.setdefault(name, entry) is not entry:
            raise BadInput(path, "is both a file and a directory")
    return _write_tree(tree, writer.algo, lambda data: writer.add_bytes(data, is_dir=True))


def _write_tree(tree: Mapping[str, Any], algo: HashName, put: Put) -> Artifact:
    rows = []
    for name, child in tree.items():
        if isinstance(child, Entry):
            rows.append(file_row(name, child, algo))
        else:
            rows.append(directory_row(name, _write_tree(child, algo, put)))
    return write_level(rows, algo, put)


def file_row(name: str, entry: Entry, algo: HashName) -> Row:
    """The row of a file. Raises StoreError when it is named by another hash than its directory."""
    if entry.digest.algo != algo:
        raise StoreError(f"{name} is named by {entry.digest.algo}, and its directory by {algo}.")
    return [name, EXECUTABLE if entry.is_exec else FILE, bytes.fromhex(entry.digest.hex), entry.size, 1]


def directory_row(name: str, artifact: Artifact) -> Row:
    """The row of a sub-directory."""
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


def files_in(cache: Reader, digest: Digest) -> Iterator[tuple[str, Entry]]:
    """Every file of a directory: its path relative to it, and what it is; sorted within each level.

    Raises:
        MissingArtifact: A manifest is not in the cache.
        CorruptArtifact: One is not a manifest.
        UnsafePath: One holds a name that must not be written.
    """
    for path, entry, _ in _walk(cache, digest):
        if entry is not None:
            yield path, entry


def digests_of(cache: Reader, artifact: Artifact) -> Iterator[Digest]:
    """Everything an artifact consists of: files before the manifests that name them, itself last.

    Raises as `files_in`.
    """
    if artifact.digest.is_dir:
        for _, entry, manifest in _walk(cache, artifact.digest):
            yield manifest if entry is None else entry.digest
    else:
        yield artifact.digest


def _walk(cache: Reader, digest: Digest) -> Iterator[tuple[str, Entry | None, Digest]]:
    """Files as (path, entry, its digest); manifest objects, after what they name, as (path, None, its digest)."""
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


def check_names(names: list[str]) -> None:
    """Raises UnsafePath unless each name is one component of a path that may be written."""
    joined = "/".join(names)
    if names and joined.isascii() and joined.count("/") == len(names) - 1 and not _SUSPICIOUS.search(joined):
        return  # the fast way: nothing in it that could be wrong
    for name in names:
        if "/" in name:
            raise UnsafePath(f"The name {name!r} in a manifest cannot be written.")
        disk.check_relative(name)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _refuse(digest: Digest, why: str) -> NoReturn:
    raise CorruptArtifact(f"The manifest {digest} {why}.", "It was not written by assay; add the directory anew.")
