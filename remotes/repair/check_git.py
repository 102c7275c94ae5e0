"""Git in a bucket, looked at one by one: packs with their indexes, refs, and whether refs have all that they need.

A pack that is gone, or of which bytes changed, loses what its index says it holds, unless another pack has it too.
What commits and trees say is read from the repository on this side where it has them, since their names are their
hashes; what it lacks is brought, as `assay pull` would bring it, without refs.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from hashlib import sha1
from typing import NamedTuple

from assay.engine.errors import AssayError, CorruptObject, CorruptRemote, KeyMissing, MissingObject
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.incoming import CheckedPack, check_pack
from assay.engine.git.objects import CommitInfo, TreeItem, parse_commit, parse_tree
from assay.engine.git.packindex import IndexEntry, PackIndex
from assay.engine.git.packs import PackMemory
from assay.engine.model import Oid
from assay.remotes.artifacts.native import GIT_PACKS
from assay.remotes.bucket.packs import decode_over
from assay.remotes.parallel import each
from assay.remotes.repair.check_data import Way
from assay.remotes.repair.damage import Damage
from assay.remotes.verify import GitPackSum, Received

_FILE = re.compile(r"pack-([0-9a-f]{40})\.(pack|idx)")
_OVER = f"{GIT_PACKS}over-"
_AT_ONCE = 2
_one_writer = threading.Lock()


class Unindexed(NamedTuple):
    """A sound pack that has no sound index: its checksum and what its index must say."""

    checksum: bytes
    entries: list[IndexEntry]


class Packs(NamedTuple):
    """What there is.

    Attributes:
        damages: What is wrong.
        held: Which pack has an object, by its id.
        orphans: Indexes whose packs are gone, by key, with what they say.
        unindexed: Sound packs without a sound index, by name.
    """

    damages: list[Damage]
    held: dict[Oid, str]
    orphans: Mapping[str, frozenset[Oid]]
    unindexed: Mapping[str, Unindexed]


def packs_on(way: Way, keys: Mapping[str, int], objects: ObjectDatabase) -> Packs:
    """The Git packs of a bucket.

    Args:
        way: How it is read.
        keys: All that there are, with their sizes.
        objects: The repository on this side, which takes sound packs with something that it lacks.

    Raises:
        RemoteError: It cannot be read.
    """
    damages: list[Damage] = []
    files = {key: match for key in keys if (match := _FILE.fullmatch(key.removeprefix(GIT_PACKS)))}
    packs = {match[1]: keys[key] for key, match in files.items() if match[2] == "pack"}
    indexes = _indexes(way, [match[1] for match in files.values() if match[2] == "idx"], damages)
    needless = _needless(way, keys, indexes.keys() & packs.keys(), damages)
    orphans: dict[str, frozenset[Oid]] = {}
    held: dict[Oid, str] = {}
    for name, oids in indexes.items():
        if name in packs:
            held.update(dict.fromkeys(oids, name) if way.fast else {})
        elif name not in needless:
            orphans[_key(name, "idx")] = oids
            text = f"{_key(name, 'pack')} is gone."
            damages.append(Damage("Git pack", _key(name, "pack"), text, objects=oids, is_gone=True))
    unread = {name: size for name, size in packs.items() if not way.fast or name not in indexes}
    unindexed = {}
    for name, checked in way.told(lambda one: read_pack(way, one, objects), unread, _AT_ONCE):
        if isinstance(checked, str):
            text = f"{_key(name, 'pack')} is damaged: {checked}"
            damages.append(Damage("Git pack", _key(name, "pack"), text, objects=indexes.get(name, frozenset())))
        elif name in indexes:
            held.update((entry.oid, name) for entry in checked.entries)
        else:
            unindexed[name] = Unindexed(checked.checksum, checked.entries)
    return Packs(damages, held, orphans, unindexed)


def _key(name: str, kind: str) -> str:
    return f"{GIT_PACKS}pack-{name}.{kind}"


def _indexes(way: Way, names: Collection[str], damages: list[Damage]) -> dict[str, frozenset[Oid]]:
    """What the sound indexes say their packs hold."""
    found = {}
    for name, data in each(lambda one: way.store.get(_key(one, "idx")), names, way.jobs):
        if isinstance(data, KeyMissing):
            continue
        if isinstance(data, AssayError):
            raise data
        oids = _in_index(data, name)
        if oids is None:
            key = _key(name, "idx")
            damages.append(Damage("Git index", key, f"{key} is damaged: its content is not what its name says."))
        else:
            found[name] = oids
    return found


def _in_index(data: bytes, name: str) -> frozenset[Oid] | None:
    if sha1(data[:-20]).digest() != data[-20:]:
        return None
    try:
        index = PackIndex(data, name)
    except CorruptObject:
        return None
    return frozenset(entry.oid for entry in index.entries()) if index.checksum.hex() == name else None


def _needless(way: Way, keys: Mapping[str, int], whole: Collection[str], damages: list[Damage]) -> set[str]:
    """The packs that others make needless, so that they may be gone."""
    found: set[str] = set()
    for key in keys:
        if key.startswith(_OVER):
            try:
                name, olds = decode_over(way.store.get(key), key)
                found.update(olds if name in whole else ())
            except KeyMissing:
                continue
            except CorruptRemote as error:
                damages.append(Damage("list of needless packs", key, error.message))
    return found


def read_pack(way: Way, name: str, objects: ObjectDatabase) -> CheckedPack | str:
    """A pack whose every object was checked, or what is wrong with it; it joins a repository that lacks one of them."""
    with Received(way.folder, GitPackSum, name, _key(name, "pack")) as received:
        way.store.get_to(_key(name, "pack"), received)
        try:
            path = received.checked().path
            checked = check_pack(path, PackMemory(), lambda _: None)
        except CorruptRemote:
            return "its content is not what its name says."
        except CorruptObject as error:
            return error.message
        if not isinstance(checked, CheckedPack):
            return "it builds on objects that are not in it."
        with _one_writer:
            if any(entry.oid not in objects for entry in checked.entries):
                objects.add_pack(path)
        return checked


class Held:
    """The objects of a bucket as a repository: what is there, read on this side.

    Args:
        held: Which pack has an object.
        here: The repository on this side.
        bring: Brings a pack into it.
        cut: Commits that were pushed without their parents, and these.
    """

    def __init__(
        self,
        held: Mapping[Oid, str],
        here: ObjectDatabase,
        bring: Callable[[str], object],
        cut: Mapping[Oid, Collection[Oid]],
    ) -> None:
        self.lost: set[str] = set()
        self.shallow = {oid for oid, parents in cut.items() if not all(parent in held for parent in parents)}
        self._held = held
        self._here = here
        self._bring = bring

    @property
    def objects(self) -> Held:
        """These."""
        return self

    def __contains__(self, oid: object) -> bool:
        return oid in self._held

    def read(self, oid: Oid) -> tuple[int, bytes]:
        """An object that is there. Raises MissingObject."""
        name = self._held.get(oid)
        if name is None:
            raise MissingObject(f"The remote has lost the Git object {oid.hex()}.")
        if oid not in self._here and name not in self.lost:
            try:
                self._bring(name)
            except (CorruptRemote, KeyMissing):
                self.lost.add(name)
        return self._here.read(oid)

    def read_commit(self, oid: Oid) -> CommitInfo:
        """What a commit says."""
        return parse_commit(self.read(oid)[1])

    def read_tree(self, oid: Oid) -> list[TreeItem]:
        """The items of a tree."""
        return parse_tree(self.read(oid)[1])
