"""How content gets its name: four hashes, one interface.

New artifacts of a native project are named by ``xxh128`` (XXH3, 128 bits: it detects damage, not forgery) or
``sha256``; ``md5`` and ``md5-dos2unix`` are DVC's. xxhash is imported when xxh128 is first asked for, so that a
project on sha256 works without it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from io import FileIO
from typing import Any, BinaryIO, Protocol

from assay.engine.errors import StoreError
from assay.engine.model import HASH_NAMES, HEX_LENGTH, Digest, HashName

CHUNK = 1 << 20
"""Bytes: how much of a file is in memory while it is hashed."""

_HEX = re.compile(r"[0-9a-f]*")
_NOT_TEXT = bytes(sorted(set(range(256)) - {*range(32, 127), *b"\b\f\n\r\t"}))


class Hasher(Protocol):
    """A hash under way."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Takes the next bytes."""

    def digest(self) -> bytes:
        """The value of everything taken so far."""


class Dos2Unix:
    r"""DVC 2's ``md5-dos2unix``: MD5 after ``\r\n`` became ``\n`` in every block of 1 MiB that looks like text.

    A block looks like text when its first 512 bytes hold no NUL and at most 30 % bytes outside printable ASCII.
    Blocks are counted from the start of the file, however the bytes arrive; a pair across two blocks stays.
    """

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._held = bytearray()

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Takes the next bytes."""
        self._held += data
        while len(self._held) >= CHUNK:
            self._md5.update(_unix(bytes(self._held[:CHUNK])))
            del self._held[:CHUNK]

    def digest(self) -> bytes:
        """The value of everything taken so far."""
        done = self._md5.copy()
        done.update(_unix(bytes(self._held)))
        return done.digest()


def _unix(block: bytes) -> bytes:
    head = block[:512]
    odd = len(head) - len(head.translate(None, _NOT_TEXT))
    if b"\0" in head or odd > 0.3 * len(head):
        return block
    return block.replace(b"\r\n", b"\n")


def hasher(algo: HashName) -> Hasher:
    """A new hash under way. Raises StoreError when xxhash is needed and not installed."""
    if algo == "xxh128":
        state: Hasher = _xxhash().xxh3_128()
        return state
    if algo == "sha256":
        return hashlib.sha256()
    if algo == "md5":
        return hashlib.md5(usedforsecurity=False)
    return Dos2Unix()


@cache
def one_shot(algo: HashName) -> Callable[[bytes | memoryview], bytes]:
    """The function that hashes content which is in memory as a whole: the fast way for many small files."""
    if algo == "xxh128":
        fast: Callable[[bytes | memoryview], bytes] = _xxhash().xxh3_128_digest
        return fast
    if algo == "md5":
        return lambda data: hashlib.md5(data, usedforsecurity=False).digest()

    def value(data: bytes | memoryview) -> bytes:
        state = hasher(algo)
        state.update(data)
        return state.digest()

    return value


def _xxhash() -> Any:
    try:
        import xxhash
    except ImportError as error:
        raise StoreError(
            "This project names artifacts by xxh128, which needs the Python package xxhash.",
            "Run `pip install xxhash`.",
        ) from error
    return xxhash


def digest_bytes(algo: HashName, data: bytes | memoryview, *, is_dir: bool = False) -> Digest:
    """The name of content in memory; ``is_dir`` when it is a directory's manifest."""
    return Digest(algo, one_shot(algo)(data).hex(), is_dir)


def digest_stream(algo: HashName, stream: BinaryIO) -> Digest:
    """The name of what is left in a stream, read in bounded memory."""
    state = hasher(algo)
    for chunk in chunks(stream):
        state.update(chunk)
    return Digest(algo, state.digest().hex())


def chunks(stream: BinaryIO | FileIO, size: int = CHUNK) -> Iterator[memoryview]:
    """A stream's content in pieces; each piece is overwritten by the next."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    read_into: Callable[[bytearray], int | None] = stream.readinto  # type: ignore[union-attr]  # all of ours have it
    while count := read_into(buffer):
        yield view[:count]


KEY_FOLDERS: Mapping[HashName, str] = {
    "xxh128": "xxh128/",
    "sha256": "sha256/",
    "md5": "files/md5/",
    "md5-dos2unix": "",
}
"""Below which folder the objects of a hash lie; DVC 3 and DVC 2 chose the last two."""


def object_key(digest: Digest) -> str:
    """Where an object of its own lies, in the cache and on a remote: ``xxh128/ab/cdef...``, ``.dir`` for a manifest."""
    text = digest.hex + ".dir" if digest.is_dir else digest.hex
    return f"{KEY_FOLDERS[digest.algo]}{text[:2]}/{text[2:]}"


def parse_key(key: str) -> Digest | None:
    """The digest that an `object_key` names, or None when it is no such key."""
    for algo, folder in KEY_FOLDERS.items():
        if key.startswith(folder):
            first, _, second = key[len(folder) :].partition("/")
            return None if len(first) != 2 else parse(algo, first + second)
    return None


def parse(algo: str, text: str) -> Digest | None:
    """A digest from its two words (``xxh128``, 32 digits and perhaps ``.dir``), or None when they are none."""
    for name in HASH_NAMES:
        if name == algo:
            value = text.removesuffix(".dir")
            if len(value) == HEX_LENGTH[name] and _HEX.fullmatch(value):
                return Digest(name, value, value != text)
    return None
