"""History in the order in which people read it: newest first, over all branches at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from heapq import heapify, heappop, heappush

from assay.engine.git.database import ObjectDatabase
from assay.engine.model import Oid


def newest_first(database: ObjectDatabase, starts: Iterable[Oid], *, shallow: Collection[Oid] = ()) -> Iterator[Oid]:
    """These commits and all before them, each once, newest first by the committer's time.

    Args:
        database: Where they are.
        starts: Where to begin.
        shallow: Commits whose parents are left out.

    Raises:
        MissingObject: One is not there.
    """
    seen = set(starts)
    heap = [(-database.read_commit(oid).committer.time, oid) for oid in seen]
    heapify(heap)
    while heap:
        oid = heappop(heap)[1]
        yield oid
        for parent in () if oid in shallow else database.read_commit(oid).parents:
            if parent not in seen:
                seen.add(parent)
                heappush(heap, (-database.read_commit(parent).committer.time, parent))
