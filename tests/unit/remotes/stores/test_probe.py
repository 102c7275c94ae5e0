"""What `remote test` finds out, on real servers and on stores that do something else than they should."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assay.engine.errors import AccessDenied
from assay.engine.ports import KeyInfo, RemoteStore
from assay.remotes.registry import Remote, bare_store
from assay.remotes.stores.around import Around
from assay.remotes.stores.memory import MemoryStore
from assay.remotes.stores.probe import Verdict, probe
from tests.faults.remotes import BitFlippingStore, DenyingStore
from tests.s3server import S3Server


def found(verdict: Verdict) -> dict[str, bool | None]:
    return {finding.what: finding.can for finding in verdict.findings}


def test_a_store_that_can_do_everything_is_left_as_it_was() -> None:
    store = MemoryStore()
    store.put("there", b"before")
    verdict = probe(store)
    assert verdict.can_read
    assert verdict.can_write
    assert found(verdict) == {
        "read": True, "write": True, "list": True, "parts": True, "exclusive": True, "remove": True, "latency": None,
    }  # fmt: skip
    assert [(info.key, info.size) for info in store.list("")] == [("there", 6)]


@pytest.mark.parametrize(
    ("kind", "exclusive"), [("s3", True), ("rclone_s3", False), ("moto", True), ("sftp", False), ("webdav", False)]
)
def test_a_real_server_is_seen_for_what_it_is(kind: str, exclusive: bool, request: pytest.FixtureRequest) -> None:
    store = bare_store(Remote("far", *request.getfixturevalue(kind)))
    verdict = probe(store)
    expected = {"read": True, "write": True, "list": True, "parts": True, "exclusive": exclusive, "remove": True}
    assert {key: can for key, can in found(verdict).items() if key in expected} == expected, verdict
    assert list(store.list("")) == [], "nothing is left behind"
    if "s3" in kind:
        assert found(verdict)["clock"] is True
    store.close()


def test_a_reader_of_s3_is_told_that_it_cannot_push(s3: tuple[str, dict[str, str]], s3_server: S3Server) -> None:
    store = bare_store(Remote("r", s3[0], s3_server.settings(read_only=True)))
    verdict = probe(store)
    store.close()
    assert (verdict.can_read, verdict.can_write) == (True, False)
    says = next(finding.says for finding in verdict.findings if finding.what == "write")
    assert "refused" in says


def test_a_server_that_is_not_there_is_a_finding() -> None:
    verdict = probe(bare_store(Remote("r", "s3://b/x", {"endpointurl": "http://127.0.0.1:9", "access_key_id": "a",
                                                       "secret_access_key": "b", "region": "x"})))  # fmt: skip
    assert not verdict.can_read
    assert "does not answer" in verdict.findings[0].says
    assert all("file by file" not in finding.says for finding in verdict.findings), "nothing can be had there"


def test_bytes_that_change_are_noticed() -> None:
    verdict = probe(BitFlippingStore(MemoryStore(), "small"))
    assert found(verdict)["write"] is False
    assert not verdict.can_write


class ForgetfulLists(Around):
    """Shows what was just written later."""

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        return iter(())


class NoLists(Around):
    """Answers as S3 does to whoever may not list: what is missing is denied as well."""

    def list(self, prefix: str) -> Iterator[KeyInfo]:
        raise AccessDenied("Listing was refused.")

    def get(self, key: str) -> bytes:
        if self.store.size(key) is None:
            raise AccessDenied("Reading was refused.")
        return self.store.get(key)


class WrongParts(Around):
    """Gives another part."""

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return self.store.get_range(key, start + 1, length)


class Behind(Around):
    """Knows another time."""

    def clock_ahead(self) -> float:
        return 7200.0


@pytest.mark.parametrize(
    ("kind", "what", "says"),
    [
        (ForgetfulLists, "list", "shows 0 of 3"),
        (NoLists, "list", "file by file"),
        (WrongParts, "parts", "not that part"),
        (Behind, "clock", "7200 s ahead of"),
    ],
)
def test_what_is_missing_is_said_with_what_is_done_instead(kind: type[Around], what: str, says: str) -> None:
    memory = MemoryStore()
    verdict = probe(kind(memory))
    assert verdict.can_write
    finding = next(finding for finding in verdict.findings if finding.what == what)
    assert finding.can is False
    assert says in finding.says
    assert list(memory.list("")) == []


def test_who_may_only_read_leaves_nothing() -> None:
    memory = MemoryStore()
    verdict = probe(DenyingStore(memory))
    assert (verdict.can_read, verdict.can_write) == (True, False)
    assert list(memory.list("")) == []


def test_a_store_is_asked_through_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    store: RemoteStore = MemoryStore()
    times = iter(range(100))
    latency = next(finding for finding in probe(store, patience=lambda: next(times)).findings if finding.can is None)
    assert latency.says == "A small request takes 1000 ms."
