"""What is S3's own: large values in parts, servers that ignore conditions, sentences for what goes wrong."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.engine.errors import AccessDenied, ConfigError, KeyMissing, RemoteError, Unavailable
from assay.engine.ports import RemoteStore
from assay.remotes.registry import Remote, open_store
from assay.remotes.s3 import parts as s3_parts
from assay.remotes.s3 import store as stores_s3
from assay.remotes.s3.errors import answer
from assay.remotes.s3.journal import Journal
from assay.remotes.s3.store import S3Settings, S3Store
from assay.remotes.stores.probe import probe
from assay.remotes.stores.retry import Retrying
from tests import s3server
from tests.contracts.test_remote_store import Bytes, received
from tests.s3server import S3Server

S3 = tuple[str, dict[str, str]]


@pytest.fixture
def opened() -> Iterator[list[RemoteStore]]:
    """Stores to close in the end."""
    stores: list[RemoteStore] = []
    yield stores
    for store in stores:
        store.close()


def settings_of(words: dict[str, str]) -> S3Settings:
    return S3Settings(**words, addressing_style="path")  # type: ignore[arg-type]


@pytest.fixture
def store(s3: S3, opened: list[RemoteStore]) -> S3Store:
    url, words = s3
    opened.append(made := S3Store(url, settings_of(words)))
    return made


class IgnoringConditions(S3Store):
    """A server that takes conditions and does not look at them, as some do."""

    def _raw(self, method: str, **arguments: Any) -> Any:
        return super()._raw(method, **{key: value for key, value in arguments.items() if not key.startswith("If")})


class RefusingEveryMatch(S3Store):
    """A server whose If-Match never matches, as that of Ceph RGW 16."""

    def _raw(self, method: str, **arguments: Any) -> Any:
        if "IfMatch" in arguments:
            arguments["IfMatch"] = '"00000000000000000000000000000000"'
        return super()._raw(method, **arguments)


class SendingWholes(S3Store):
    """A server that sends the whole value to whoever asks for a part, as rclone's."""

    def _raw(self, method: str, **arguments: Any) -> Any:
        arguments.pop("Range", None)
        return super()._raw(method, **arguments)


def test_a_part_is_cut_from_a_whole_and_the_store_known_for_it(s3: S3, opened: list[RemoteStore]) -> None:
    url, words = s3
    opened.append(store := SendingWholes(url, settings_of(words)))
    store.put("large", bytes(range(256)) * 40_000)
    assert store.has_ranges()
    assert store.get_range("large", 9_000_001, 3) == bytes([0x41, 0x42, 0x43])
    assert store.get_range("large", 10_240_000 - 2, 9) == bytes([0xFE, 0xFF])
    assert store.get_range("large", 20_000_000, 9) == b""
    assert not store.has_ranges()


@pytest.mark.parametrize("kind", [IgnoringConditions, RefusingEveryMatch])
def test_conditions_are_tried_and_not_trusted(s3: S3, opened: list[RemoteStore], kind: type[S3Store]) -> None:
    url, words = s3
    opened.append(store := kind(url, settings_of(words)))
    assert not store.is_atomic()
    with pytest.raises(RemoteError, match="does not honour conditional writes"):
        store.create("key", b"data")
    assert list(store.list("")) == [], "the scratch key is gone"


def test_this_server_honours_conditions(store: S3Store) -> None:
    assert store.is_atomic()
    assert list(store.list("")) == []


def test_a_refused_create_of_our_own_bytes_has_succeeded(store: S3Store) -> None:
    """A request whose answer was lost is sent again, and then refused because of what it wrote."""
    assert store.create("key", b"with a nonce")
    assert store.create("key", b"with a nonce")
    assert store.swap("key", b"with a nonce", b"next")
    assert store.swap("key", b"with a nonce", b"next")


class Cut(BaseException):
    """The process ends here."""


class Ending(S3Store):
    """Ends the process after so many parts, and counts them."""

    parts_left = 99
    sent = 0

    def _raw(self, method: str, **arguments: Any) -> Any:
        if method == "upload_part":
            if not self.parts_left:
                raise Cut
            self.parts_left -= 1
            self.sent += 1
        return super()._raw(method, **arguments)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores_s3, "_WHOLE", 1 << 20)
    monkeypatch.setattr(stores_s3, "_PART", 5 << 20)
    monkeypatch.setattr(s3_parts, "IN_FLIGHT", 1)


LARGE = bytes(range(256)) * 4096 * 10 + b"end"
"""A little more than 10 MiB: three parts."""


def cut_short(url: str, words: dict[str, str], journal: Journal | None, opened: list[RemoteStore]) -> Ending:
    """A store whose process ended after two parts of three."""
    opened.append(first := Ending(url, settings_of(words), journal))
    first.parts_left = 2
    with pytest.raises(Cut):
        first.put_from("large", Bytes(LARGE))
    return first


def uploads(store: S3Store) -> list[str]:
    """The keys of uploads that are under way below the store's prefix."""
    found = store._raw("list_multipart_uploads", Bucket="assay", Prefix=store._prefix)
    return [item["Key"] for item in found.get("Uploads") or []]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("kind", ["s3", "rclone_s3", "moto"])
def test_what_was_cut_short_is_continued(
    kind: str, request: pytest.FixtureRequest, opened: list[RemoteStore], tmp_path: Path
) -> None:
    url, words = request.getfixturevalue(kind)
    cut_short(url, words, Journal(str(tmp_path / "uploads")), opened)
    opened.append(second := Ending(url, settings_of(words), Journal(str(tmp_path / "uploads"))))
    assert second.size("large") is None
    second.put_from("large", Bytes(LARGE))
    assert second.sent == 1
    assert received(second, "large") == LARGE
    assert uploads(second) == []
    assert not list((tmp_path / "uploads").iterdir())


@pytest.mark.usefixtures("small_parts")
def test_without_a_journal_what_was_cut_short_is_thrown_away(s3: S3, opened: list[RemoteStore]) -> None:
    assert uploads(cut_short(*s3, None, opened)) == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("how", ["other bytes", "upload gone", "journal damaged", "other length of parts"])
def test_what_cannot_be_continued_is_sent_anew(
    how: str, s3: S3, opened: list[RemoteStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(str(tmp_path / "uploads"))
    first = cut_short(*s3, journal, opened)
    data = LARGE
    (file,) = (tmp_path / "uploads").iterdir()
    if how == "other bytes":
        data = LARGE[::-1]
    elif how == "upload gone":
        entry = journal.enter("large")
        first._call("writing", "abort_multipart_upload", "large", UploadId=entry.upload)
        entry.close()
    elif how == "journal damaged":
        file.write_bytes(file.read_bytes()[:-5])
    else:
        monkeypatch.setattr(stores_s3, "_PART", 6 << 20)
    opened.append(second := Ending(s3[0], settings_of(s3[1]), journal))
    second.put_from("large", Bytes(data))
    assert second.sent == {"journal damaged": 2, "other length of parts": 2}.get(how, 3)
    assert received(second, "large") == data
    assert uploads(second) == []


@pytest.mark.usefixtures("small_parts")
def test_uploads_of_others_are_never_touched(s3: S3, opened: list[RemoteStore], tmp_path: Path) -> None:
    theirs = cut_short(*s3, Journal(str(tmp_path / "theirs")), opened)
    opened.append(ours := Ending(s3[0], settings_of(s3[1]), Journal(str(tmp_path / "ours"))))
    ours.put_from("large", Bytes(LARGE))
    assert ours.sent == 3
    assert uploads(ours) == [f"{theirs._prefix}large"]
    theirs.parts_left, theirs.sent = 99, 0
    theirs.put_from("large", Bytes(LARGE))
    assert theirs.sent == 1


@pytest.mark.usefixtures("small_parts")
def test_an_upload_that_nobody_continued_for_a_week_is_given_up(
    s3: S3, opened: list[RemoteStore], tmp_path: Path
) -> None:
    journal = Journal(str(tmp_path / "uploads"))
    store = cut_short(*s3, journal, opened)
    (file,) = (tmp_path / "uploads").iterdir()
    os.utime(file, (0, 0))
    store.parts_left = 99
    store.put_from("another", Bytes(LARGE))
    assert uploads(store) == []
    assert not list((tmp_path / "uploads").iterdir())


def test_two_senders_of_one_value_do_not_share_an_upload(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path))
    first, second = journal.enter("key"), journal.enter("key")
    assert (first.is_kept, second.is_kept) == (True, False)
    first.begin("key", "theirs", 5)
    first.close()
    third = journal.enter("key")
    assert third.upload == "theirs"
    third.close()


def test_what_is_large_travels_in_parts(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores_s3, "_WHOLE", 1 << 20)
    monkeypatch.setattr(stores_s3, "_PART", 5 << 20)
    data = os.urandom(1 << 20) * 17
    store.put_from("large", Bytes(data))
    assert received(store, "large") == data
    assert store._call("reading", "head_object", "large")["ETag"].strip('"').endswith("-4")


def test_parts_of_what_is_damaged_are_thrown_away(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores_s3, "_WHOLE", 1 << 20)
    monkeypatch.setattr(stores_s3, "_PART", 5 << 20)
    with pytest.raises(RemoteError, match="damaged"):
        store.put_from("large", Bytes(os.urandom(12 << 20), fail_at=11 << 20))
    assert store.size("large") is None
    prefix = store.url.rpartition("/")[2]
    uploads = store._raw("list_multipart_uploads", Bucket="assay", Prefix=prefix).get("Uploads", [])
    assert uploads == []


def test_a_bucket_that_does_not_exist_is_named(s3: S3, opened: list[RemoteStore]) -> None:
    opened.append(store := S3Store("s3://no-such-bucket/x", settings_of(s3[1])))
    for attempt in (lambda: store.put("key", b""), lambda: list(store.list(""))):
        with pytest.raises(RemoteError, match="no bucket no-such-bucket"):
            attempt()


def test_a_wrong_secret_is_an_access_denied_with_a_hint(s3: S3, opened: list[RemoteStore]) -> None:
    url, words = s3
    opened.append(store := S3Store(url, settings_of({**words, "secret_access_key": "wrong"})))
    with pytest.raises(AccessDenied, match="Reading") as caught:
        store.get("key")
    assert "secret_access_key" in caught.value.hint
    assert "wrong" not in caught.value.message


def test_an_unknown_access_key_is_an_access_denied(s3: S3, opened: list[RemoteStore]) -> None:
    url, words = s3
    opened.append(store := S3Store(url, settings_of({**words, "access_key_id": "nobody"})))
    with pytest.raises(AccessDenied):
        store.put("key", b"")


def test_a_reader_is_told_that_it_may_not_write(s3: S3, s3_server: S3Server, opened: list[RemoteStore]) -> None:
    url, words = s3
    opened.append(owner := S3Store(url, settings_of(words)))
    owner.put("key", b"value")
    opened.append(reader := S3Store(url, settings_of(s3_server.settings(read_only=True))))
    assert reader.get("key") == b"value"
    for attempt in (lambda: reader.put("key", b"x"), lambda: reader.put_from("k", Bytes(b"x")), reader.is_atomic):
        with pytest.raises(AccessDenied, match=r"Writing s3://assay/.* was refused") as caught:
            attempt()
        assert caught.value.hint


@pytest.fixture
def blind(s3: S3, opened: list[RemoteStore]) -> S3Store:
    """The same place for somebody who may read and write there, but not list."""
    keys = {"access_key_id": s3server.SENDER_ACCESS_KEY, "secret_access_key": s3server.SENDER_SECRET_KEY}
    opened.append(store := S3Store(s3[0], settings_of({**s3[1], **keys})))
    return store


class LikeAws(S3Store):
    """Refuses what is missing to whoever may not list, as AWS does where SeaweedFS says that it is missing."""

    def _raw(self, method: str, **arguments: Any) -> Any:
        try:
            return super()._raw(method, **arguments)
        except Exception as error:
            if answer(error)[0] == 404 and method in ("get_object", "head_object"):
                error.response = {  # type: ignore[attr-defined]
                    "Error": {"Code": "403" if method == "head_object" else "AccessDenied"},
                    "ResponseMetadata": {"HTTPStatusCode": 403},
                }
            raise


@pytest.mark.parametrize(
    ("policy", "can"),
    [
        ("push", {"read": True, "write": True, "list": True, "exclusive": True, "remove": True}),
        ("pull", {"read": True, "write": False, "list": True}),
        ("no-list", {"read": True, "write": True, "list": False, "exclusive": True, "remove": False}),
    ],
)
def test_the_policies_of_the_guide_allow_what_they_say(
    policy: str, can: dict[str, bool], s3_server: S3Server, opened: list[RemoteStore]
) -> None:
    access, secret = s3server.GUIDE_KEYS[policy]
    keys = {**s3_server.settings(), "access_key_id": access, "secret_access_key": secret}
    opened.append(store := S3Store(f"s3://assay/houses/{os.urandom(4).hex()}", settings_of(keys)))
    verdict = probe(store)
    assert {finding.what: finding.can for finding in verdict.findings if finding.what in can} == can
    opened.append(elsewhere := S3Store("s3://assay/elsewhere", settings_of(keys)))
    with pytest.raises(AccessDenied):
        elsewhere.put("key", b"")


@pytest.mark.usefixtures("small_parts")
def test_the_policy_of_the_guide_lets_a_push_that_was_cut_short_go_on(
    s3_server: S3Server, opened: list[RemoteStore], tmp_path: Path
) -> None:
    access, secret = s3server.GUIDE_KEYS["push"]
    keys = {**s3_server.settings(), "access_key_id": access, "secret_access_key": secret}
    url, journal = f"s3://assay/houses/{os.urandom(4).hex()}", Journal(str(tmp_path))
    cut_short(url, keys, journal, opened)
    opened.append(second := Ending(url, settings_of(keys), journal))
    second.put_from("large", Bytes(LARGE))
    assert second.sent == 1


def test_who_may_not_list_can_still_put_and_get(blind: S3Store) -> None:
    with pytest.raises(AccessDenied, match="Listing"):
        list(blind.list(""))
    assert blind.size("key") is None
    blind.put("key", b"value")
    assert (blind.get("key"), blind.size("key")) == (b"value", 5)
    assert blind.is_atomic()


def test_what_is_missing_and_refused_to_whoever_may_not_list_is_missing(
    s3: S3, blind: S3Store, opened: list[RemoteStore]
) -> None:
    opened.append(store := LikeAws(s3[0], blind._settings))
    assert store.size("key") is None
    with pytest.raises(KeyMissing, match="does not exist, or may not be read") as caught:
        store.get("key")
    assert "s3:ListBucket" in caught.value.hint
    opened.append(sighted := LikeAws(s3[0], settings_of(s3[1])))
    with pytest.raises(AccessDenied):
        sighted.get("key")


def test_without_any_credentials_what_is_public_can_be_read(s3: S3, opened: list[RemoteStore]) -> None:
    name = os.urandom(4).hex()
    opened.append(owner := S3Store(f"s3://assay/public/{name}", settings_of(s3[1])))
    owner.put("key", b"value")
    keys = {"endpointurl": s3[1]["endpointurl"], "region": "us-east-1"}
    opened.append(anybody := S3Store(owner.url, S3Settings(**keys, anonymous=True, addressing_style="path")))
    assert anybody.get("key") == b"value"
    assert [(info.key, info.size) for info in anybody.list("")] == [("key", 5)]
    with pytest.raises(AccessDenied):
        anybody.put("key", b"")
    opened.append(elsewhere := S3Store(s3[0], S3Settings(**keys, anonymous=True, addressing_style="path")))
    with pytest.raises(AccessDenied):
        list(elsewhere.list(""))


def test_without_credentials_it_is_said_where_to_put_them(opened: list[RemoteStore], monkeypatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    opened.append(store := S3Store("s3://bucket/x", S3Settings(endpointurl="http://127.0.0.1:9", region="us-east-1")))
    with pytest.raises(AccessDenied, match="no credentials for s3://bucket") as caught:
        store.get("key")
    assert "access_key_id" in caught.value.hint


def test_an_unknown_profile_is_a_config_error(opened: list[RemoteStore]) -> None:
    opened.append(store := S3Store("s3://bucket/x", S3Settings(profile="nobody")))
    with pytest.raises(ConfigError, match="nobody"):
        store.get("key")


def test_a_server_that_is_not_there_is_named(s3: S3, opened: list[RemoteStore]) -> None:
    words = {**s3[1], "endpointurl": "http://127.0.0.1:9"}
    opened.append(store := S3Store(s3[0], settings_of(words)))
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9 does not answer") as caught:
        store.get("key")
    assert "endpointurl" in caught.value.hint


def test_an_endpoint_that_is_no_url_is_a_sentence(s3: S3, opened: list[RemoteStore]) -> None:
    opened.append(store := S3Store(s3[0], settings_of({**s3[1], "endpointurl": "not a url"})))
    with pytest.raises((ConfigError, RemoteError), match=r"endpoint|url"):
        store.get("key")


@pytest.mark.parametrize("bucket", ["UPPER_case", "a", "with space"])
def test_a_bucket_name_that_cannot_be_is_a_sentence(s3: S3, opened: list[RemoteStore], bucket: str) -> None:
    opened.append(store := S3Store(f"s3://{bucket}/x", settings_of(s3[1])))
    with pytest.raises((ConfigError, RemoteError)) as caught:
        store.put("key", b"")
    assert bucket in caught.value.message


def test_placeholders_of_folders_are_no_keys(store: S3Store) -> None:
    store._raw("put_object", Bucket="assay", Key=f"{store._prefix}git/heads/", Body=b"")
    store.put("git/heads/main", b"value")
    assert [info.key for info in store.list("git/")] == ["git/heads/main"]


def test_a_key_longer_than_the_server_takes_is_a_sentence(store: S3Store) -> None:
    with pytest.raises(RemoteError, match="KeyTooLong"):
        store.put("x" * 1500, b"")


class CuttingProxy:
    """Passes bytes to a server, and cuts the first connections after so many bytes of the answer."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._target = port
        self._cuts = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut = 0
        self._is_closed = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._is_closed:
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            limit = self._cuts.pop(0) if self._cuts else -1
            threading.Thread(target=self._pump, args=(client, server, -1), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, limit), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, left: int) -> None:
        try:
            while data := source.recv(65536):
                if 0 <= left < len(data):
                    sink.sendall(data[:left])
                    self.cut += 1
                    break
                sink.sendall(data)
                left -= len(data) if left >= 0 else 0
        except OSError:
            pass
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()

    def close(self) -> None:
        self._is_closed = True
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._accepting.join()  # else he may go on at the socket that gets this one's number
        self._listener.close()


@pytest.mark.parametrize("patient", [False, True])
def test_an_answer_that_is_cut_off_is_noticed_and_asked_for_again(
    s3: S3, opened: list[RemoteStore], patient: bool
) -> None:
    url, words = s3
    data = os.urandom(3 << 20)
    opened.append(direct := S3Store(url, settings_of(words)))
    direct.put("key", data)
    proxy = CuttingProxy(int(words["endpointurl"].rpartition(":")[2]), [1 << 20, 300_000])
    through = S3Store(url, settings_of({**words, "endpointurl": proxy.url}))
    try:
        if patient:
            assert received(Retrying(through, first_pause=0.01), "key") == data
            assert proxy.cut == 2
        else:
            with pytest.raises(Unavailable, match=r"Reading .* was cut off"):
                through.get("key")
    finally:
        through.close()
        proxy.close()


def test_nothing_is_printed_and_no_connection_left_when_the_process_ends(s3: S3, tmp_path: Path) -> None:
    url, words = s3
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from assay.remotes.registry import Remote, open_store\n"
        f"store = open_store(Remote('x', {url!r}, {words!r}))\n"
        "assert 's3fs' not in sys.modules, 'imported before it is needed'\n"
        "store.put('key', b'value' * 1000)\n"
        "assert store.get('key') == b'value' * 1000\n"
        "store.close()\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_registry_opens_it_with_its_settings(s3: S3, opened: list[RemoteStore]) -> None:
    url, words = s3
    opened.append(store := open_store(Remote("team", url, words)))
    store.put("key", b"value")
    assert store.get("key") == b"value"
    with pytest.raises(KeyMissing):
        store.get("other")


def test_credentials_may_come_from_a_file_of_the_remotes_own(s3: S3, opened: list[RemoteStore], tmp_path: Path) -> None:
    url, words = s3
    key, secret = words.pop("access_key_id"), words.pop("secret_access_key")
    (tmp_path / "mine").write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    (tmp_path / "none").write_text("")
    files = {"credentialpath": str(tmp_path / "mine"), "configpath": str(tmp_path / "none")}
    opened.append(store := open_store(Remote("r", url, {**words, **files, "acl": "private"})))
    store.put("a", b"1")
    assert store.get("a") == b"1"
