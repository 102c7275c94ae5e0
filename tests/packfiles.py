"""Packs made by hand, so that tests can make them wrong."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path

from assay.engine.git.objects import BLOB, object_id
from assay.engine.git.packindex import IndexEntry, index_bytes
from assay.engine.model import Oid


def header(kind: int, size: int) -> bytes:
    """The beginning of an entry, as the format describes it."""
    out = [kind << 4 | size & 15]
    size >>= 4
    while size:
        out[-1] |= 0x80
        out.append(size & 0x7F)
        size >>= 7
    return bytes(out)


def distance(back: int) -> bytes:
    """The offset of an OFS delta's base, as the format describes it."""
    out = [back & 0x7F]
    while back := back >> 7:
        back -= 1
        out.insert(0, 0x80 | back & 0x7F)
    return bytes(out)


def whole(kind: int, data: bytes) -> bytes:
    """An entry that is not a delta."""
    return header(kind, len(data)) + zlib.compress(data)


def ofs_delta(back: int, delta: bytes) -> bytes:
    """An entry whose base begins ``back`` bytes before it."""
    return header(6, len(delta)) + distance(back) + zlib.compress(delta)


def ref_delta(base: bytes, delta: bytes) -> bytes:
    """An entry whose base has this id."""
    return header(7, len(delta)) + base + zlib.compress(delta)


def insertion(base: bytes, data: bytes) -> bytes:
    """A delta that takes nothing from its base; ``data`` is shorter than 128 bytes, both sizes too."""
    return bytes((len(base), len(data), len(data))) + data


def pack_of(entries: Sequence[bytes], count: int | None = None, version: int = 2) -> bytes:
    """A pack file."""
    body = b"PACK" + struct.pack(">LL", version, len(entries) if count is None else count) + b"".join(entries)
    return body + sha1(body).digest()


def offsets_of(entries: Sequence[bytes]) -> list[int]:
    """Where each entry begins in `pack_of`."""
    offsets = [12]
    for entry in entries:
        offsets.append(offsets[-1] + len(entry))
    return offsets[:-1]


def install(objects: Path, entries: Sequence[bytes], oids: Sequence[bytes]) -> Path:
    """Puts a pack and its index into a folder of objects; returns the path of the pack."""
    pack = pack_of(entries)
    folder = objects / "pack"
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"pack-{pack[-20:].hex()}"
    index = [
        IndexEntry(Oid(oid), offset, zlib.crc32(entry))
        for oid, offset, entry in zip(oids, offsets_of(entries), entries, strict=True)
    ]
    stem.with_suffix(".pack").write_bytes(pack)
    stem.with_suffix(".idx").write_bytes(index_bytes(index, pack[-20:]))
    return stem.with_suffix(".pack")


def install_blobs(objects: Path, *blobs: bytes) -> list[Oid]:
    """A pack of blobs; returns their ids."""
    oids = [object_id(BLOB, blob) for blob in blobs]
    install(objects, [whole(BLOB, blob) for blob in blobs], oids)
    return oids
