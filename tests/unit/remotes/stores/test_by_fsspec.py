"""Remotes through fsspec: settings in DVC's words, servers that only show pages, sentences for what goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from assay.engine.errors import AccessDenied, ConfigError, KeyMissing, RemoteError, Unavailable
from assay.remotes.registry import Remote, bare_store, open_store
from assay.remotes.stores import by_fsspec as stores_fsspec
from assay.remotes.stores.by_fsspec import FsspecStore
from assay.remotes.stores.kinds import KINDS
from tests import rclone
from tests.contracts.test_remote_store import Bytes, received

Served = tuple[str, dict[str, str]]


@pytest.fixture
def page(http_server: rclone.Served) -> Served:
    """A URL on a server over HTTP that holds a key, and the settings that reach it."""
    (http_server.folder / "team/a").mkdir(parents=True, exist_ok=True)
    (http_server.folder / "team/a/key").write_bytes(b"0123456789")
    return f"http://127.0.0.1:{http_server.port}/team", dict(http_server.settings)


def test_what_a_web_server_shows_can_be_read(page: Served) -> None:
    store = bare_store(Remote("web", *page))
    assert store.get("a/key") == received(store, "a/key") == b"0123456789"
    assert store.get_range("a/key", 3, 4) == b"3456"
    assert store.has_ranges()
    assert (store.size("a/key"), store.size("a/other")) == (10, None)
    with pytest.raises(KeyMissing, match="a/other"):
        store.get("a/other")
    store.close()


def test_nothing_is_written_or_listed_over_http(page: Served) -> None:
    store = bare_store(Remote("web", *page))
    for attempt in (
        lambda: store.put("k", b""),
        lambda: store.put_from("k", Bytes(b"x")),
        lambda: store.delete(["a/key"]),
    ):
        with pytest.raises(AccessDenied, match="remotes over HTTP are only read"):
            attempt()
    with pytest.raises(AccessDenied, match="cannot be listed"):
        store.list("")
    assert store.get("a/key") == b"0123456789"
    store.close()


def test_a_wrong_password_over_http_is_an_access_denied(page: Served) -> None:
    store = bare_store(Remote("web", page[0], {**page[1], "password": "wrong"}))
    for attempt in (lambda: store.get("a/key"), lambda: store.size("a/key")):
        with pytest.raises(AccessDenied) as caught:
            attempt()
        assert "wrong" not in caught.value.message
    store.close()


def test_a_wrong_password_over_webdav_is_an_access_denied(webdav: Served) -> None:
    store = bare_store(Remote("dav", webdav[0], {**webdav[1], "password": "wrong"}))
    for attempt in (lambda: store.get("key"), lambda: store.put("key", b""), lambda: list(store.list(""))):
        with pytest.raises(AccessDenied):
            attempt()
    store.close()


def test_a_server_whose_key_is_not_known_gets_nothing(sftp: Served, tmp_path: Path) -> None:
    (tmp_path / "nobody").write_text("")
    store = bare_store(Remote("far", sftp[0], {**sftp[1], "known_hosts": str(tmp_path / "nobody")}))
    with pytest.raises(AccessDenied, match=r"key of the server at ssh://.* is not known") as caught:
        store.put("key", b"")
    assert "known_hosts" in caught.value.hint


def test_a_key_that_the_server_does_not_know_is_an_access_denied(sftp: Served) -> None:
    stranger = sftp[1]["keyfile"].replace("/id", "/stranger")
    with pytest.raises(AccessDenied, match="refused"):
        bare_store(Remote("far", sftp[0], {**sftp[1], "keyfile": stranger})).get("key")


@pytest.mark.parametrize("scheme", ["ssh", "http", "webdav"])
def test_a_server_that_is_not_there_is_unavailable(scheme: str) -> None:
    with pytest.raises(Unavailable):
        bare_store(Remote("far", f"{scheme}://127.0.0.1:9/x", {})).get("key")


def test_over_ssh_a_value_is_replaced_by_a_rename_and_leaves_nothing_else(sftp: Served, tmp_path: Path) -> None:
    store = bare_store(Remote("far", *sftp))
    store.put("a/key", b"one")
    store.put("a/key", b"two")
    with pytest.raises(RemoteError, match="damaged"):
        store.put_from("a/key", Bytes(b"x" * 100, fail_at=50))
    files = [path for path in (tmp_path / "remote").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["key"]
    assert files[0].read_bytes() == b"two"
    store.close()


def test_what_a_killed_writer_left_is_not_listed(sftp: Served, tmp_path: Path) -> None:
    store = bare_store(Remote("far", *sftp))
    store.put("key", b"")
    (tmp_path / "remote/tmp/unfinished-00").write_bytes(b"half")
    assert [info.key for info in store.list("")] == ["key"]
    store.close()


class Uploading(MemoryFileSystem):
    """A client whose large values become visible when they are closed, as those of Google and Microsoft do."""

    thrown_away = 0

    def open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        return Upload(self, path) if mode == "wb" and "data" not in more else super().open(path, mode, **more)


class Upload:
    """What is being uploaded."""

    def __init__(self, fs: Uploading, path: str) -> None:
        self.fs, self.path, self.data, self.closed = fs, path, b"", False

    def write(self, data: bytes) -> None:
        self.data += data

    def discard(self) -> None:
        type(self.fs).thrown_away += 1

    def close(self) -> None:
        if not self.closed:
            self.fs.pipe_file(self.path, self.data)

    __del__ = close


def test_a_large_value_is_streamed_and_thrown_away_when_its_source_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores_fsspec, "_WHOLE", 10)
    monkeypatch.setattr(stores_fsspec, "_CHUNK", 7)
    monkeypatch.setattr(Uploading, "store", {})
    store = FsspecStore("x://", "/large", Uploading)
    store.put_from("good", Bytes(b"0123456789" * 5))
    with pytest.raises(RemoteError, match="damaged"):
        store.put_from("bad", Bytes(b"0123456789" * 5, fail_at=21))
    assert [(info.key, info.size) for info in store.list("")] == [("good", 50)]
    assert Uploading.thrown_away == 1


@pytest.mark.parametrize("scheme", ["gs", "azure", "ssh", "webdav"])
def test_a_missing_package_is_a_sentence_with_the_command(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, KINDS[scheme].client.partition(":")[0], None)
    store = open_store(Remote("far", f"{scheme}://place/x", {"account_name": "a"} if scheme == "azure" else {}))
    with pytest.raises(ConfigError, match=f"{scheme}:// need a package") as caught:
        store.get("key")
    assert f"pip install 'assay[{KINDS[scheme].extra}]'" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "settings", "expected"),
    [
        ("gs://b/p", {"projectname": "p", "credentialpath": "/k.json"}, {"project": "p", "token": "/k.json"}),
        ("gs://b/p", {"allow_anonymous_login": "true"}, {"token": "anon"}),
        ("gs://b/p", {"endpointurl": "http://h"}, {"endpoint_url": "http://h"}),
        (
            "azure://c/p",
            {"account_name": "a", "sas_token": "s"},
            {"account_name": "a", "sas_token": "s", "anon": False},
        ),
        ("abfs://c@acc.dfs.core.windows.net/p", {"account_key": "k"}, {"account_name": "acc", "account_key": "k"}),
        ("azure://c/p", {"exclude_environment_credential": "true"}, {"exclude_environment_credential": True}),
        ("azure://c/p", {"allow_anonymous_login": "true", "timeout": "7"}, {"anon": True, "timeout": 7}),
        ("ssh://ann@h:2222/p", {}, {"host": "h", "username": "ann", "port": 2222, "known_hosts": ()}),
        ("ssh://h/p", {"user": "bob", "port": "99", "password": "x"}, {"username": "bob", "port": 99, "password": "x"}),
        ("sftp://h/p", {"keyfile": "/k", "allow_agent": "no"}, {"client_keys": ["/k"], "agent_path": None}),
        (
            "webdavs://h/p",
            {"user": "u", "password": "p"},
            {"base_url": "https://h", "auth": ("u", "p"), "verify": True},
        ),
        (
            "webdav://h/p",
            {"token": "t", "ssl_verify": "false"},
            {"headers": {"Authorization": "Bearer t"}, "verify": False},
        ),
        ("webdav://h/p", {"cert_path": "/c", "key_path": "/k"}, {"cert": ("/c", "/k")}),
    ],
)
def test_settings_have_the_words_of_dvc(url: str, settings: dict[str, str], expected: dict[str, Any]) -> None:
    remote = Remote("far", url, settings)
    made = KINDS[remote.scheme].arguments(remote)
    assert {name: made.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("gs://bucket/a/b/", "bucket/a/b"),
        ("azure://container/a", "container/a"),
        ("abfs://container@acc.dfs.core.windows.net/a", "container/a"),
        ("ssh://ann@host:22/srv/a%20b", "/srv/a b"),
        ("webdavs://host/dav/x", "/dav/x"),
        ("https://host/x", "https://host/x"),
    ],
)
def test_where_a_remote_begins(url: str, root: str) -> None:
    assert KINDS[url.partition(":")[0]].root(url) == root


def test_a_setting_that_is_no_number_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"remote\.far\.port is 'x'"):
        open_store(Remote("far", "ssh://host/x", {"port": "x"}))


def test_a_setting_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="'account_key', which is not supported"):
        open_store(Remote("far", "gs://b", {"account_key": "x"}))
