"""Packs: many small objects in one file that is named by its own digest.

docs/formats.md, "Packs", has the bytes. A pack proves itself (`check_pack` needs nothing but the file and its
name) and is never changed. `read_entries` believes a table of contents only as far as its shape goes; whoever
reads an object hashes it.

Keys: inside the cache an object is known by bytes, one for the algorithm (its place in `HASH_NAMES`), the
binary digest, and ``.dir`` for a manifest. They are what dictionaries of a hundred thousand objects are made of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgpack

from assay.engine import disk
from assay.engine.errors import CorruptArtifact
from assay.engine.model import HASH_NAMES, HEX_LENGTH, Digest, HashName
from assay.engine.store.digest import CHUNK, hasher, one_shot

HEADER = b"ASSAYPK\x01"
FOOTER = b"ASSAYIX\x01"
LIMIT = 64 << 20
"""Bytes of bodies after which a writer begins another pack."""

_TAGS: Mapping[str, bytes] = {name: bytes([place]) for place, name in enumerate(HASH_NAMES)}
_KEY_LENGTHS: Mapping[str, tuple[int, int]] = {
    name: (HEX_LENGTH[name] // 2, HEX_LENGTH[name] // 2 + 4) for name in HASH_NAMES
}
_ID_ALGOS: Mapping[int, HashName] = {32: "xxh128", 64: "sha256"}

Entries = dict[bytes, tuple[int, int]]
"""Where a pack's objects lie: key to offset and length."""


class PackInfo(NamedTuple):
    """A pack in the cache: its id, absolute path and size in bytes."""

    id: str
    path: str
    size: int


def key_of(digest: Digest) -> bytes:
    """The key of a digest."""
    key = _TAGS[digest.algo] + bytes.fromhex(digest.hex)
    return key + b".dir" if digest.is_dir else key


def digest_of(key: bytes) -> Digest:
    """The digest that a key names."""
    algo = HASH_NAMES[key[0]]
    size = HEX_LENGTH[algo] // 2 + 1
    return Digest(algo, key[1:size].hex(), len(key) > size)


def pack_algo(pack_id: str) -> HashName | None:
    """The hash that a pack is named by, or None when this is no pack's id."""
    if pack_id.strip("0123456789abcdef"):
        return None
    return _ID_ALGOS.get(len(pack_id))


def check_object(key: bytes, data: bytes | memoryview) -> bool:
    """Whether these bytes are what the key says."""
    algo = HASH_NAMES[key[0]]
    value = one_shot(algo)(data)
    return key[1 : 1 + len(value)] == value


class PackWriter:
    """Writes one pack, holding no more than a few MiB of it in memory.

    Args:
        folder: Where the temporary file lies; on the file system of the packs.
        algo: The hash of what goes into it; the pack is named by it too, or by xxh128 where that names no packs.
    """

    def __init__(self, folder: str, algo: HashName) -> None:
        self.entries: Entries = {}
        self.id = ""
        self._file = disk.NewFile(folder, 0o444)
        self._state = hasher(algo if algo in _ID_ALGOS.values() else "xxh128")
        self._held: list[bytes] = [HEADER]
        self._held_size = self._size = len(HEADER)

    def add(self, key: bytes, data: bytes) -> None:
        """Appends an object that the pack does not hold yet."""
        size = len(data)
        self.entries[key] = (self._size, size)
        self._held.append(data)
        self._size += size
        self._held_size += size
        if self._held_size >= CHUNK:
            self._flush()

    @property
    def path(self) -> str:
        """Where the file lies until it is published."""
        return self._file.path

    @property
    def is_full(self) -> bool:
        """Whether the next object belongs into another pack."""
        return self._size >= LIMIT

    def _flush(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        self._held_size = 0
        self._state.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Writes the table of contents and closes the file; it has its id now, but no name yet."""
        table = encode_table(self.entries)
        self._held += (table, len(table).to_bytes(8, "big"), FOOTER)
        self._flush()
        self._file.close()
        self.id = self._state.digest().hex()

    def sync(self) -> None:
        """Makes the content survive a power cut; before `finish` closes the file it would be incomplete."""
        fd = os.open(self._file.path, os.O_RDONLY)
        try:
            disk.fsync_fd(fd, self._file.path)
        finally:
            os.close(fd)

    def publish(self, folder: str) -> None:
        """Gives the finished pack its name."""
        self._file.publish(f"{folder}/{self.id}.pack")

    def drop(self) -> None:
        """Removes what was written; nothing once it is published."""
        self._file.__exit__(None, None, None)


def encode_table(entries: Entries) -> bytes:
    """The table of contents, canonical."""
    rows = [(HASH_NAMES[key[0]], key[1:], offset, size) for key, (offset, size) in entries.items()]
    rows.sort()
    packed: bytes = msgpack.packb(rows)
    return packed


def read_entries(path: str) -> Entries:
    """A pack's table of contents, from its last bytes.

    Raises:
        CorruptArtifact: It has no table of contents, or one that does not fit it.
        OSError: The file cannot be read.
    """
    return _entries(path, *_table(path))


def _table(path: str) -> tuple[bytes, int]:
    """The bytes of the table of contents, and where they begin."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        tail = os.pread(file.fileno(), min(size, 65536), max(0, size - 65536))
        length = int.from_bytes(tail[-16:-8], "big")
        start = size - 16 - length
        if os.pread(file.fileno(), 8, 0) != HEADER or tail[-8:] != FOOTER or start < len(HEADER):
            raise _damaged(path, "its beginning or end is missing")
        if length > len(tail) - 16:
            tail = _pread(file.fileno(), length + 16, start)
    return tail[-16 - length : -16], start


def _pread(fd: int, size: int, offset: int) -> bytes:
    parts = []
    while size > 0 and (part := os.pread(fd, size, offset)):
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)


def _entries(path: str, table: bytes, end: int) -> Entries:
    try:
        rows = msgpack.unpackb(table, use_list=False)
        entries, total = _rows(rows, end)
    except (ValueError, TypeError, KeyError, msgpack.UnpackException) as error:
        raise _damaged(path, "its table of contents cannot be read") from error
    if total != end - len(HEADER) or len(entries) != len(rows):
        raise _damaged(path, "its table of contents does not fit its size")
    return entries


def _rows(rows: Any, end: int) -> tuple[Entries, int]:
    entries: Entries = {}
    total = 0
    for algo, raw, offset, size in rows:
        if len(raw) not in _KEY_LENGTHS[algo] or type(raw) is not bytes:
            raise ValueError
        if type(offset) is not int or type(size) is not int or size < 0 or not len(HEADER) <= offset <= end - size:
            raise ValueError
        entries[_TAGS[algo] + raw] = (offset, size)
        total += size
    return entries, total


def objects(path: str, entries: Entries) -> Iterator[tuple[bytes, bytes]]:
    """Keys and bodies in the order of the file. Bodies are not verified. Raises OSError."""
    with open(path, "rb") as file:
        for key, (offset, size) in sorted(entries.items(), key=_by_offset):
            file.seek(offset)
            yield key, file.read(size)


def _by_offset(item: tuple[bytes, tuple[int, int]]) -> tuple[int, int]:
    return item[1]


def check_pack(path: str, pack_id: str, progress: Callable[[int], None] | None = None) -> Entries:
    """Reads every byte of a pack and returns its entries when all of it is what it says.

    Args:
        path: The file, under whatever name.
        pack_id: The name it should have.
        progress: Called with the size of each object that was read.

    Raises:
        CorruptArtifact: The file is not that pack, or an object in it is not what its entry says.
        OSError: The file cannot be read.
    """
    algo = pack_algo(pack_id)
    if algo is None:
        raise _damaged(path, f"{pack_id!r} is not the name of a pack")
    table, end = _table(path)
    entries = _entries(path, table, end)
    state = hasher(algo)
    wrong = None
    with open(path, "rb") as file:
        state.update(file.read(len(HEADER)))
        place = len(HEADER)
        for key, (offset, size) in sorted(entries.items(), key=_by_offset):
            data = file.read(size)
            state.update(data)
            if offset != place or not check_object(key, data):
                wrong = wrong or key
            place += size
            if progress is not None:
                progress(size)
        while rest := file.read(CHUNK):
            state.update(rest)
    if state.digest().hex() != pack_id:
        raise _damaged(path, f"its content is not {pack_id}")
    if wrong is not None:
        raise _damaged(path, f"the object {digest_of(wrong)} in it is another one")
    if table != encode_table(entries):
        raise _damaged(path, "its table of contents is not in the one form that it can have")
    return entries


def _damaged(path: str, why: str) -> CorruptArtifact:
    return CorruptArtifact(f"The pack {path} is damaged: {why}.", "Run `assay pull` to fetch what it held again.")
