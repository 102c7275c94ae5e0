"""Git packs in a bucket: which indexes are believed, and what is fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine.errors import CorruptRemote
from assay.engine.events import silent
from assay.engine.git.objects import BLOB
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from assay.remotes.bucket.packs import BucketPacks
from assay.remotes.copies import Copies
from assay.remotes.stores.memory import MemoryStore


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(str(tmp_path / "repo"))


@pytest.fixture
def other(tmp_path: Path) -> Repository:
    return Repository.init(str(tmp_path / "other"))


def packs_of(store: MemoryStore, repo: Repository, copies: str = "copies") -> BucketPacks:
    folder = f"{repo.common_dir}/assay/incoming"
    packs = BucketPacks(store, Copies(f"{repo.common_dir}/{copies}"), folder, 4, silent)
    packs.refresh()
    return packs


def sent(store: MemoryStore, repo: Repository, *contents: bytes) -> list[Oid]:
    oids = [repo.objects.write(BLOB, data) for data in contents]
    assert packs_of(store, repo).send(oids, repo.objects.pack_to).objects == len(oids)
    return oids


def key_of(store: MemoryStore, ending: str) -> str:
    [key] = [info.key for info in store.list("git/packs/") if info.key.endswith(ending)]
    return key


def test_what_was_sent_is_known_and_can_be_brought(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    oids = sent(store, repo, b"one", b"two", b"three")
    packs = packs_of(store, other)
    assert all(oid in packs for oid in oids)
    assert Oid(b"\1" * 20) not in packs
    assert packs.bring([packs.find(oids[0]) or ""], other.objects)[0] == 3
    assert [other.objects.read(oid)[1] for oid in oids] == [b"one", b"two", b"three"]


def test_an_index_is_fetched_once(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    [oid] = sent(store, repo, b"one")
    packs_of(store, other)
    store.put(key_of(store, ".idx"), bytes(len(store.get(key_of(store, ".idx")))))
    assert oid in packs_of(store, other)


def test_every_bit_of_an_index_counts(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    [oid] = sent(store, repo, b"one")
    key = key_of(store, ".idx")
    data = store.get(key)
    for at in range(0, len(data), 37):
        store.put(key, data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        packs = packs_of(store, other, f"copies{at}")
        assert oid not in packs
        assert list(packs.damaged) == [key]
        assert packs.unknown() == [key.rpartition("-")[2].removesuffix(".idx")]


def test_an_index_of_another_pack_is_not_believed(repo: Repository, other: Repository) -> None:
    store, elsewhere = MemoryStore(), MemoryStore()
    [oid] = sent(store, repo, b"one")
    [foreign] = sent(elsewhere, repo, b"two")
    store.put(key_of(store, ".idx"), elsewhere.get(key_of(elsewhere, ".idx")))
    packs = packs_of(store, other)
    assert oid not in packs
    assert foreign not in packs


def test_a_pack_without_its_index_does_not_count(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    [oid] = sent(store, repo, b"one")
    store.delete([key_of(store, ".idx")])
    packs = packs_of(store, other)
    assert oid not in packs
    assert packs.is_empty
    assert len(packs.unknown()) == 1, "what it holds can still be looked for"


def test_an_index_without_its_pack_does_not_count(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    [oid] = sent(store, repo, b"one")
    store.delete([key_of(store, ".pack")])
    assert oid not in packs_of(store, other)


def test_a_damaged_pack_is_named_and_not_added(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    [oid] = sent(store, repo, b"one" * 100)
    key = key_of(store, ".pack")
    data = store.get(key)
    for at in (0, 12, 20, len(data) - 1):
        store.put(key, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        packs = packs_of(store, other)
        with pytest.raises(CorruptRemote, match=key):
            packs.bring([packs.find(oid) or ""], other.objects)
        assert oid not in other.objects
    assert not list(Path(other.common_dir, "assay/incoming").iterdir())


def test_many_packs_and_a_large_one_are_all_searched(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.remotes.bucket.packs._SMALL", 3)
    store = MemoryStore()
    oids = sent(store, repo, *(f"large {number}".encode() for number in range(5)))
    for number in range(4):
        oids += sent(store, repo, f"small {number}".encode())
    packs = packs_of(store, repo)
    assert all(oid in packs for oid in oids)
    assert len({packs.find(oid) for oid in oids}) == 5
