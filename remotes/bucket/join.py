"""Many small Git packs in a bucket become one, so that a clone after a thousand pushes asks for few files.

They are brought into a scratch database on this side, checked there object by object as always, and sent as one pack;
then a file says that it makes them needless. Nothing that was there is missing at any moment, and where two pushes do
the same at once, both packs are right.

Limit: so much at once as is brought in a moment; the rest is left to a later push.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.git.database import ObjectDatabase
from assay.remotes.bucket.packs import BucketPacks

MANY = 50
_AT_ONCE = 32_000_000


def join_small(packs: BucketPacks, folder: str) -> None:
    """Makes one pack of many small ones, where there are many. What fails costs only time: a later push tries again.

    Args:
        packs: The packs, as they are now.
        folder: Where scratch files lie.
    """
    names = packs.small()
    if len(names) <= MANY:
        return
    chosen, size = [], 0
    for name in names:
        size += packs.size(name)
        if size > _AT_ONCE:
            break
        chosen.append(name)
    if len(chosen) < 2:
        return
    with suppress(AssayError), _scratch(folder) as database:
        packs.bring(chosen, database)
        oids = dict.fromkeys(oid for name in chosen for oid in packs.oids(name))
        sent = packs.send(oids, database.pack_to)
        if sent.name not in chosen:
            packs.replace(chosen, sent.name)


@contextmanager
def _scratch(folder: str) -> Iterator[ObjectDatabase]:
    """A database that is gone afterwards."""
    path = disk.temp_name(folder)
    database = ObjectDatabase(path)
    try:
        yield database
    finally:
        database.close()
        disk.remove_tree(path)
