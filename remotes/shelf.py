"""Which artifacts a remote has: packs and what they hold, and objects of their own.

An index is written after the packs it speaks of and is named by its digest, so it is verified whenever it is read, from
the remote or from its local copy. It counts only as far as its packs are there with the size it gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgpack

from assay.engine.errors import AssayError, CorruptRemote
from assay.engine.model import HASH_NAMES, HEX_LENGTH, Digest, HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import Entries, digest_of, key_of, pack_algo
from assay.remotes.copies import Copies
from assay.remotes.native import INDEXES, PACKS, pack_key
from assay.remotes.parallel import each

TAG = "assay/index"
VERSION = 1


class Shelved(NamedTuple):
    """A pack as an index describes it: its id, its size in bytes, and where its objects lie."""

    id: str
    size: int
    entries: Entries


class Shelf:
    """The artifacts on one remote.

    Args:
        store: The remote.
        copies: Where indexes are kept.
        hash_name: The remote's hash.
        jobs: How many requests at once.

    Attributes:
        damaged: Indexes that are not what their names say, and packs that are not as their indexes say, by key, with
            the sentence that says so.
    """

    def __init__(self, store: RemoteStore, copies: Copies, hash_name: HashName, jobs: int) -> None:
        self.damaged: dict[str, str] = {}
        self.store = store
        self.jobs = jobs
        self.hash_name: HashName = hash_name
        self._copies = copies
        self._sizes: dict[str, int] = {}
        self._packs: dict[bytes, str] = {}
        self._held: dict[str, Entries] = {}

    def refresh(self) -> None:
        """Looks at what is there now."""
        listed = list(self.store.list(PACKS))
        self._sizes = {info.key[len(PACKS) : -len(".pack")]: info.size for info in listed if info.key.endswith(".pack")}
        self._held.clear()
        self._packs.clear()
        names = [info.key.removeprefix(INDEXES) for info in self.store.list(INDEXES)]
        found: dict[str, tuple[list[str], list[Shelved]]] = {}
        for name, index in each(self._read, names, self.jobs):
            if isinstance(index, CorruptRemote):
                self.damaged[INDEXES + name] = index.message
            elif isinstance(index, AssayError):
                raise index
            else:
                found[name] = index
        replaced = {old for old_names, _ in found.values() for old in old_names}
        for name, (_, packs) in found.items():
            if name not in replaced:
                self._take(packs)

    def _take(self, packs: Iterable[Shelved]) -> None:
        for pack in packs:
            there = self._sizes.get(pack.id)
            if there == pack.size:
                self._held[pack.id] = pack.entries
                self._packs.update(dict.fromkeys(pack.entries, pack.id))
            else:
                state = "is gone" if there is None else f"is damaged: it has {there} bytes, not {pack.size}"
                self.damaged[pack_key(pack.id)] = f"{pack_key(pack.id)} {state}."

    def _read(self, name: str) -> tuple[list[str], list[Shelved]]:
        key = INDEXES + name
        data = self._copies.read(key)
        if data is not None and self._name(data) == name:
            return decode(data, key)
        data = self.store.get(key)
        if self._name(data) != name:
            raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
        index = decode(data, key)
        self._copies.write(key, data)
        return index

    def _name(self, data: bytes) -> str:
        return digest_bytes(self.hash_name, data).hex

    def pack_of(self, digest: Digest) -> str | None:
        """The id of the pack that holds an object; None when none is known to."""
        return self._packs.get(key_of(digest))

    def has_pack(self, pack_id: str, size: int) -> bool:
        """Whether a pack of that name and size is there, described or not."""
        return self._sizes.get(pack_id) == size

    def pack_size(self, pack_id: str) -> int:
        """The length of a pack in bytes."""
        return self._sizes[pack_id]

    def digests_in(self, pack_id: str) -> list[Digest]:
        """What an index says a pack holds."""
        return [digest_of(key) for key in self._held.get(pack_id, ())]

    def undescribed(self) -> list[str]:
        """The packs that no sound index speaks of."""
        return [pack_id for pack_id in self._sizes if pack_id not in self._held and pack_algo(pack_id)]

    def add(self, packs: Mapping[str, Shelved]) -> None:
        """Writes one index for packs that are there now."""
        if not packs:
            return
        data = encode((), packs.values())
        key = INDEXES + self._name(data)
        self.store.put(key, data)
        self._copies.write(key, data)
        self._sizes.update((pack.id, pack.size) for pack in packs.values())
        self._take(packs.values())


def encode(replaced: Iterable[str], packs: Iterable[Shelved]) -> bytes:
    """The bytes of an index: canonical, so that the same packs make the same index.

    Args:
        replaced: Names of earlier indexes that this one makes needless.
        packs: What it describes.
    """
    described = []
    for pack in sorted(packs, key=lambda one: one.id):
        rows = [(HASH_NAMES[key[0]], key[1:], offset, size) for key, (offset, size) in pack.entries.items()]
        described.append([pack.id, pack.size, sorted(rows)])
    data: bytes = msgpack.packb([TAG, VERSION, sorted(replaced), described])
    return data


def decode(data: bytes, key: str) -> tuple[list[str], list[Shelved]]:
    """The indexes that an index replaces, and the packs it describes. Raises CorruptRemote."""
    try:
        tag, version, replaced, described = msgpack.unpackb(data, use_list=False)
        if tag != TAG:
            raise ValueError
        if version != VERSION:
            raise CorruptRemote(f"{key} was written by a newer assay.", "Upgrade assay.")
        packs = [_pack(*item) for item in described]
        names = [name for name in replaced if isinstance(name, str)]
    except (ValueError, TypeError, KeyError, msgpack.UnpackException) as error:
        raise CorruptRemote(f"{key} does not say what the packs hold.") from error
    return names, packs


def _pack(pack_id: str, size: int, rows: Any) -> Shelved:
    if pack_algo(pack_id) is None or type(size) is not int:
        raise ValueError
    entries: Entries = {}
    for algo, raw, offset, length in rows:
        plain = HEX_LENGTH[algo] // 2
        if type(raw) is not bytes or len(raw) not in (plain, plain + 4) or not 0 <= offset <= offset + length <= size:
            raise ValueError
        entries[bytes([HASH_NAMES.index(algo)]) + raw] = (offset, length)
    return Shelved(pack_id, size, entries)
