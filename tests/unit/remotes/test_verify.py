"""What is hashed while it crosses."""

from __future__ import annotations

from hashlib import sha1, sha256
from pathlib import Path

import pytest

from assay.engine.errors import AssayError, CorruptRemote, RemoteError, StoreError
from assay.remotes.copies import Copies
from assay.remotes.verify import CheckedFile, GitPackSum, Received

DATA = b"some content" * 1000
NAME = sha256(DATA).hexdigest()


def damaged() -> AssayError:
    return RemoteError("damaged")


def read_all(source: CheckedFile, size: int = 4096) -> bytes:
    return b"".join(iter(lambda: source.read(size), b""))


def test_a_sound_file_is_read_to_its_end_as_often_as_needed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA)
    with CheckedFile(str(tmp_path / "file"), sha256, NAME, damaged) as source:
        assert source.size == len(DATA)
        assert read_all(source) == DATA
        source.restart()
        source.read(10)
        source.restart()
        assert read_all(source) == DATA


@pytest.mark.law(3)
def test_a_damaged_file_has_no_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DATA[:-1] + b"?")
    source = CheckedFile(str(tmp_path / "file"), sha256, NAME, damaged)
    with source, pytest.raises(RemoteError, match="damaged"):
        read_all(source)


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        CheckedFile(str(tmp_path / "file"), sha256, NAME, damaged)


def test_what_is_received_whole_can_be_had(tmp_path: Path) -> None:
    with Received(str(tmp_path / "new"), sha256, NAME, "key") as received:
        received.write(b"a first attempt")
        received.restart()
        received.write(DATA)
        assert Path(received.checked().path).read_bytes() == DATA
    assert list((tmp_path / "new").iterdir()) == [], "what nobody takes is gone"


@pytest.mark.law(3)
def test_what_is_received_damaged_cannot(tmp_path: Path) -> None:
    with Received(str(tmp_path), sha256, NAME, "packs/x") as received:
        received.write(DATA[:-1] + b"?")
        with pytest.raises(CorruptRemote, match="packs/x is damaged"):
            received.checked()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1, 7, 19, 20, 21, 1000])
def test_the_sum_of_a_git_pack_is_its_last_twenty_bytes(step: int) -> None:
    body = b"PACK" + bytes(range(200))
    pack = body + sha1(body).digest()
    state = GitPackSum()
    for start in range(0, len(pack), step):
        state.update(pack[start : start + step])
    assert state.digest() == sha1(body).digest()


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 100])
def test_what_is_no_git_pack_has_no_sum(data: bytes) -> None:
    state = GitPackSum()
    state.update(data)
    assert state.digest() == b""


def test_copies_are_kept_and_may_vanish(tmp_path: Path) -> None:
    copies = Copies(str(tmp_path / "copies"))
    assert copies.read("a/b") is None
    copies.write("a/b", b"1")
    assert copies.read("a/b") == b"1"
    copies.write_many("many", {"x": b"1"})
    assert copies.read_many("many") == {"x": b"1"}


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81", b"\x93\x01\x02\x03", b"\x81\xa1a\x01", b"\x81\x01\xc4\x011"])
def test_a_damaged_copy_of_many_is_no_copy(tmp_path: Path, data: bytes) -> None:
    copies = Copies(str(tmp_path))
    copies.write("many", data)
    assert copies.read_many("many") == {}


def test_copies_that_cannot_be_written_are_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    copies = Copies(str(tmp_path / "file"))
    copies.write("a", b"1")
    assert copies.read("a") is None
