"""Mends a remote from what this side has: damaged things are moved aside there, and sound ones sent again.

Nothing is deleted on the remote before its bytes lie below ``quarantine/``, and nothing is overwritten. What is sent is
sent in the order of every push (law 1): objects, packs, indexes, Git packs, refs. A pack that is gone leaves its Git
index behind for as long as something in it is missing, so that whoever pushes next looks at everything again. Doing it
twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from assay.engine.errors import AssayError, CorruptArtifact, KeyMissing, RemoteError
from assay.engine.experiments.fsck import Bad, Checked
from assay.engine.git.connected import Connected
from assay.engine.git.packindex import index_bytes
from assay.engine.git.reach import closure
from assay.engine.model import Digest, Oid
from assay.engine.ports import RefUpdate
from assay.engine.project import Project
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import check_object, digest_of, objects, read_entries
from assay.remotes.artifacts import native
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.runs import checked as checked_run
from assay.remotes.artifacts.shelf import Shelved, encode
from assay.remotes.bucket.packs import BucketPacks
from assay.remotes.bucket.refs import BucketRefs
from assay.remotes.layouts import bucket, copies_of, holdings
from assay.remotes.named import is_sound
from assay.remotes.registry import Remote
from assay.remotes.repair.check_data import Way
from assay.remotes.repair.damage import QUARANTINE, Damage, NoCopies
from assay.remotes.repair.fsck import Found, look, makers, told
from assay.remotes.verify import CheckedFile, Received

_KEPT = {"statement": "statements", "tags and notes": "notes"}
"""Under which name copies are kept of files that nothing else says again."""


class Side(NamedTuple):
    """Both sides of the mending."""

    project: Project
    remote: Remote
    way: Way
    found: Found


def mend(project: Project, remote: Remote, way: Way, found: Found, bad: Iterable[Bad]) -> Checked:
    """Mends what can be mended, and looks again.

    Args:
        project: The project on this side.
        remote: The other side.
        way: How it is read.
        found: What was found there.
        bad: The same for people.

    Returns:
        What was bad, and whether it is in order now; what is not says who could mend it.

    Raises:
        RemoteError: The remote refuses.
    """
    side = Side(project, remote, way, found)
    unsaid = {damage.key for damage in found.damages if not _can_say(side, damage)}
    for damage in found.damages:
        if damage.kind == "pack" and not damage.is_gone:
            _salvage(side, damage)
    for damage in found.damages:
        if not damage.is_gone and damage.key not in unsaid and not damage.key.startswith("refs/"):
            set_aside(way, damage.key)
    if any(damage.kind == "marker" for damage in found.damages):
        way.store.put(native.MARKER, native.marker(project.layout.hash_name))
    _send_artifacts(side)
    _send_objects(side)
    for damage in found.damages:
        if damage.key not in unsaid:
            _say_again(side, damage)
    way.store.settle()
    after = look(project, remote, way._replace(fast=True))
    after = _put_in_order(side._replace(found=after))
    return Checked(tuple(_after(side, one, after, unsaid) for one in bad), len(after.lost))


def _salvage(side: Side, damage: Damage) -> None:
    """Takes from a damaged pack what in it is sound and not here."""
    cache, wanted = side.project.cache, side.project.cache.missing(damage.artifacts)
    if not wanted:
        return
    with Received(side.way.folder, sha256, "", damage.key) as received, suppress(KeyMissing, CorruptArtifact):
        side.way.store.get_to(damage.key, received)
        path = received.finished()
        for key, data in objects(path, read_entries(path)):
            if digest_of(key) in wanted and check_object(key, data):
                with cache.receive(digest_of(key)) as sink:
                    sink.write(data)


def set_aside(way: Way, key: str) -> None:
    """Moves a key below the quarantine: it is there, whole, before it goes here. What is gone already is no error."""
    with Received(way.folder, sha256, "", key) as received, suppress(KeyMissing):
        way.store.get_to(key, received)
        path = received.finished()
        name = f"{QUARANTINE}{key}.{received.sum[:16]}"

        def changed() -> RemoteError:
            return RemoteError(f"{path} changed while it was sent.")

        with CheckedFile(path, sha256, received.sum, changed) as source:
            if way.store.size(name) != source.size:
                way.store.put_from(name, source)
            if way.store.size(name) != source.size:
                raise RemoteError(f"{key} could not be copied to {name}.")
        way.store.settle()
        way.store.delete([key])


def _send_artifacts(side: Side) -> None:
    """Indexes for packs that none speaks of, then what this side has of what is lost, each with all below it."""
    project, found = side.project, side.found
    lost = found.lost
    named = {key: pack for key, pack in found.artifacts.unnamed.items() if lost & _digests(pack)}
    if named:
        _put_index(side, list(named.values()))
        for pack in named.values():
            lost -= _digests(pack)
    contents = Contents(project.cache)
    missing = project.cache.missing(lost)
    there = found.artifacts.held | {digest for pack in named.values() for digest in _digests(pack)}
    nowhere = dict.fromkeys(missing - there, "It is nowhere.")
    ready = [digest for digest in lost - missing if not contents.why_not(digest, nowhere)]
    if ready:
        copies = copies_of(project, side.remote)
        holdings(project, side.way.store, side.remote, copies).send(ready, contents)


def _digests(pack: Shelved) -> set[Digest]:
    return set(map(digest_of, pack.entries))


def _put_index(side: Side, packs: list[Shelved]) -> None:
    data = encode((), packs)
    name = digest_bytes(side.project.layout.hash_name, data).hex
    side.way.store.put(native.INDEXES + name, data)


def _send_objects(side: Side) -> None:
    """Indexes for sound Git packs without one, then what is lost and here with all that it needs."""
    packs, project, store = side.found.packs, side.project, side.way.store
    if packs is None:
        return
    held = set(packs.held)
    for name, pack in packs.unindexed.items():
        oids = {entry.oid for entry in pack.entries}
        if not oids.isdisjoint(side.found.lost_objects):
            store.put(f"{native.GIT_PACKS}pack-{name}.idx", index_bytes(pack.entries, pack.checksum))
            held |= oids
    here = Connected(project.repo)
    wanted = [oid for oid in side.found.lost_objects if oid not in held and not here.lacks(oid)]
    if wanted:
        everything = closure(project.repo.objects, wanted, lambda _: False, shallow=project.repo.shallow)
        out = BucketPacks(store, copies_of(project, side.remote), side.way.folder, side.way.jobs, side.way.report)
        out.send([oid for oid in everything if oid not in held], project.repo.objects.pack_to)


def _can_say(side: Side, damage: Damage) -> bool:
    """Whether this side can do without a damaged file, or knows what it has to say."""
    if damage.kind in _KEPT:
        return _copy(side, damage) is not None
    return damage.kind != "ref" or damage.key == native.GIT_HEAD or _seen(side, damage.key) is not None


def _copy(side: Side, damage: Damage) -> bytes | None:
    """What a file said when this side read it."""
    data = copies_of(side.project, side.remote).read_many(_KEPT[damage.kind]).get(damage.key)
    return data if data is not None and is_sound(damage.key, data, side.project.layout.hash_name) else None


def _seen(side: Side, key: str) -> Oid | None:
    """Where a branch or tag of the remote was when this side saw it last, else where it is here."""
    name = key.replace("git/", "refs/", 1)
    if not name.startswith(("refs/heads/", "refs/tags/")):
        return None
    refs = side.project.repo.refs
    return refs.read(name.replace("refs/heads/", f"refs/remotes/{side.remote.name}/", 1)) or refs.read(name)


def _say_again(side: Side, damage: Damage) -> None:
    """Writes again a file that says something."""
    data = _copy(side, damage) if damage.kind in _KEPT else None
    if damage.kind == "run cache entry":
        data = _own_run(side, damage.key)
    if data is not None:
        side.way.store.put(damage.key, data)
    elif damage.key == native.GIT_HEAD:
        _set_head(side)
    elif damage.kind == "ref" and (oid := _seen(side, damage.key)) is not None:
        name = damage.key.replace("git/", "refs/", 1)
        bucket(side.project, side.way.store, side.remote).push([RefUpdate(name, None, oid)], side.project.repo.objects)


def _own_run(side: Side, key: str) -> bytes | None:
    with suppress(OSError, AssayError), open(f"{side.project.cache_folder}/{key}", "rb") as file:
        data = file.read()
        checked_run(key, data)
        return data
    return None


def _set_head(side: Side) -> None:
    """Makes HEAD name this side's branch, or the only one."""
    names = [name for name in side.found.refs if name.startswith("refs/heads/")]
    current = side.project.repo.head_ref() or ""
    chosen = current if current in names else names[0] if len(names) == 1 else ""
    if chosen:
        world = side.project.world
        hash_name = side.project.layout.hash_name
        BucketRefs(side.way.store, NoCopies(), hash_name, world.clock, world.ids, 1).set_head(chosen)


def _put_in_order(side: Side) -> Found:
    """Takes away what speaks of packs that are gone, once nothing that anybody needs was in them."""
    found = side.found
    solved: set[str] = set()
    for name, packs in found.artifacts.indexes.items():
        gone = {damage.key for damage in found.damages if damage.kind == "pack"}
        left = [pack for pack in packs if native.pack_key(pack.id) not in gone]
        if len(left) < len(packs):
            if left:
                _put_index(side, left)
            set_aside(side.way, native.INDEXES + name)  # not replaced: who sends those packs again writes it again
            solved |= gone
    if found.packs is not None and not found.lost_objects:
        for key in found.packs.orphans:
            set_aside(side.way, key)
            solved.add(key.removesuffix("idx") + "pack")
    return found._replace(damages=[damage for damage in found.damages if damage.key not in solved])


def _after(side: Side, one: Bad, after: Found, unsaid: set[str]) -> Bad:
    """What became of something bad: in order, or what nobody here has and who could have it."""
    damages = [damage for damage in side.found.damages if damage.key == one.name]
    lost = {str(digest) for digest in after.lost} | {oid.hex() for oid in after.lost_objects}
    lost |= {damage.key for damage in after.damages} | {bad.name for bad in told(side.project, after)}
    mine = {one.name, *(str(digest) for damage in damages for digest in damage.artifacts)}
    mine |= {oid.hex() for damage in damages for oid in damage.objects}
    left = sorted(mine & lost)
    if not left and one.name not in unsaid:
        return replace(one, is_repaired=True)
    if one.name in unsaid:
        advice = "What it said is not known here. Whoever pushed it can mend it: `assay fsck --remote --repair` there."
        return replace(one, advice=advice)
    people = makers(side.project, side.found, one.needs)
    whose = (
        f" {' or '.join(people)} made what needs it and may have it:" if people else " Whoever has it can mend this:"
    )
    return replace(one, advice=f"Nobody here has {_some(left)}.{whose} `assay push` there.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
