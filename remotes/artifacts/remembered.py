"""What was seen to be on a remote with all below it, so that a later push need not look at each file of it again.

What is remembered cannot change, because everything is named by its content: that all below an artifact lies in these
packs and in these objects of their own, and that these indexes speak of the packs. Whether they are there, each with
its size, is asked every time, of the remote; so nothing is believed that a look at every file would not find as well.

Limits: only directories of many files, a few at once. Where the file is gone, damaged or out of date, there is a look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgpack

from assay.engine.errors import AssayError
from assay.engine.model import Digest
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import digest_of, key_of
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.native import INDEXES, PACKS, loose_key, pack_key
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.parallel import each

_FILE = "whole"
_MANY = 500
"""Objects: below fewer, looking is quicker."""
_AT_ONCE = 20
"""Artifacts: when more are sent together, nothing is remembered of them."""
_MOST = 200
"""Artifacts of which something is remembered; the oldest go."""


class _Fact(NamedTuple):
    """Where all below an artifact is: the keys of packs and indexes, and objects of their own, all with their sizes."""

    keys: Mapping[str, int]
    loose: Mapping[Digest, int]


def whole(shelf: Shelf, roots: Collection[Digest]) -> set[Digest]:
    """Those of these artifacts that are remembered, and are there now with all below them. Raises RemoteError."""
    known = shelf.copies.read_many(_FILE)
    facts = {root: fact for root in roots if (fact := _decode(root, known, shelf)) is not None}
    if not facts:
        return set()
    there = {key: size for prefix in (PACKS, INDEXES) for key, size, _ in shelf.store.list(prefix)}
    found = {root: fact for root, fact in facts.items() if fact.keys.items() <= there.items()}
    wanted = {digest for fact in found.values() for digest in fact.loose}
    sizes = dict(each(lambda digest: shelf.store.size(loose_key(digest)), wanted, shelf.jobs))
    for size in sizes.values():
        if isinstance(size, AssayError):
            raise size
    return {root for root, fact in found.items() if fact.loose.items() <= sizes.items()}


def remember(shelf: Shelf, cache: Cache, contents: Contents, roots: Collection[Digest]) -> None:
    """Writes down where these artifacts are, which were found there a moment ago, with all below them.

    Args:
        shelf: The remote, as it was found.
        cache: The artifacts on this side.
        contents: What they consist of.
        roots: The artifacts.
    """
    if len(roots) > _AT_ONCE:
        return
    indexes = shelf.spoken_of()
    facts = {}
    for root in roots:
        seen, closed = contents.walk([root]) if root.is_dir else (set(), set())
        if len(seen) >= _MANY and not closed and (fact := _fact(shelf, cache, indexes, seen)) is not None:
            facts[str(root)] = _encode(root, fact, shelf)
    if facts:
        left = {name: data for name, data in shelf.copies.read_many(_FILE).items() if name not in facts}
        shelf.copies.write_many(_FILE, dict([*left.items(), *facts.items()][-_MOST:]))


def _fact(shelf: Shelf, cache: Cache, indexes: Mapping[str, str], seen: Collection[Digest]) -> _Fact | None:
    keys: dict[str, int] = {}
    loose: dict[Digest, int] = {}
    for pack in {pack for digest in seen if (pack := shelf.pack_of(digest)) is not None}:
        if pack not in indexes:
            return None
        keys[pack_key(pack)] = shelf.pack_size(pack)
        keys[INDEXES + indexes[pack]] = shelf.index_size(indexes[pack])
    for digest in shelf.unpacked(seen):
        size = cache.size(digest)
        if size is None:
            return None
        loose[digest] = size
    return _Fact(keys, loose)


def _encode(root: Digest, fact: _Fact, shelf: Shelf) -> bytes:
    loose = {key_of(digest): size for digest, size in fact.loose.items()}
    data: bytes = msgpack.packb([key_of(root), dict(fact.keys), loose])
    return bytes.fromhex(digest_bytes(shelf.hash_name, data).hex) + data


def _decode(root: Digest, known: Mapping[str, bytes], shelf: Shelf) -> _Fact | None:
    """What is remembered of an artifact; None when nothing is, or not every bit of it is as it was written."""
    value = known.get(str(root), b"")
    length = len(digest_bytes(shelf.hash_name, b"").hex) // 2
    data = value[length:]
    if not data or bytes.fromhex(digest_bytes(shelf.hash_name, data).hex) != value[:length]:
        return None
    try:
        key, keys, loose = msgpack.unpackb(data)
        return _Fact(keys, {digest_of(one): size for one, size in loose.items()}) if key == key_of(root) else None
    except (ValueError, TypeError, AttributeError, IndexError, msgpack.UnpackException):
        return None  # another version of this program wrote it
