"""How much history travels: commits counted from tips downwards, as Git's ``--depth`` counts them.

A commit at the edge keeps its parents' ids but is taken without its parents; whoever has it writes that down, as Git
does in its file ``shallow``. An experiment always comes with the commit it starts from, which is where counting begins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from assay.engine.experiments.chosen import is_experiment
from assay.engine.git.objects import COMMIT, TAG, parse_commit, parse_tag
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource

UNLIMITED = (1 << 31) - 1
"""The depth that means all of history, as in Git."""
_LONGEST = 1000
"""Commits of an experiment that are looked at to find what it starts from."""


class Reach(NamedTuple):
    """The commits within a depth.

    Attributes:
        inside: Those whose parents are wanted too.
        edge: Those whose parents are left out.
    """

    inside: frozenset[Oid]
    edge: frozenset[Oid]


def within(source: ObjectSource, tips: Iterable[Oid], depth: int, cut: Collection[Oid] = ()) -> Reach:
    """Which commits lie within a depth.

    Args:
        source: Where commits are read.
        tips: Commits and tags; they are at depth 1.
        depth: 1 is tips alone.
        cut: Commits whose parents cannot be had.

    Raises:
        MissingObject: One is not there.
    """
    inside: set[Oid] = set()
    edge: set[Oid] = set()
    level = {oid for tip in tips if (oid := _commit(source, tip)) is not None}
    seen = set(level)
    for number in range(1, depth + 1):
        below: set[Oid] = set()
        for oid in level:
            parents = parents_of(source, oid)
            if parents and (number == depth or oid in cut):
                edge.add(oid)
            else:
                inside.add(oid)
                below.update(parents)
        level = below - seen
        seen |= level
        if not level:
            break
    return Reach(frozenset(inside), frozenset(edge))


def starts(source: ObjectSource, refs: Mapping[str, Oid]) -> tuple[set[Oid], set[Oid]]:
    """Where counting begins for refs, and the commits of experiments above it, which come anyway."""
    tips: set[Oid] = set()
    above: set[Oid] = set()
    for name, oid in refs.items():
        own = _own(source, name, oid) if is_experiment(name) else []
        above.update(own)
        tips.update(parents_of(source, own[-1]) if own else (oid,))
    return tips, above


def _own(source: ObjectSource, name: str, oid: Oid) -> list[Oid]:
    """The commits of an experiment down to its baseline, which is not among them."""
    baseline = "".join(name.split("/")[2:4])
    found: list[Oid] = []
    while oid.hex() != baseline and len(found) < _LONGEST:
        found.append(oid)
        parents = parents_of(source, oid)
        if not parents:
            break
        oid = parents[0]
    return found if oid.hex() == baseline else found[:1]


def parents_of(source: ObjectSource, oid: Oid) -> tuple[Oid, ...]:
    """A commit's parents; none for other objects."""
    kind, data = source.read(oid)
    return parse_commit(data).parents if kind == COMMIT else ()


def _commit(source: ObjectSource, oid: Oid) -> Oid | None:
    """The commit that a tag or a commit means; None for other objects."""
    kind, data = source.read(oid)
    while kind == TAG:
        oid = parse_tag(data)[0]
        kind, data = source.read(oid)
    return oid if kind == COMMIT else None
