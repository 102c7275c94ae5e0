"""Many small Git packs become one: nothing is missing at any moment, and whoever comes later asks for few files."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied, CorruptRemote
from assay.engine.events import silent
from assay.engine.git.objects import BLOB
from assay.engine.git.repository import Repository
from assay.engine.model import Oid
from assay.remotes.bucket.join import join_small
from assay.remotes.bucket.packs import BucketPacks, decode_over, encode_over
from assay.remotes.copies import Copies
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.init(str(tmp_path / "repo"))


@pytest.fixture
def other(tmp_path: Path) -> Repository:
    return Repository.init(str(tmp_path / "other"))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.remotes.bucket.join.MANY", 4)


def packs_of(store: MemoryStore | Around, repo: Repository) -> BucketPacks:
    packs = BucketPacks(store, Copies(f"{repo.common_dir}/copies"), f"{repo.common_dir}/incoming", 4, silent)
    packs.refresh()
    return packs


def push(store: MemoryStore | Around, repo: Repository, number: int) -> Oid:
    oid = repo.objects.write(BLOB, f"content {number}".encode())
    packs = packs_of(store, repo)
    packs.send([oid], repo.objects.pack_to)
    packs.tidy()
    join_small(packs, f"{repo.common_dir}/incoming")
    return oid


def test_many_pushes_leave_few_packs_and_every_object(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    oids = [push(store, repo, number) for number in range(30)]
    assert len(list(store.list("git/packs/"))) < 30
    packs = packs_of(store, other)
    names = {packs.find(oid) or "" for oid in oids}
    assert len(names) <= 5
    packs.bring(names, other.objects)
    assert all(oid in other.objects for oid in oids)
    assert not list(Path(repo.common_dir, "incoming").iterdir())


def test_replaced_packs_are_not_looked_at_even_where_they_cannot_be_removed(
    repo: Repository, other: Repository
) -> None:
    class Append(Around):
        def delete(self, keys: object) -> None:
            raise AccessDenied("No.")

    class Counting(Around):
        got = 0

        def get(self, key: str) -> bytes:
            Counting.got += 1
            return super().get(key)

    store = MemoryStore()
    oids = [push(Append(store), repo, number) for number in range(15)]
    packs = packs_of(Counting(store), other)
    assert all(packs.find(oid) for oid in oids)
    assert Counting.got < 15


def test_what_is_joined_stays_while_its_new_index_is_damaged(repo: Repository, other: Repository) -> None:
    store = MemoryStore()
    oids = [push(store, repo, number) for number in range(5)]
    [over] = [info.key for info in store.list("git/packs/over-")]
    name, olds = decode_over(store.get(over), over)
    assert len(olds) == 5
    store.put(f"git/packs/pack-{name}.idx", b"?")
    packs = packs_of(store, other)
    assert all(packs.find(oid) in olds for oid in oids)


def test_a_fetch_whose_pack_was_joined_meanwhile_looks_again(repo: Repository, other: Repository) -> None:
    from assay.remotes.bucket.transport import _Bringing

    store = MemoryStore()
    oids = [push(store, repo, number) for number in range(4)]
    packs = packs_of(store, other)
    push(store, repo, 4)
    push(store, repo, 5)
    assert not [info for info in store.list("git/packs/") if (packs.find(oids[0]) or "") in info.key]
    _Bringing(packs, other.objects, other.objects).bring(oids)
    assert all(oid in other.objects for oid in oids)


def test_damaged_packs_are_not_joined(repo: Repository) -> None:
    store = MemoryStore()
    for number in range(4):
        push(store, repo, number)
    key = next(info.key for info in store.list("git/packs/") if info.key.endswith(".pack"))
    store.put(key, b"?" * len(store.get(key)))
    push(store, repo, 4)
    assert not list(store.list("git/packs/over-"))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"assay":2,"over":[],"pack":"a"}', b'{"assay":1,"over":3,"pack":"a"}'])
def test_what_a_writer_would_not_write_is_refused(data: bytes) -> None:
    from hashlib import sha1

    with pytest.raises(CorruptRemote):
        decode_over(data, f"git/packs/over-{sha1(data).hexdigest()}")
    with pytest.raises(CorruptRemote, match="damaged"):
        decode_over(encode_over("a", ["b"]) + b" ", "git/packs/over-" + "0" * 40)
