"""What a server surely has, found out from the refs it shows and the history that is here.

A server has each ref it shows with all that this needs, and so everything in the history of those that are here, too.
That history is walked only as far back as the commits that somebody asks about, by their dates, and not at all for one
whose parent is known to be there. So the answer may be no for a commit that is there, which costs bytes and does no
harm.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from heapq import heappop, heappush

from assay.engine.errors import AssayError
from assay.engine.experiments.chosen import EXPERIMENTS
from assay.engine.git.objects import COMMIT, TAG, CommitInfo, parse_commit, parse_tag
from assay.engine.git.repository import Repository
from assay.engine.model import Oid

_SLACK = 86400  # seconds that clocks may differ without any cost


class SurelyThere:
    """Answers for commits and tags; of trees and files it knows nothing and says no.

    Args:
        here: The repository on this side.
        shown: The refs of the server, by name.
        others: What else the server says that it has.
        shallow: Commits whose parents the server does not have.
    """

    def __init__(
        self,
        here: Repository,
        shown: Mapping[str, Oid],
        others: Iterable[Oid] = (),
        shallow: Collection[Oid] = (),
    ) -> None:
        self._here = here
        self._shown = shown
        self._edge = {*shallow, *here.shallow}
        self._known = {*shown.values(), *others}
        self._heap: list[tuple[int, Oid]] = []
        self._open: set[Oid] = set()
        self._tips = [*(oid for name, oid in shown.items() if not name.startswith(EXPERIMENTS)), *others]

    def __call__(self, oid: Oid) -> bool:
        """Whether the server has the commit with all that it needs."""
        if oid in self._known:
            return True
        found = self._commit(oid)
        if found is None or not self._known.isdisjoint(found[1].parents):
            return False
        self._start(self._tips)
        self._tips.clear()
        self._start(self._of_baseline.pop(oid.hex(), ()))
        self._walk(found[1].committer.time - _SLACK)
        return oid in self._known

    @cached_property
    def _of_baseline(self) -> dict[str, list[Oid]]:
        """The experiments there by what their refs call their baseline: where a walk back from them may end soon."""
        found: dict[str, list[Oid]] = {}
        for name, oid in self._shown.items():
            if name.startswith(EXPERIMENTS):
                found.setdefault(name[10:12] + name[13:51], []).append(oid)
        return found

    def _walk(self, until: int) -> None:
        """Goes back, the youngest commits first, to those of a time in seconds since 1970."""
        while self._heap and -self._heap[0][0] >= until:
            oid = heappop(self._heap)[1]
            found = self._commit(oid)
            if found is not None and oid not in self._edge:
                self._start(found[1].parents)

    def _start(self, oids: Iterable[Oid]) -> None:
        """Notes that the server has these commits, and that to go on from there is still to be done."""
        for oid in oids:
            found = self._commit(oid)
            if found is not None and found[0] not in self._open:
                self._open.add(found[0])
                self._known.add(found[0])
                heappush(self._heap, (-found[1].committer.time, found[0]))

    def _commit(self, oid: Oid) -> tuple[Oid, CommitInfo] | None:
        """A commit, or the one that a tag names, and what it says; None where it is not here."""
        try:
            for _ in range(10):
                if oid not in self._here.objects:
                    return None
                kind, data = self._here.objects.read(oid)
                if kind != TAG:
                    return (oid, parse_commit(data)) if kind == COMMIT else None
                oid = parse_tag(data)[0]
        except AssayError:  # damaged here, so nothing can be concluded from it
            pass
        return None
