"""Which artifacts a remote has: packs and what they hold, and objects of their own.

An index is written after the packs it speaks of and is named by its digest, so it is verified whenever it is read, from
the remote or from its local copy. It counts only as far as its packs are there with the size it gives.

Where there are many indexes, a push writes one that says what they say and names them, and a later push, having read
that one, removes them: a reader who misses an index looks again, and finds it said by another.

What several packs hold is read from the largest: small packs are joined (`join`), and stay until they are collected.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import msgpack

from assay.engine.errors import AssayError, CorruptRemote, KeyMissing, RemoteError
from assay.engine.model import HASH_NAMES, HEX_LENGTH, Digest, HashName
from assay.engine.ports import RemoteStore
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import Entries, digest_of, key_of, pack_algo
from assay.remotes.artifacts.native import INDEXES, PACKS, pack_key
from assay.remotes.copies import Copies
from assay.remotes.parallel import each

TAG = "assay/index"
VERSION = 1
_MANY = 50
"""Indexes after which a push makes one of them."""
_ENOUGH = 4_000_000
"""Bytes of an index that is left as it is."""
_LOOKS = 3
_KEYS = {
    algo: (bytes([place]), (HEX_LENGTH[algo] // 2, HEX_LENGTH[algo] // 2 + 4)) for place, algo in enumerate(HASH_NAMES)
}
"""How keys in packs begin, and how long the rest may be."""


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
        hidden: Keys that are taken for absent, which is no damage.

    Attributes:
        copies: Where indexes are kept.
        damaged: Indexes that are not what their names say, and packs that are not as their indexes say, by key, with
            the sentence that says so.
    """

    def __init__(
        self, store: RemoteStore, copies: Copies, hash_name: HashName, jobs: int, hidden: Collection[str] = ()
    ) -> None:
        self.damaged: dict[str, str] = {}
        self.store = store
        self.jobs = jobs
        self.hash_name: HashName = hash_name
        self.copies = copies
        self._hidden = hidden
        self._sizes: dict[str, int] = {}
        self._packs: dict[bytes, str] = {}
        self._held: dict[str, Entries] = {}
        self._indexes: dict[str, list[Shelved]] = {}
        self._lengths: dict[str, int] = {}
        self._needless: set[str] = set()

    def refresh(self) -> None:
        """Looks at what is there now; anew when an index went away meanwhile, since another one says it then."""
        for look in range(_LOOKS):
            if self._look(is_last=look == _LOOKS - 1):
                break

    def _list_packs(self) -> None:
        listed = list(self.store.list(PACKS))
        self._sizes = {info.key[len(PACKS) : -len(".pack")]: info.size for info in listed if info.key.endswith(".pack")}

    def _lacks(self, packs: Iterable[Shelved]) -> bool:
        """Whether a pack that an index speaks of is not in the list of packs."""
        return any(pack.id not in self._sizes and pack_key(pack.id) not in self._hidden for pack in packs)

    def _look(self, *, is_last: bool) -> bool:
        self._list_packs()
        self._held.clear()
        self._packs.clear()
        self._lengths = {info.key.removeprefix(INDEXES): info.size for info in self.store.list(INDEXES)}
        found: dict[str, tuple[list[str], list[Shelved]]] = {}
        for name, index in each(self._read, self._lengths, self.jobs):
            if isinstance(index, KeyMissing) and not is_last:
                return False
            if isinstance(index, CorruptRemote | KeyMissing):
                self.damaged[INDEXES + name] = index.message
            elif isinstance(index, AssayError):
                raise index
            else:
                found[name] = index
        replaced = {old for old_names, _ in found.values() for old in old_names}
        self._needless = replaced & self._lengths.keys()
        self._indexes = {name: packs for name, (_, packs) in found.items() if name not in replaced}
        described = [pack for packs in self._indexes.values() for pack in packs]
        if self._lacks(described):  # it may have come since the list was made, or be going with its index
            self._list_packs()
            if self._lacks(described) and not is_last:
                return False
        self._take(described)
        return True

    def _take(self, packs: Collection[Shelved]) -> None:
        for pack in sorted(packs, key=lambda one: (one.size, one.id)):  # the largest has the last word
            if self._sizes.get(pack.id) == pack.size:
                self._held[pack.id] = pack.entries
                self._packs.update(dict.fromkeys(pack.entries, pack.id))
        for pack in packs:
            there = self._sizes.get(pack.id)
            if there is None and pack.entries.keys() <= self._packs.keys():
                continue  # it was collected, since larger ones hold all of it
            if there != pack.size and pack_key(pack.id) not in self._hidden:
                state = "is gone" if there is None else f"is damaged: it has {there} bytes, not {pack.size}"
                self.damaged[pack_key(pack.id)] = f"{pack_key(pack.id)} {state}."

    def _read(self, name: str) -> tuple[list[str], list[Shelved]]:
        key = INDEXES + name
        data = self.copies.read(key)
        if data is not None and len(data) == self._lengths.get(name) and self._name(data) == name:
            return decode(data, key)
        data = self.store.get(key)
        if self._name(data) != name:
            raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
        index = decode(data, key)
        self.copies.write(key, data)
        return index

    def _name(self, data: bytes) -> str:
        return digest_bytes(self.hash_name, data).hex

    def pack_of(self, digest: Digest) -> str | None:
        """The id of the pack that holds an object; None when none is known to."""
        return self._packs.get(key_of(digest))

    def unpacked(self, digests: Iterable[Digest]) -> list[Digest]:
        """Those of these objects that no pack holds."""
        packs = self._packs
        return [digest for digest in digests if key_of(digest) not in packs]

    def place(self, digest: Digest) -> tuple[int, int]:
        """Offset and length of an object in the pack that holds it."""
        return self._held[self._packs[key_of(digest)]][key_of(digest)]

    def has_pack(self, pack_id: str, size: int) -> bool:
        """Whether a pack of that name and size is there, described or not."""
        return self._sizes.get(pack_id) == size

    def pack_size(self, pack_id: str) -> int:
        """The length of a pack in bytes."""
        return self._sizes[pack_id]

    def digests_in(self, pack_id: str) -> list[Digest]:
        """What an index says a pack holds, in the order in which it lies there."""
        entries = self._held.get(pack_id, {})
        return [digest_of(key) for key in sorted(entries, key=entries.__getitem__)]

    def in_use(self) -> list[str]:
        """The packs that something is read from, the smallest first; the others have nothing that these have not."""
        return sorted(set(self._packs.values()), key=lambda one: (self._sizes[one], one))

    def packs(self) -> Mapping[str, Entries]:
        """The packs that are there and described, with what they hold."""
        return self._held

    def forget(self, packs: Collection[str]) -> None:
        """Sees to it that no index speaks of packs which are about to be deleted."""
        touched = [name for name, listed in self._indexes.items() if any(pack.id in packs for pack in listed)]
        left = {pack.id: pack for name in touched for pack in self._indexes[name] if pack.id not in packs}
        if left:
            self._write(encode({*touched, *self._needless}, left.values()))
        if touched:
            self.store.settle()
            # What one of these has replaced would count again without it, so it goes first.
            self.store.delete([INDEXES + name for name in (*sorted(self._needless), *touched)])

    def spoken_of(self) -> dict[str, str]:
        """An index, by its name, for each pack that one speaks of."""
        return {pack.id: name for name, packs in self._indexes.items() for pack in packs}

    def index_size(self, name: str) -> int:
        """The length of an index in bytes."""
        return self._lengths[name]

    def undescribed(self) -> list[str]:
        """The packs that no sound index speaks of."""
        return [pack_id for pack_id in self._sizes if pack_id not in self._held and pack_algo(pack_id)]

    def add(self, packs: Mapping[str, Shelved]) -> None:
        """Writes one index for packs that are there now, and for what many small indexes say."""
        if not packs:
            return
        small = [name for name in self._indexes if self._lengths[name] < _ENOUGH]
        if len(small) > _MANY:
            known = {pack.id: pack for name in small for pack in self._indexes[name]}
            self._write(encode({*small, *self._needless}, {**known, **packs}.values()))
        else:
            self._write(encode((), packs.values()))
        self._sizes.update((pack.id, pack.size) for pack in packs.values())
        for pack_id in packs:
            self.damaged.pop(pack_key(pack_id), None)
        self._take(packs.values())
        self._tidy()

    def _write(self, data: bytes) -> None:
        key = INDEXES + self._name(data)
        self.store.put(key, data)
        self.copies.write(key, data)

    def _tidy(self) -> None:
        """Removes indexes that another one has replaced which was there before this call; it can wait."""
        if self._needless:
            with suppress(RemoteError):
                self.store.settle()
                self.store.delete([INDEXES + name for name in sorted(self._needless)])
                self.copies.remove(INDEXES + name for name in self._needless)


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
    for algo, raw, offset, length in rows:  # there may be very many
        head, lengths = _KEYS[algo]
        if len(raw) not in lengths or not 0 <= offset <= offset + length <= size:
            raise ValueError
        entries[head + raw] = (offset, length)
    return Shelved(pack_id, size, entries)
