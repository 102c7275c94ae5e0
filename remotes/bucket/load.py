"""What a push to a bucket sends: the Git objects that no pack has, as far down in history as is wanted.

The first push of a long history is loaded in layers, the newest commits first, each a pack of its own: whoever clones
with ``--depth`` then need not bring the others, because packs are read whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from assay.engine.errors import GitError
from assay.engine.git.objects import COMMIT
from assay.engine.git.reach import closure
from assay.engine.model import Oid
from assay.engine.ports import ObjectSource
from assay.remotes.bucket.packs import BucketPacks
from assay.remotes.bucket.shallow import BucketShallow, Cut
from assay.remotes.depth import parents_of, starts, within

_LAYERS = (1, 50)
"""Depths at which the first push of a long history is divided."""
_LONG = 100
"""Commits."""


class Load(NamedTuple):
    """What is to be sent.

    Attributes:
        layers: Objects, a pack for each layer; every layer needs nothing but itself and later ones are older.
        cut: Commits whose parents are not there when their layer is, with these parents.
        meanwhile: Whether a later layer brings these parents.
        commits: How many commits there are.
    """

    layers: list[list[Oid]]
    cut: Cut
    meanwhile: bool
    commits: int

    @property
    def oids(self) -> list[Oid]:
        """All objects."""
        return [oid for layer in self.layers for oid in layer]


def load(
    refs: Mapping[str, Oid],
    source: ObjectSource,
    packs: BucketPacks,
    shallow: BucketShallow,
    *,
    here: Collection[Oid] = (),
    depth: int | None = None,
) -> Load:
    """Works out what refs need that is not there.

    Args:
        refs: Full names and values.
        source: The objects on this side.
        packs: Those on the other; refreshed.
        shallow: Where history ends on the other.
        here: Where it ends on this side.
        depth: How many commits of history are wanted there; None for all.

    Raises:
        GitError: What others need of history is neither here nor there, and no depth says that it is not wanted.
    """
    wants = [oid for oid in refs.values() if packs.is_harmed or oid not in packs]
    cut = set(here)
    if depth is not None:
        tips, above = starts(source, refs)
        reach = within(source, tips, depth, here)
        cut |= reach.edge - above
        ends = {oid: parents for oid, parents in shallow.read().items() if oid in reach.inside}
    else:  # a push that was killed between its layers goes on
        ends = {oid: parents for oid, parents in shallow.read().items() if oid in shallow.meanwhile and oid in source}
    for parents in (parents for oid, parents in ends.items() if oid not in here):
        wants += [parent for parent in parents if parent not in packs]
    if not wants:
        return Load([], {}, False, 0)
    if packs.is_harmed:  # then that an object is there does not say that what it needs is
        oids = [oid for oid in closure(source, wants, lambda _: False, shallow=cut) if oid not in packs]
    else:
        oids = list(closure(source, wants, packs.__contains__, shallow=cut))
    if not oids:
        return Load([], {}, False, 0)
    known = set(oids)
    edges = {oid: parents_of(source, oid) for oid in cut & known}
    missing = {
        oid: parents for oid, parents in edges.items() if any(one not in packs and one not in known for one in parents)
    }
    if missing and depth is None:
        raise GitError(
            "This repository is a shallow clone, and the history that others would need is not on the remote either.",
            "Push with --depth to share without it, or fetch the rest with `git fetch --unshallow` first.",
        )
    commits = [oid for oid in oids if source.read(oid)[0] == COMMIT] if packs.is_empty else []
    if depth is None and not here and len(commits) > _LONG:
        return _in_layers(refs, source, oids, len(commits))
    return Load([oids], missing, False, len(commits))


def _in_layers(refs: Mapping[str, Oid], source: ObjectSource, oids: list[Oid], commits: int) -> Load:
    tips, above = starts(source, refs)
    layers: list[list[Oid]] = []
    cuts: dict[Oid, tuple[Oid, ...]] = {}
    sent: set[Oid] = set()
    for depth in _LAYERS:
        edge = within(source, tips, depth).edge - above
        near = [oid for oid in closure(source, refs.values(), lambda _: False, shallow=edge) if oid not in sent]
        layers.append(near)
        sent.update(near)
        cuts.update((oid, parents_of(source, oid)) for oid in edge)
    layers.append([oid for oid in oids if oid not in sent])
    return Load([layer for layer in layers if layer], cuts, True, commits)
