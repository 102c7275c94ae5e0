"""Git packs in a bucket: which objects are there, bringing packs here, sending one there.

A pack counts once its index is there too, because it is written after it; so every object in an index is there with
all that it needs. An index is kept as a local copy and must match its own checksum and its pack's name each time it is
read. It is believed only in what to fetch: what comes is checked object by object before it is let in.

Where there are many small packs, a push makes one of them (`join`), and a small file beside them says which
ones it makes needless; a later push removes those. A reader who misses one looks again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha1
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptObject, CorruptRemote, KeyMissing, RemoteError
from assay.engine.events import Done, Progress, Reporter
from assay.engine.git.incoming import CheckedPack, check_pack
from assay.engine.git.packindex import PackIndex, index_bytes
from assay.engine.git.packs import PackMemory
from assay.engine.model import Oid
from assay.engine.ports import PackSink, RemoteStore
from assay.remotes.artifacts.native import GIT_PACKS
from assay.remotes.copies import Copies
from assay.remotes.parallel import each
from assay.remotes.verify import CheckedFile, GitPackSum, Received

PackTo = Callable[[Iterable[Oid], disk.NewFile], int]
"""Writes a pack of the objects into a new file and returns how many there are."""

_NAME = re.compile(r"pack-([0-9a-f]{40})\.(pack|idx)")
_OVER = re.compile(r"over-[0-9a-f]{40}")
_SMALL_PACK = 4_000_000
"""Bytes: smaller packs are joined when there are many."""
_LENGTHS = "lengths"
"""The name of the copy that says how long packs were."""
_SMALL = 20_000
"""Objects: the ids of smaller packs are kept in one dictionary, larger ones are searched one by one."""


class Built(NamedTuple):
    """A pack that can be sent: its name, how many objects and bytes it has, its absolute path, its index."""

    name: str
    objects: int
    size: int
    path: str
    contents: bytes


class BucketPacks:
    """The packs below ``git/packs/``.

    Args:
        store: The bucket.
        copies: Where indexes are kept.
        folder: Where packs lie while they come or go; on the file system of the repository.
        jobs: How many transfers at once.
        report: Where progress goes.

    Attributes:
        damaged: Packs and indexes that are gone or not what they should be, by key, with the sentence that says so.
        is_harmed: Whether something that once was there is missing, so that what is there may need what is not.
    """

    def __init__(self, store: RemoteStore, copies: Copies, folder: str, jobs: int, report: Reporter) -> None:
        self.damaged: dict[str, str] = {}
        self.is_harmed = False
        self._store = store
        self._copies = copies
        self._folder = folder
        self._jobs = jobs
        self._report = report
        self._sizes: dict[str, int] = {}
        self._bare: dict[str, int] = {}
        self._index_sizes: dict[str, int] = {}
        self._indexes: dict[str, PackIndex] = {}
        self._small: dict[bytes, str] = {}
        self._large: list[str] = []
        self._needless: list[str] = []

    def refresh(self) -> None:
        """Looks at what is there now."""
        sizes: dict[str, int] = {}
        indexed: dict[str, int] = {}
        overs = []
        for key, size, _ in self._store.list(GIT_PACKS):
            name = key.removeprefix(GIT_PACKS)
            match = _NAME.fullmatch(name)
            if match and match[2] == "pack":
                sizes[match[1]] = size
            elif match:
                indexed[match[1]] = size
            elif _OVER.fullmatch(name):
                overs.append(key)
        bare = {name: size for name, size in sizes.items() if name not in indexed}
        sizes = {name: size for name, size in sizes.items() if name in indexed}
        orphans = indexed.keys() - sizes.keys()
        self._index_sizes = indexed
        said = self._read_overs(overs)
        self._read_indexes(name for _, name, _ in said if name in sizes)
        replaced = {old for _, name, olds in said if name in sizes and name in self._indexes for old in olds}
        self._sizes = {name: size for name, size in sizes.items() if name not in replaced}
        self._needless = [_key(name, kind) for kind in ("idx", "pack") for name in sorted(replaced & sizes.keys())]
        self._needless += [key for key, name, olds in said if name not in self._sizes or not sizes.keys() & set(olds)]
        self._bare = {name: size for name, size in bare.items() if name not in replaced}
        for name in orphans - replaced:
            self.damaged[_key(name, "pack")] = f"{_key(name, 'pack')} is gone."
        for name in self._bare:
            if self._copies.read(_key(name, "idx")) is not None:
                self.damaged[_key(name, "idx")] = f"{_key(name, 'idx')} is gone."
        self._drop_changed()
        self._forget(self._indexes.keys() - self._sizes.keys())
        self._read_indexes(self._sizes)
        self.is_harmed = bool(self.damaged)

    def _drop_changed(self) -> None:
        """Counts no pack whose length is another one than when this side saw it first: packs never change."""
        known = self._known_lengths()
        for name in [name for name, size in self._sizes.items() if known.get(name, size) != size]:
            there = self._sizes.pop(name)
            text = f"{_key(name, 'pack')} is damaged: it has {there} bytes, not {known[name]}."
            self.damaged[_key(name, "pack")] = text
        self._remember(known, self._sizes)

    def _remember(self, known: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        if sizes.keys() - known.keys():
            lengths = {**known, **sizes}
            self._copies.write_many(_LENGTHS, {name: size.to_bytes(8, "big") for name, size in lengths.items()})

    def _known_lengths(self) -> dict[str, int]:
        return {name: int.from_bytes(data, "big") for name, data in self._copies.read_many(_LENGTHS).items()}

    def _read_overs(self, keys: Iterable[str]) -> list[tuple[str, str, tuple[str, ...]]]:
        """The files that name needless packs: their keys, and what they say."""
        found = []
        for key, said in each(self._over, keys, self._jobs):
            if isinstance(said, CorruptRemote):
                self.damaged[key] = said.message
            elif isinstance(said, AssayError) and not isinstance(said, KeyMissing):
                raise said
            elif not isinstance(said, AssayError):
                found.append((key, *said))
        return found

    def _over(self, key: str) -> tuple[str, tuple[str, ...]]:
        data = self._copies.read(key)
        if data is None or sha1(data).hexdigest() != key[-40:]:
            data = self._store.get(key)
            self._copies.write(key, data)
        return decode_over(data, key)

    def _read_indexes(self, names: Iterable[str]) -> None:
        new = [name for name in names if name not in self._indexes]
        for name, index in each(self._index, new, self._jobs):
            if isinstance(index, CorruptRemote | KeyMissing):
                self.damaged[_key(name, "idx")] = index.message
            elif isinstance(index, AssayError):
                raise index
            else:
                self._take(name, index)

    def _forget(self, names: Iterable[str]) -> None:
        """Lets go of what was known of packs that do not count any more."""
        gone = set(names)
        if gone:
            kept = {name: index for name, index in self._indexes.items() if name not in gone}
            self._indexes, self._small, self._large = {}, {}, []
            for name, index in kept.items():
                self._take(name, index)

    def _take(self, name: str, index: PackIndex) -> None:
        self._indexes[name] = index
        if index.count < _SMALL:
            self._small.update((index.oid(place), name) for place in range(index.count))
        else:
            self._large.append(name)

    def _index(self, name: str) -> PackIndex:
        key = _key(name, "idx")
        data = self._copies.read(key)
        if data is not None and len(data) == self._index_sizes.get(name):
            try:
                return _checked_index(data, name, key)
            except CorruptRemote:
                pass  # only the copy is damaged
        data = self._store.get(key)
        index = _checked_index(data, name, key)
        self._copies.write(key, data)
        return index

    @property
    def is_empty(self) -> bool:
        """Whether there is no pack at all."""
        return not self._sizes

    def __contains__(self, oid: object) -> bool:
        return isinstance(oid, bytes) and self.find(oid) is not None

    def find(self, oid: bytes) -> str | None:
        """The name of a pack that says it holds the object."""
        name = self._small.get(oid)
        if name is None:
            name = next((large for large in self._large if self._indexes[large].position(oid) >= 0), None)
        return name

    def names(self) -> list[str]:
        """The packs that count and can be understood."""
        return sorted(self._indexes)

    def small(self) -> list[str]:
        """The packs that can be joined into one, the smallest first; none that cannot be understood."""
        names = [name for name, size in self._sizes.items() if size < _SMALL_PACK and name in self._indexes]
        return sorted(names, key=lambda name: (self._sizes[name], name))

    def size(self, name: str) -> int:
        """The length of a pack in bytes."""
        return self._sizes[name]

    def oids(self, name: str) -> list[Oid]:
        """What a pack holds, as its index says."""
        index = self._indexes[name]
        return [Oid(index.oid(place)) for place in range(index.count)]

    def replace(self, olds: Iterable[str], name: str) -> None:
        """Says that a pack, which is there, holds all that others hold."""
        data = encode_over(name, olds)
        self._store.put(f"{GIT_PACKS}over-{sha1(data).hexdigest()}", data)

    def tidy(self) -> None:
        """Removes what had been replaced when `refresh` looked; it can wait."""
        if self._needless:
            with suppress(RemoteError):
                self._store.settle()
                self._store.delete(self._needless)
                self._copies.remove(self._needless)
                self._needless = []

    def unknown(self) -> list[str]:
        """The packs of which nothing is known, because their indexes are damaged or not there."""
        return [*(name for name in self._sizes if name not in self._indexes), *self._bare]

    def bring(self, names: Iterable[str], into: PackSink) -> tuple[int, int]:
        """Fetches packs, checks them and adds them to a repository; returns how many objects and bytes.

        Raises:
            CorruptRemote: One is damaged; it is named, and is not let in.
        """
        wanted = list(dict.fromkeys(names))
        sizes = {**self._bare, **self._sizes}
        task, total, done = f"fetching history from {self._store.url}", sum(map(sizes.__getitem__, wanted)), 0
        for name, received in each(self._receive, wanted, self._jobs, Received.__exit__):
            if isinstance(received, AssayError):
                raise received
            with received:
                file = received.checked()
                try:
                    into.add_pack(file.path)
                except CorruptObject as error:
                    raise CorruptRemote(f"{self._store.url}/{_key(name, 'pack')}: {error.message}") from error
            if name not in self._indexes:
                self.damaged.setdefault(_key(name, "idx"), f"{_key(name, 'idx')} is gone.")
            done += sizes[name]
            self._report(Progress(task, done, total, "B"))
        if wanted:
            self._report(Done(task))
        return sum(self._indexes[name].count for name in wanted if name in self._indexes), total

    def _receive(self, name: str) -> Received:
        key = _key(name, "pack")
        received = Received(self._folder, GitPackSum, name, f"{self._store.url}/{key}")
        try:
            self._store.get_to(key, received)
        except BaseException:
            received.__exit__()
            raise
        return received

    @contextmanager
    def build(self, oids: Iterable[Oid], pack_to: PackTo) -> Iterator[Built]:
        """Makes a pack of the objects in a file that is gone afterwards.

        Raises:
            CorruptObject: An object here is damaged.
            AssayError: The disk refuses.
        """
        with self._new_file() as file:
            count = pack_to(oids, file)
            file.close()
            checked = check_pack(file.path, PackMemory(), _no_base)
            assert isinstance(checked, CheckedPack), "a pack that is sent is whole"
            index = index_bytes(checked.entries, checked.checksum)
            yield Built(checked.checksum.hex(), count, file.size, file.path, index)

    def send(self, oids: Iterable[Oid], pack_to: PackTo) -> Built:
        """Makes one pack of the objects and sends it. Raises as `build` and `put`."""
        with self.build(oids, pack_to) as built:
            self.put(built)
            return built

    def _new_file(self) -> disk.NewFile:
        try:
            disk.make_folders(self._folder)
            return disk.NewFile(self._folder)
        except OSError as error:
            raise disk.no_space(error, self._folder) from error

    def put(self, built: Built) -> None:
        """Sends a pack, the index last. Raises RemoteError when the bucket refuses."""

        def changed() -> RemoteError:
            return RemoteError(f"{built.path} changed while it was sent.")

        name, task = built.name, f"sending history to {self._store.url}"
        self._report(Progress(task, 0, built.size, "B"))
        if self._bare.get(name) != built.size:  # else a push was killed between the pack and its index
            with CheckedFile(built.path, GitPackSum, name, changed) as source:
                self._store.put_from(_key(name, "pack"), source)
        self._store.put(_key(name, "idx"), built.contents)
        self._report(Done(task))
        self._copies.write(_key(name, "idx"), built.contents)
        self._remember(self._known_lengths(), {name: built.size})
        for kind in ("pack", "idx"):
            self.damaged.pop(_key(name, kind), None)
        self._sizes[name] = built.size
        self._take(name, PackIndex(built.contents, name))


def _no_base(_: Oid) -> None:
    """A pack that is sent builds on nothing outside it."""


def _key(name: str, kind: str) -> str:
    return f"{GIT_PACKS}pack-{name}.{kind}"


def _checked_index(data: bytes, name: str, key: str) -> PackIndex:
    """An index whose own checksum is right and that belongs to the pack of that name. Raises CorruptRemote."""
    if sha1(data[:-20]).digest() == data[-20:]:
        try:
            index = PackIndex(data, key)
        except CorruptObject as error:
            raise CorruptRemote(error.message) from error
        if index.checksum.hex() == name:
            return index
    raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")


def encode_over(name: str, olds: Iterable[str]) -> bytes:
    """The bytes of a file that says which packs another one makes needless: canonical JSON on one line."""
    fields = {"assay": 1, "over": sorted(olds), "pack": name}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def decode_over(data: bytes, key: str) -> tuple[str, tuple[str, ...]]:
    """A pack's name, and those of the packs that it makes needless. Raises CorruptRemote."""
    if sha1(data).hexdigest() != key[-40:]:
        raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
    try:
        fields: Mapping[str, object] = json.loads(data)
        name, olds = fields["pack"], fields["over"]
        if fields["assay"] != 1 or not isinstance(name, str) or not isinstance(olds, list) or name in olds:
            raise ValueError
        return name, tuple(str(old) for old in olds)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptRemote(f"{key} does not say which packs are needless.", "Upgrade assay.") from error
