"""Git in a bucket: objects as packs, refs as small files (docs/formats.md, "Remote layout").

What is sent goes in the order pack, index, refs, so that no reader ever meets a name whose objects are not there. What
is fetched is walked from the wanted commits down: each object that is missing here is looked up in the packs'
indexes, and the packs that have it are brought, checked and added.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol

from assay.engine.errors import CorruptRemote, KeyMissing, MissingObject
from assay.engine.events import Note, Reporter, silent
from assay.engine.git.reach import closure
from assay.engine.model import HashName, Oid
from assay.engine.ports import Clock, Ids, ObjectSource, PackSink, RefResult, RefUpdate, RemoteStore
from assay.engine.words import counted
from assay.remotes.bucket.join import join_small
from assay.remotes.bucket.load import Load, load
from assay.remotes.bucket.packs import BucketPacks, PackTo
from assay.remotes.bucket.refs import BucketRefs
from assay.remotes.bucket.shallow import BucketShallow
from assay.remotes.collect.guard import renewed
from assay.remotes.copies import Copies
from assay.remotes.depth import parents_of, within
from assay.remotes.moves import why_not

_LOOKS = 3
_WORTH_SAYING = 20
"""Commits of history; so few are sent without a word about sending less."""


class Here(Protocol):
    """Where history ends on this side: what a shallow clone knows, and a transport changes."""

    @property
    def shallow(self) -> frozenset[Oid]:
        """The commits whose parents are not here."""

    def change_shallow(self, more: Collection[Oid], fewer: Collection[Oid]) -> None:
        """Writes down that of some commits the parents are not here, of others they are here now."""


class BucketTransport:
    """The Git objects and refs of a remote store.

    Args:
        store: The bucket.
        hash_name: The hash that the remote's marker names.
        copies: Local copies of its indexes and statements.
        folder: Where packs lie while they come or go; on the file system of the repository.
        pack_to: Writes a pack of objects of the local repository.
        clock: When.
        ids: Nonces.
        here: Where history ends on this side.
        jobs: How many transfers at once.
        report: Where progress goes.

    Attributes:
        objects: How many objects have travelled so far; ``size`` likewise in bytes.
        depth: How many commits of history are to travel; None for all there are, and on their way here for what is
            wanted of them.
    """

    def __init__(
        self,
        store: RemoteStore,
        hash_name: HashName,
        copies: Copies,
        folder: str,
        pack_to: PackTo,
        clock: Clock,
        ids: Ids,
        *,
        here: Here,
        jobs: int = 8,
        report: Reporter = silent,
    ) -> None:
        self.objects = 0
        self.size = 0
        self.depth: int | None = None
        self._here = here
        self._store = store
        self._folder = folder
        self._packs = BucketPacks(store, copies, folder, jobs, report)
        self._refs = BucketRefs(store, copies, hash_name, clock, ids, jobs)
        self._shallow = BucketShallow(store, copies, hash_name, jobs)
        self._pack_to = pack_to
        self._report = report

    @property
    def url(self) -> str:
        """The store's."""
        return self._store.url

    @property
    def damaged(self) -> Mapping[str, str]:
        """What was found damaged so far, by key, with a sentence."""
        return {**self._packs.damaged, **self._refs.damaged, **self._shallow.damaged}

    @property
    def damaged_refs(self) -> Mapping[str, str]:
        """Those of ``damaged`` that hide refs, so that something may be missing from `refs`."""
        return dict(self._refs.damaged)

    def head(self) -> str | None:
        """The branch that HEAD names there."""
        return self._refs.head()

    def refs(self, prefixes: Sequence[str]) -> Mapping[str, Oid]:
        """The refs whose names start with one of the prefixes; damaged ones are left out and noted in ``damaged``."""
        return self._refs.read(prefixes).values

    def fetch(
        self, wants: Iterable[Oid], have: ObjectSource, into: PackSink, *, complete: Callable[[Oid], bool]
    ) -> int:
        """Brings everything that ``wants`` need and ``have`` lacks.

        Raises:
            CorruptRemote: An object is in no pack, or a pack is damaged.
        """
        tips = list(wants)
        missing = [oid for oid in tips if not complete(oid)]
        if not missing and self.depth is None:
            return 0
        self._packs.refresh()
        source = _Bringing(self._packs, have, into)
        source.bring([oid for oid in missing if oid not in have])
        cut, uncut = self._cut_there(complete), frozenset[Oid]()
        if self.depth is not None:
            reach = within(source, tips, self.depth, cut)
            uncut = reach.inside & self._here.shallow
            missing += [parent for oid in uncut for parent in parents_of(source, oid)]
            cut |= reach.edge
        came = set()
        for oid in closure(source, missing, complete, shallow=cut):
            if oid not in have:
                source.bring([oid])
            if oid in cut:
                came.add(oid)
        self._here.change_shallow(came, uncut)
        self.objects += source.objects
        self.size += source.size
        return source.size

    @property
    def packs(self) -> BucketPacks:
        """The packs there."""
        return self._packs

    def everything(self, wants: Sequence[Oid], have: ObjectSource, into: PackSink) -> tuple[set[Oid], frozenset[Oid]]:
        """All that ``wants`` need as far as history goes there, brought where it is not here; and where history ends.

        Raises:
            CorruptRemote: Something of it is neither here nor there.
        """
        self._packs.refresh()
        source = _Bringing(self._packs, have, into)
        source.bring([oid for oid in wants if oid not in have])
        cut = self._cut_there(lambda _: False)
        found = set()
        for oid in closure(source, wants, lambda _: False, shallow=cut):
            if oid not in have:
                source.bring([oid])
            found.add(oid)
        return found, frozenset(cut)

    def _cut_there(self, complete: Callable[[Oid], bool]) -> set[Oid]:
        """The commits whose parents are neither there nor here."""
        cut = self._shallow.read()
        return {oid for oid, olds in cut.items() if any(old not in self._packs and not complete(old) for old in olds)}

    def unsent(self, wants: Sequence[Oid], source: ObjectSource) -> Sequence[Oid]:
        """The objects that `push` would send for refs with these values."""
        self._packs.refresh()
        return self._load({oid.hex(): oid for oid in wants}, source).oids

    def push(self, updates: Sequence[RefUpdate], source: ObjectSource) -> list[RefResult]:
        """Sends the objects that the new values need, then moves each ref."""
        known = self._refs.read([update.refname for update in updates])
        problems = {}
        for update in updates:
            if problem := why_not(update, known.values.get(update.refname), source, shallow=self._here.shallow):
                problems[update.refname] = problem
        good = [update for update in updates if update.refname not in problems]
        wanted = {update.refname: update.new for update in good if update.new is not None}
        self._send(wanted, source)
        if good and renewed(self._store):  # what was there may be about to go
            self._send(wanted, source)
        moved = {result.refname: result.problem for result in self._refs.move(good, known)}
        for update in good:
            if update.refname.startswith("refs/heads/") and not moved[update.refname]:
                self._refs.set_head(update.refname)
        self._packs.tidy()
        join_small(self._packs, self._folder)
        return [RefResult(update.refname, {**moved, **problems}[update.refname]) for update in updates]

    def confirm(self, refs: Mapping[str, Oid], source: ObjectSource) -> None:
        """Sends what refs need, which are there already, and is not there any more. Raises AssayError."""
        self._send(refs, source)
        for name in refs:
            if name.startswith("refs/heads/"):
                self._refs.set_head(name)

    def deepen(self, refs: Mapping[str, Oid], source: ObjectSource) -> None:
        """Sends what of the history of refs, which are there, lies within the depth and was left out before."""
        self._send(refs, source)

    def close(self) -> None:
        """Nothing of its own is open: the store belongs to whoever opened it."""

    def _send(self, refs: Mapping[str, Oid], source: ObjectSource) -> None:
        self._packs.refresh()
        is_first = self._packs.is_empty
        going = self._load(refs, source)
        with ExitStack() as stack:
            built = [stack.enter_context(self._packs.build(layer, self._pack_to)) for layer in going.layers]
            if is_first and built:
                self._tell_first(going, sum(one.size for one in built))
            if going.cut:
                self._shallow.write(going.cut, meanwhile=going.meanwhile)
            for one in built:
                self._packs.put(one)
                self.objects += one.objects
                self.size += one.size

    def _load(self, refs: Mapping[str, Oid], source: ObjectSource) -> Load:
        return load(refs, source, self._packs, self._shallow, here=self._here.shallow, depth=self.depth)

    def _tell_first(self, going: Load, size: int) -> None:
        objects, commits = counted(len(going.oids), "Git object"), counted(going.commits, "commit")
        offer = "" if self.depth is not None or going.commits < _WORTH_SAYING else "; `push --depth N` sends less of it"
        self._report(Note(f"First push to {self.url}: {objects}, {commits} of history, {_amount(size)}{offer}."))


class _Bringing:
    """Objects that are fetched when they are asked for."""

    def __init__(self, packs: BucketPacks, have: ObjectSource, into: PackSink) -> None:
        self.objects = 0
        self.size = 0
        self._packs = packs
        self._have = have
        self._into = into

    def __contains__(self, oid: object) -> bool:
        return oid in self._have

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """The object, brought if need be."""
        try:
            return self._have.read(oid)
        except MissingObject:
            self.bring([oid])
        return self._have.read(oid)

    def bring(self, oids: Sequence[Oid]) -> None:
        """Fetches the packs that hold these objects; anew when one went away meanwhile, since another holds them then.

        Raises:
            CorruptRemote: One of them is not there afterwards.
        """
        for _ in range(_LOOKS):
            try:
                self._bring_all([oid for oid in oids if oid not in self._have])
                break
            except KeyMissing:
                self._packs.refresh()
        for oid in oids:
            if oid not in self._have:
                raise CorruptRemote(
                    f"The remote has lost the Git object {oid.hex()}.",
                    "Push again from a repository that has it.",
                )

    def _bring_all(self, oids: Sequence[Oid]) -> None:
        self._bring(name for oid in oids if (name := self._packs.find(oid)) is not None)
        if any(oid not in self._have for oid in oids):
            self._bring(self._packs.unknown())

    def _bring(self, names: Iterable[str]) -> None:
        objects, size = self._packs.bring(names, self._into)
        self.objects += objects
        self.size += size


def _amount(size: float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
