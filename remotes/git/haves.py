"""What to tell a server that is here, so that it sends no more than what is missing.

One message must do, so the list is short and likely: first the baselines of the experiments that are wanted, which the
server surely has; where these are not here, what branches and tags name, and what lies before it, the youngest first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from heapq import heapify, heappop, heappush
from itertools import islice

from assay.engine.errors import AssayError
from assay.engine.experiments.chosen import is_experiment
from assay.engine.git.repository import Repository
from assay.engine.model import Oid, start_of

_SURE, _GUESSED = 2000, 256  # commits; each costs a line of 50 bytes, and the server a look


def haves(
    here: Repository, wants: Collection[Oid], shown: Mapping[str, Oid], complete: Callable[[Oid], bool]
) -> list[Oid]:
    """Commits that are here with all that they need, the most useful first.

    Args:
        here: The repository on this side.
        wants: What is to be fetched.
        shown: Refs of the server, by name.
        complete: Says of a commit that it is here with all that it needs.
    """
    baselines: dict[Oid, bool] = {}
    covered = set()
    for name, oid in shown.items():
        if oid in wants and is_experiment(name):
            baseline = start_of(name)
            if baseline is not None and baseline not in baselines:
                baselines[baseline] = complete(baseline)
            if baseline is not None and baselines[baseline]:
                covered.add(oid)
    found = [baseline for baseline, is_here in baselines.items() if is_here][:_SURE]
    if len(covered) < len(set(wants)) or len(found) == _SURE:
        found += islice((oid for oid in _history(here, complete) if not baselines.get(oid)), _GUESSED)
    return found


def _history(here: Repository, complete: Callable[[Oid], bool]) -> list[Oid]:
    """The commits that HEAD, branches and tags name and that are complete, and what lies before them."""
    refs = here.refs
    tips = {oid for prefix in ("refs/heads/", "refs/remotes/", "refs/tags/") for _, oid in refs.iterate(prefix)}
    head = here.head()
    seen = {*tips, *([head] if head is not None else [])}
    heap = [(-_time(here, oid), oid) for oid in seen if complete(oid)]
    heapify(heap)
    found: list[Oid] = []
    while heap and len(found) < _GUESSED:
        oid = heappop(heap)[1]
        found.append(oid)
        for parent in _parents(here, oid):
            if parent not in seen:
                seen.add(parent)
                heappush(heap, (-_time(here, parent), parent))
    return found


def _time(here: Repository, oid: Oid) -> int:
    try:
        return here.objects.read_commit(oid).committer.time
    except AssayError:  # a tag, which says nothing that the commit does not
        return 0


def _parents(here: Repository, oid: Oid) -> tuple[Oid, ...]:
    try:
        return () if oid in here.shallow else here.objects.read_commit(oid).parents
    except AssayError:
        return ()
