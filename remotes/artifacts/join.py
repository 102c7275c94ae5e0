"""Many small packs on a remote become one, so that a clone after a thousand pushes asks for few.

A push that has added one and finds many writes one of all that the smallest hold, then an index that speaks of it.
Readers take each object from the largest pack that has it, so the old ones are left alone from then on, and nothing
that was there is missing at any moment: they stay, described as before, until a collection takes them in two phases.

Each join makes the pack that a byte lies in at least twice as large, or so large that it is no small one any more. So a
byte is sent again a few times, not with every join, and where two pushes do the same at once, both packs are right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.events import Reporter
from assay.engine.store.cache import Cache
from assay.engine.store.pack import PackWriter, key_of
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.download import Download
from assay.remotes.artifacts.native import pack_key
from assay.remotes.artifacts.shelf import Shelf, Shelved
from assay.remotes.artifacts.upload import put_pack
from assay.remotes.collect.guard import renewed

MANY = 50
_SMALL_PACK = 4_000_000
"""Bytes: smaller packs are joined when there are many."""
_AT_ONCE = 32_000_000


def joinable(sizes: Sequence[int]) -> int:
    """How many packs become one, the smallest of them; 0 where it is not worth it.

    Args:
        sizes: Their lengths in bytes, in order.
    """
    small = [size for size in sizes if size < _SMALL_PACK]
    count = total = 0
    for place, size in enumerate(small, 1):
        if total + size > _AT_ONCE:
            count = place - 1
            break
        if size <= total:
            count = place
        total += size
    return count if len(small) > MANY and count > 1 else 0


def join_small(shelf: Shelf, cache: Cache, report: Reporter) -> None:
    """Makes one pack of many small ones, where there are many. What fails costs only time: a later push tries again.

    Args:
        shelf: What the remote has.
        cache: The artifacts on this side, which need not come.
        report: Where progress goes.
    """
    names = shelf.in_use()
    chosen = names[: joinable([shelf.pack_size(name) for name in names])]
    if not chosen:
        return
    with suppress(AssayError, OSError), _scratch(cache) as came:
        wanted = {digest for name in chosen for digest in shelf.digests_in(name)}
        lacking = {digest for digest in wanted if not cache.has(digest)}  # nothing comes back from the trash for this
        failed = Download(came, shelf, Contents(came), report).bring(lacking).failed
        whole = [name for name in chosen if failed.keys().isdisjoint(shelf.digests_in(name))]
        if len(whole) < 2:
            return
        pack = PackWriter(came.tmp(), cache.algo)
        try:
            # What a push sent together lies together, as readers will want it.
            for digest in dict.fromkeys(digest for name in whole for digest in shelf.digests_in(name)):
                pack.add(key_of(digest), (came if digest in lacking else cache).read(digest))
            pack.finish()
            _publish(pack, shelf)
        finally:
            pack.drop()


def _publish(pack: PackWriter, shelf: Shelf) -> None:
    """Sends a pack, then says what it holds; sends it again when a collection began meanwhile that takes it away."""
    size = os.stat(pack.path).st_size

    def send() -> None:
        if shelf.store.size(pack_key(pack.id)) != size:
            put_pack(shelf, pack.path, pack.id)

    renewed(shelf.store)
    send()
    shelf.refresh()  # meanwhile somebody may have collected what an index would speak of again
    shelf.add({pack.id: Shelved(pack.id, size, pack.entries)})
    while renewed(shelf.store):
        send()


@contextmanager
def _scratch(cache: Cache) -> Iterator[Cache]:
    """A cache that is gone afterwards."""
    path = disk.temp_name(cache.tmp())
    try:
        yield Cache(path, cache.algo)
    finally:
        disk.remove_tree(path)
