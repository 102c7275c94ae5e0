"""engine/store/files.py: a file that holds still, and one that does not."""

from __future__ import annotations

import os
import threading

import pytest

from assay.engine.errors import StoreError
from assay.engine.store.files import Descriptor, Reading, read_whole


def test_a_file_is_read_with_its_stat(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    data, stat = read_whole(str(tmp_path / "f"))
    assert data == b"content"
    assert os.path.samestat(stat, os.stat(tmp_path / "f"))


def test_a_symlink_is_followed(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    (tmp_path / "l").symlink_to("f")
    assert read_whole(str(tmp_path / "l"))[0] == b"content"


def test_a_file_that_may_not_be_read_is_a_sentence(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError, match=r"secret cannot be read: Permission denied\.") as caught:
        read_whole(str(tmp_path / "secret"))
    assert caught.value.hint


def test_reading_fewer_bytes_than_there_are_is_not_the_whole(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    with Reading(str(tmp_path / "f")) as file:
        assert file.is_whole(7)
        assert not file.is_whole(6)


def test_a_change_of_the_file_shows(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    with Reading(str(tmp_path / "f")) as file:
        os.utime(tmp_path / "f", (1, 1))
        assert not file.is_whole(7)


def test_a_descriptor_closes_when_nobody_holds_it(tmp_path):
    (tmp_path / "f").write_bytes(b"content")
    file = Descriptor(str(tmp_path / "f"))
    fd = file.fd
    assert os.pread(fd, 7, 0) == b"content"
    del file
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pread(fd, 7, 0)


def test_a_descriptor_of_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Descriptor(str(tmp_path / "none"))


def test_a_file_that_grows_all_the_time_is_refused(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1000)
    stop = threading.Event()

    def grow():
        with open(path, "ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"x" * 4096)

    def read():
        for _ in range(1000):
            read_whole(str(path))

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        with pytest.raises(StoreError, match="changed while it was being read"):
            read()
    finally:
        stop.set()
        writer.join()
