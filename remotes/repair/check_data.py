"""The artifacts of a remote, looked at one by one: packs, indexes and objects of their own, in either layout.

Every byte is read and hashed; `fast` reads only what says which there are, and compares sizes where they are known.
Nothing is kept of what is read but hashes, and one pack at a time for each transfer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from assay.engine.errors import AssayError, CorruptArtifact, CorruptRemote, KeyMissing
from assay.engine.events import Progress, Reporter
from assay.engine.model import Digest, HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes, hasher, object_key, parse_key
from assay.engine.store.pack import Entries, check_pack, digest_of, pack_algo
from assay.remotes.artifacts.native import INDEXES, MARKER, PACKS, require
from assay.remotes.artifacts.runs import checked as checked_run
from assay.remotes.artifacts.shelf import Shelved, decode
from assay.remotes.parallel import each
from assay.remotes.repair.damage import Damage, Hashed
from assay.remotes.verify import Received

_OBJECTS = "objects/"
_RUNS = "runs/"
_AT_ONCE = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


class Way(NamedTuple):
    """How a remote is read.

    Attributes:
        store: The remote.
        jobs: How many requests at once.
        folder: Where packs lie while they are looked at.
        fast: Whether to read only what says what there is.
        size_here: The length of an artifact on this side; None when it is not there.
        report: Where progress goes.
    """

    store: RemoteStore
    jobs: int
    folder: str
    fast: bool
    size_here: Callable[[Digest], int | None]
    report: Reporter

    def told(
        self, work: Callable[[Item], Result], sizes: Mapping[Item, int], jobs: int
    ) -> Iterable[tuple[Item, Result]]:
        """Does something for each of these, telling of the bytes. Raises what fails but damage."""
        done, total, task = 0, sum(sizes.values()), f"checking {self.store.url}"
        for item, result in each(work, sizes, jobs):
            if isinstance(result, KeyMissing):
                continue  # somebody removed it meanwhile
            if isinstance(result, AssayError):
                raise result
            done += sizes[item]
            self.report(Progress(task, done, total, "B"))
            yield item, result


class Artifacts(NamedTuple):
    """What there is.

    Attributes:
        damages: What is wrong.
        held: What can be had.
        indexes: The sound indexes that count, with the packs they speak of.
        unnamed: Sound packs that no index speaks of.
        roots: What says of other things that they are there, so that they have to be.
    """

    damages: list[Damage]
    held: set[Digest]
    indexes: Mapping[str, list[Shelved]]
    unnamed: Mapping[str, Shelved]
    roots: frozenset[Digest] = frozenset()


def packed(way: Way, keys: Mapping[str, int], hash_name: HashName) -> Artifacts:
    """The artifacts on a remote of assay's own layout.

    Args:
        way: How it is read.
        keys: All that there are, with their sizes.
        hash_name: The hash of its marker.

    Raises:
        RemoteError: It cannot be read, or is one of another hash.
    """
    damages = _marker(way, keys, hash_name)
    indexes = _indexes(way, keys, hash_name, damages)
    described = {pack.id: pack for packs in indexes.values() for pack in packs}
    packs = {
        key[len(PACKS) : -5]: size for key, size in keys.items() if key.startswith(PACKS) and key.endswith(".pack")
    }
    packs = {pack_id: size for pack_id, size in packs.items() if pack_algo(pack_id)}
    held: set[Digest] = set()
    unnamed: dict[str, Shelved] = {}
    for pack in described.values():
        there = packs.get(pack.id)
        if there != pack.size:
            state = "is gone" if there is None else f"is damaged: it has {there} bytes, not {pack.size}"
            damages.append(_of_pack(pack.id, state, pack.entries, is_gone=there is None))
        elif way.fast:
            held.update(map(digest_of, pack.entries))
    unread = {pack_id: size for pack_id, size in packs.items() if pack_id not in described}
    if not way.fast:
        unread.update({pack_id: size for pack_id, size in packs.items() if described.get(pack_id, _NONE).size == size})
    for pack_id, entries in way.told(lambda one: _read_pack(way, one), unread, _AT_ONCE):
        if entries is None:
            lost = described[pack_id].entries if pack_id in described else {}
            damages.append(_of_pack(pack_id, "is damaged: its content is not what its name says", lost))
        elif pack_id in described:
            held.update(map(digest_of, entries))
        else:
            unnamed[pack_id] = Shelved(pack_id, packs[pack_id], entries)
    loose = {found: size for key, size in keys.items() if (found := _loose(key)) is not None}
    damaged = _objects(way, loose, lambda digest: f"{_OBJECTS}{object_key(digest)}")
    held.update(loose.keys() - {digest for one in damaged for digest in one.artifacts})
    return Artifacts([*damages, *damaged], held, indexes, unnamed)


def dvc(way: Way, keys: Mapping[str, int]) -> Artifacts:
    """The artifacts on a remote of DVC's layout, and the entries of its run cache. Arguments as `packed`."""
    loose = {found: size for key, size in keys.items() if (found := parse_key(key)) is not None}
    damages = _objects(way, loose, object_key)
    held = loose.keys() - {digest for one in damages for digest in one.artifacts}
    runs = {key: size for key, size in keys.items() if key.startswith(_RUNS) and not way.fast}
    for key, why in way.told(lambda one: _run_problem(way, one), runs, way.jobs):
        if why:
            damages.append(Damage("run cache entry", key, why))
    return Artifacts(damages, set(held), {}, {}, frozenset(digest for digest in held if digest.is_dir))


_NONE = Shelved("", -1, {})


def _marker(way: Way, keys: Mapping[str, int], hash_name: HashName) -> list[Damage]:
    """What is wrong with the marker. Raises RemoteError when the remote is not one of that hash."""
    try:
        json.loads(way.store.get(MARKER))
    except KeyMissing:
        if any(key.startswith((_OBJECTS, PACKS, INDEXES)) for key in keys):
            return [Damage("marker", MARKER, f"{MARKER} is gone.", is_gone=True)]
    except ValueError:
        return [Damage("marker", MARKER, f"{MARKER} is damaged: it does not say what this remote is.")]
    require(way.store, hash_name)
    return []


def _loose(key: str) -> Digest | None:
    return parse_key(key.removeprefix(_OBJECTS)) if key.startswith(_OBJECTS) else None


def _indexes(way: Way, keys: Mapping[str, int], hash_name: HashName, damages: list[Damage]) -> dict[str, list[Shelved]]:
    """The sound indexes that no other replaces."""
    found: dict[str, tuple[list[str], list[Shelved]]] = {}
    for key, data in each(way.store.get, [key for key in keys if key.startswith(INDEXES)], way.jobs):
        name = key.removeprefix(INDEXES)
        try:
            if isinstance(data, KeyMissing):
                continue  # another one says it by now
            if isinstance(data, AssayError):
                raise data
            if digest_bytes(hash_name, data).hex != name:
                raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
            found[name] = decode(data, key)
        except CorruptRemote as error:
            damages.append(Damage("index", key, error.message))
    replaced = {old for olds, _ in found.values() for old in olds}
    return {name: packs for name, (_, packs) in found.items() if name not in replaced}


def _of_pack(pack_id: str, state: str, lost: Entries, *, is_gone: bool = False) -> Damage:
    key = f"{PACKS}{pack_id}.pack"
    return Damage("pack", key, f"{key} {state}.", frozenset(map(digest_of, lost)), is_gone=is_gone)


def _read_pack(way: Way, pack_id: str) -> Entries | None:
    """Where the objects of a pack lie; None when not every byte is as it should be."""
    key = f"{PACKS}{pack_id}.pack"
    algo = pack_algo(pack_id)
    assert algo is not None, "only such keys are asked for"
    with Received(way.folder, lambda: hasher(algo), pack_id, key) as received:
        way.store.get_to(key, received)
        try:
            return check_pack(received.checked().path, pack_id)
        except (CorruptArtifact, CorruptRemote):
            return None


def _objects(way: Way, sizes: Mapping[Digest, int], key_of: Callable[[Digest], str]) -> list[Damage]:
    """Objects of their own that are not what their names say."""
    if way.fast:
        return list(_of_other_lengths(way, sizes, key_of))

    def is_right(digest: Digest) -> bool:
        sink = Hashed(digest)
        way.store.get_to(key_of(digest), sink)
        return sink.is_right

    found = []
    for digest, right in way.told(is_right, sizes, way.jobs):
        if not right:
            key = key_of(digest)
            text = f"{key} is damaged: its content is not what its name says."
            found.append(Damage("object", key, text, frozenset((digest,))))
    return found


def _of_other_lengths(way: Way, sizes: Mapping[Digest, int], key_of: Callable[[Digest], str]) -> Iterator[Damage]:
    """So much can be told without reading."""
    for digest, there in sizes.items():
        here = way.size_here(digest)
        if here is not None and here != there:
            key = key_of(digest)
            text = f"{key} is damaged: it has {there} bytes, not {here}."
            yield Damage("object", key, text, frozenset((digest,)))


def _run_problem(way: Way, key: str) -> str:
    data = way.store.get(key)
    try:
        checked_run(key, data)
    except AssayError as error:
        return error.message
    return ""
