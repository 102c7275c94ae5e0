"""Statements in one file: what is refused, and when a push makes such a file and removes what it stands for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.engine.errors import AccessDenied, CorruptRemote
from assay.engine.model import Oid
from assay.engine.ports import RefUpdate
from assay.remotes.bucket import compaction
from assay.remotes.bucket.compaction import Compaction, compacted
from assay.remotes.bucket.refs import BucketRefs
from assay.remotes.bucket.statements import Statement
from assay.remotes.copies import Copies
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore
from tests.sharing import CountingIds, SteadyClock

NAME = "refs/exps/12/" + "3" * 38 + "/exp"
FOLDER = "git/refs/12" + "3" * 38 + ".d/"
A = Oid(b"\1" * 20)


def refs_on(store: MemoryStore | Around, folder: Path) -> BucketRefs:
    return BucketRefs(store, Copies(str(folder)), "xxh128", SteadyClock(), CountingIds(), 4)


def publish(refs: BucketRefs, number: int) -> None:
    known = refs.read([NAME])
    [result] = refs.move([RefUpdate(f"{NAME}{number}", None, Oid(number.to_bytes(20, "big")))], known)
    assert result.problem == ""


def test_many_pushes_leave_few_files_and_every_ref(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.remotes.bucket.refs._MANY", 5)
    store = MemoryStore()
    for number in range(40):
        publish(refs_on(store, tmp_path / str(number % 3)), number)
        assert len(list(store.list(FOLDER))) < 14
    values = refs_on(store, tmp_path / "new").read(["refs/exps/"]).values
    assert values == {f"{NAME}{number}": Oid(number.to_bytes(20, "big")) for number in range(40)}


def test_a_reader_whose_files_went_away_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.remotes.bucket.refs._MANY", 5)
    store = MemoryStore()
    for number in range(6):
        publish(refs_on(store, tmp_path), number)

    class Late(Around):
        """The first list is from before somebody else's push."""

        looked = False

        def list(self, prefix: str):  # type: ignore[no-untyped-def]
            found = list(super().list(prefix))
            if prefix == FOLDER and not Late.looked:
                Late.looked = True
                publish(refs_on(store, tmp_path), 6)
            return iter(found)

    assert len(refs_on(Late(store), tmp_path / "new").read([NAME]).values) == 7


def test_who_may_not_delete_can_publish_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.remotes.bucket.refs._MANY", 3)

    class Append(Around):
        def delete(self, keys: object) -> None:
            raise AccessDenied("No.")

    store = MemoryStore()
    for number in range(9):
        publish(refs_on(Append(store), tmp_path), number)
    assert len(refs_on(store, tmp_path / "new").read([NAME]).values) == 9


def test_what_is_retired_is_not_repeated(tmp_path: Path) -> None:
    file = compacted({"s1": Statement(1, "n", {NAME: A}, {}), "s2": Statement(2, "m", {}, {NAME: ("s1", "s0")})})
    assert file == Compaction(frozenset({"s1", "s2"}), {"s2": Statement(2, "m", {}, {NAME: ("s0",)})}, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"covers": "s1"},
        {"covers": [1]},
        {"covers": []},
        {"said": []},
        {"said": {"s1": {}}},
        {"said": {"s1": {"nonce": "n", "retire": {}, "set": {"HEAD": "01" * 20}, "time": 1}}},
        {"time": "now"},
        {"assay": 2},
    ],
)
def test_what_a_writer_would_not_write_is_refused(change: dict[str, object]) -> None:
    good = compaction.encode(compacted({"s1": Statement(1, "n", {NAME: A}, {})}))
    data = json.dumps({**json.loads(good), **change}, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(CorruptRemote):
        compaction.read(data, "git/refs/x")
