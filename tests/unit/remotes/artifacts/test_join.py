"""Many small packs become one: nothing is missing at any moment, and whoever comes later asks for few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import RemoteError
from assay.engine.events import silent
from assay.engine.model import Digest
from assay.engine.ports import RemoteStore, Source
from assay.engine.store.cache import Cache
from assay.engine.store.trash import Bin
from assay.remotes.artifacts import join
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.download import Download
from assay.remotes.artifacts.join import join_small, joinable
from assay.remotes.artifacts.native import PACKS, pack_key
from assay.remotes.artifacts.packed import PackedHoldings
from assay.remotes.artifacts.shelf import Shelf
from assay.remotes.artifacts.upload import Upload
from assay.remotes.collect import claims as collecting
from assay.remotes.collect.claims import Doomed
from assay.remotes.collect.guard import Guarded
from assay.remotes.copies import Copies
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore
from tests.sharing import CountingIds


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "MANY", 4)


class Side:
    """A machine with a cache of its own."""

    def __init__(self, folder: Path, store: RemoteStore) -> None:
        self.folder, self.store = folder, store
        self.cache = Cache(str(folder / "cache"), "xxh128")

    def shelf(self, store: RemoteStore | None = None) -> Shelf:
        store = store or self.store
        hidden = store.hidden if isinstance(store, Guarded) else ()
        return Shelf(store, Copies(str(self.folder / "copies")), "xxh128", 4, hidden)

    def add(self, content: str) -> Digest:
        with self.cache.writer() as writer:
            return writer.add_bytes(content.encode())

    def push(self, content: str) -> Digest:
        """Publishes a small object, as a push does."""
        digest, held = self.add(content), PackedHoldings(self.cache, self.shelf(), silent)
        assert held.send([digest], Contents(self.cache)).failed == {}
        held.tidy()
        assert not list((self.folder / "cache/tmp").iterdir())
        return digest

    def brings(self, digests: list[Digest], *, at_most: int) -> None:
        """Has them all, each as its digest says, and asks for few packs."""
        shelf = self.shelf()
        shelf.refresh()
        assert shelf.damaged == {}
        assert len({shelf.pack_of(digest) for digest in digests}) <= at_most
        assert Download(self.cache, shelf, Contents(self.cache), silent).fetch(digests).failed == {}
        assert all(self.cache.read(digest) for digest in digests)


def packs(store: RemoteStore) -> set[str]:
    return {info.key for info in store.list(PACKS)}


@pytest.mark.usefixtures("few")
def test_after_many_pushes_few_packs_are_asked_for_and_all_of_them_stay(tmp_path: Path) -> None:
    store = MemoryStore()
    here, seen = Side(tmp_path / "here", store), set[str]()
    digests = []
    for number in range(24):
        digests.append(here.push(f"content {number}"))
        assert seen <= packs(store), "whoever read an index before finds what it speaks of"
        seen = packs(store)
    Side(tmp_path / "other", store).brings(digests, at_most=8)


@pytest.mark.usefixtures("few")
def test_others_join_what_they_have_not(tmp_path: Path) -> None:
    store = MemoryStore()
    sides = [Side(tmp_path / f"{number}", store) for number in range(6)]
    digests = [side.push(f"content {number}") for number, side in enumerate(sides)]
    Side(tmp_path / "other", store).brings(digests, at_most=2)


def ready(side: Side) -> list[Digest]:
    """So many pushes that the next look finds many small packs, and nobody has joined them."""
    digests = [side.add(f"content {number}") for number in range(5)]
    for digest in digests:
        Upload(side.cache, fresh(side), silent).send([digest])
    return digests


def fresh(side: Side, store: RemoteStore | None = None) -> Shelf:
    shelf = side.shelf(store)
    shelf.refresh()
    return shelf


@pytest.mark.usefixtures("few")
def test_two_may_join_at_the_same_moment(tmp_path: Path) -> None:
    store = MemoryStore()
    here, there = Side(tmp_path / "here", store), Side(tmp_path / "there", store)
    digests = ready(here)
    first = fresh(here)
    digests.append(there.add("one more"))
    Upload(there.cache, fresh(there), silent).send(digests[-1:])
    second = fresh(there)
    join_small(first, here.cache, silent)
    join_small(second, there.cache, silent)
    Side(tmp_path / "other", store).brings(digests, at_most=1)


class Killed(BaseException):
    """The process is gone."""


class Watched(Around):
    """A store that does something before or after a pack or an index is written."""

    def __init__(self, store: RemoteStore, before: Callable[[str], None], after: Callable[[str], None]) -> None:
        super().__init__(store)
        self.before, self.after = before, after

    def put(self, key: str, data: bytes) -> str:
        self.before(key)
        stamp = super().put(key, data)
        self.after(key)
        return stamp

    def put_from(self, key: str, source: Source) -> str:
        self.before(key)
        stamp = super().put_from(key, source)
        self.after(key)
        return stamp


def nothing(_: str) -> None:
    """Does nothing."""


@pytest.mark.law(1)
@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("kind", ["packs/", "index/"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", [Killed, RemoteError])
def test_a_join_that_is_cut_short_leaves_everything_and_a_later_push_does_it(
    tmp_path: Path, kind: str, when: str, how: type[BaseException]
) -> None:
    def dies(key: str) -> None:
        if key.startswith(kind):
            raise how("It is gone.")

    store = MemoryStore()
    here = Side(tmp_path / "here", store)
    digests = ready(here)
    way = Watched(store, dies, nothing) if when == "before" else Watched(store, nothing, dies)
    try:
        join_small(fresh(here, way), here.cache, silent)
    except Killed:
        assert how is Killed
    Side(tmp_path / "other", store).brings(digests, at_most=5)
    digests.append(here.push("another"))
    Side(tmp_path / "third", store).brings(digests, at_most=2)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("is_over", [False, True])
def test_a_pack_that_a_collection_takes_for_needless_before_its_index_is_there_is_sent_again(
    tmp_path: Path, *, is_over: bool
) -> None:
    store, names = MemoryStore(), list[str]()

    def collect(key: str) -> None:
        if key.startswith(PACKS) and not names:
            names.append(collecting.begin(store, Doomed(frozenset([key]), 1, 0, "0" * 16), "xxh128"))
            if is_over:
                store.delete([key])
                collecting.end(store, names[0], 1)

    here = Side(tmp_path / "here", store)
    digests = ready(here)
    guarded = Guarded(Watched(store, nothing, collect), "xxh128", CountingIds())
    join_small(fresh(here, guarded), here.cache, silent)
    Side(tmp_path / "other", store).brings(digests, at_most=1)
    if not is_over:
        state = collecting.look(store)
        assert collecting.claimed(store, state, names[0]), "whoever collects is told to leave it"


@pytest.mark.usefixtures("few")
def test_small_packs_that_were_collected_after_a_join_are_not_missed(tmp_path: Path) -> None:
    store = MemoryStore()
    here = Side(tmp_path / "here", store)
    digests = ready(here)
    old = packs(store)
    join_small(fresh(here), here.cache, silent)
    store.delete(sorted(old))
    Side(tmp_path / "other", store).brings(digests, at_most=1)
    assert old.isdisjoint(map(pack_key, fresh(here).in_use()))


@pytest.mark.usefixtures("few")
def test_what_was_collected_while_packs_were_joined_is_not_spoken_of_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "_SMALL_PACK", 2000)
    store = MemoryStore()
    here, there = Side(tmp_path / "here", store), Side(tmp_path / "there", store)
    large = here.add("large" * 1000)
    Upload(here.cache, fresh(here), silent).send([large])
    digests = ready(here)
    monkeypatch.setattr("assay.remotes.artifacts.shelf._MANY", 3)

    def collect(key: str) -> None:
        shelf = fresh(there)
        if key.startswith(PACKS) and (pack := shelf.pack_of(large)):
            shelf.forget([pack])
            store.delete([pack_key(pack)])

    join_small(fresh(here, Watched(store, nothing, collect)), here.cache, silent)
    Side(tmp_path / "other", store).brings(digests, at_most=1)


@pytest.mark.usefixtures("few")
def test_a_damaged_pack_does_not_keep_the_others_apart(tmp_path: Path) -> None:
    store = MemoryStore()
    digests = ready(Side(tmp_path / "here", store))
    damaged = min(packs(store))
    store.put(damaged, bytes(len(store.get(damaged))))
    there = Side(tmp_path / "there", store)
    join_small(fresh(there), there.cache, silent)
    shelf = fresh(there)
    assert len({shelf.pack_of(digest) for digest in digests}) == 2
    assert damaged in map(pack_key, shelf.in_use())


@pytest.mark.usefixtures("few")
def test_a_join_takes_nothing_out_of_the_trash(tmp_path: Path) -> None:
    here = Side(tmp_path / "here", MemoryStore())
    digests = ready(here)
    bin_id = here.cache.trash.begin(Bin("1-0", 1, "gc", 5, 0))
    for pack in here.cache.packs():
        (Path(bin_id) / "packs").mkdir(exist_ok=True)
        Path(pack.path).rename(Path(bin_id) / "packs" / Path(pack.path).name)
    here.cache.close()
    again = Side(tmp_path / "here", here.store)
    join_small(fresh(again), again.cache, silent)
    Side(tmp_path / "other", here.store).brings(digests, at_most=1)
    assert not again.cache.packs()


@pytest.mark.usefixtures("few")
def test_where_nothing_can_be_written_nothing_is_joined_and_nothing_fails(tmp_path: Path) -> None:
    here = Side(tmp_path / "here", MemoryStore())
    digests = ready(here)
    (tmp_path / "here/cache/tmp").rmdir()
    (tmp_path / "here/cache/tmp").write_bytes(b"")
    join_small(fresh(here), here.cache, silent)
    Side(tmp_path / "other", here.store).brings(digests, at_most=5)


@given(st.lists(st.integers(100, 5_000_000), min_size=20, max_size=300))
@settings(max_examples=30, deadline=None)
def test_few_are_left_and_every_byte_is_sent_again_only_a_few_times(pushed: list[int]) -> None:
    packs: list[tuple[int, int]] = []  # sizes, and how often the bytes of each were sent
    for size in pushed:
        packs = sorted([*packs, (size, 1)])
        count = joinable([size for size, _ in packs])
        if count:
            together = sum(size for size, _ in packs[:count])
            assert together < 32_000_000
            assert all(2 * size <= together or together > 4_000_000 for size, _ in packs[:count])
            packs = sorted([*packs[count:], (together, 1 + max(often for _, often in packs[:count]))])
        assert sum(size < 4_000_000 for size, _ in packs) <= join.MANY + 1
    assert all(often <= 17 for _, often in packs), "from 100 bytes to 4 MB is sixteen times twice as much"
