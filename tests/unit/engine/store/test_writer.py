"""engine/store/writer.py: adding artifacts."""

from __future__ import annotations

import os
import threading

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, StoreError
from assay.engine.layout import SMALL
from assay.engine.store import pack, repack
from assay.engine.store.digest import digest_bytes
from tests.stores import damage, files_below, put


def file(bench, data, name="f"):
    bench.write({name: data})
    return str(bench.root / name)


@pytest.mark.law(1)
def test_nothing_is_in_a_pack_before_the_block_ends(bench):
    with bench.cache.writer() as writer:
        digest = writer.add_bytes(b"x")
        assert bench.reopened().packs() == []
        assert digest not in bench.reopened()
        assert writer.has(digest)
    assert digest in bench.reopened()


@pytest.mark.law(1)
def test_a_block_that_fails_leaves_no_trace(bench):
    def fail():
        with bench.cache.writer() as writer:
            writer.add_bytes(b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert files_below(bench.folder) == []


def test_a_block_that_adds_nothing_makes_nothing(bench):
    with bench.cache.writer():
        pass
    assert not bench.folder.exists()


@pytest.mark.parametrize("size", [0, 1, SMALL - 1, SMALL, SMALL + 1, 3 * (1 << 20) + 5])
def test_a_file_is_added_with_its_digest_and_size(bench, size):
    data = os.urandom(size)
    with bench.cache.writer() as writer:
        assert writer.add_file(file(bench, data)) == (digest_bytes("xxh128", data), size)
    assert bench.reopened().read(digest_bytes("xxh128", data)) == data


def test_objects_from_256_kib_on_are_files_of_their_own(bench):
    small, big = put(bench.cache, b"x" * (SMALL - 1), b"x" * SMALL)
    assert bench.cache.loose_path(small) is None
    assert bench.cache.loose_path(big) is not None


def test_a_manifest_is_packed_whatever_its_size(bench, large):
    with bench.cache.writer() as writer:
        digest = writer.add_bytes(large, is_dir=True)
    assert bench.cache.loose_path(digest) is None
    assert bench.reopened().read(digest) == large


def test_what_is_there_is_not_written_again(bench, large):
    put(bench.cache, b"small", large)
    before = {name: os.stat(bench.folder / name).st_ino for name in files_below(bench.folder)}
    with bench.reopened().writer() as writer:
        writer.add_bytes(b"small")
        writer.add_bytes(large)
        writer.add_file(file(bench, b"small"))
        writer.add_file(file(bench, large))
    assert {name: os.stat(bench.folder / name).st_ino for name in files_below(bench.folder)} == before


def test_the_same_content_twice_is_one_object(bench):
    with bench.cache.writer() as writer:
        assert writer.add_bytes(b"x") == writer.add_bytes(b"x") == writer.add_file(file(bench, b"x"))[0]
    (info,) = bench.cache.packs()
    assert len(bench.cache.pack_entries(info.id)) == 1


def test_a_pack_that_is_full_is_followed_by_another(bench, monkeypatch):
    monkeypatch.setattr(pack, "LIMIT", 1000)
    contents = [b"%d" % number * 100 for number in range(30)]
    digests = put(bench.cache, *contents)
    assert len(bench.cache.packs()) > 1
    assert [bench.reopened().read(digest) for digest in digests] == contents


def test_a_damaged_object_is_replaced_by_what_is_added(bench, large):
    (digest,) = put(bench.cache, large)
    damage(bench.cache, digest)
    with bench.reopened().writer() as writer:
        writer.add_file(file(bench, large))
    assert bench.reopened().read(digest) == large


def test_a_path_where_nothing_is_cannot_be_added(bench):
    with pytest.raises(StoreError, match=r"nothing cannot be read: No such file"), bench.cache.writer() as writer:
        writer.add_file(str(bench.root / "nothing"))


def test_a_folder_cannot_be_added_as_a_file(bench):
    with pytest.raises(StoreError, match="not a regular file"), bench.cache.writer() as writer:
        writer.add_file(str(bench.root))


def test_a_pipe_does_not_make_the_writer_wait(bench):
    os.mkfifo(bench.root / "pipe")
    with pytest.raises(StoreError, match="not a regular file"), bench.cache.writer() as writer:
        writer.add_file(str(bench.root / "pipe"))


@pytest.mark.parametrize("size", [1000, SMALL + 1000])
def test_a_file_that_changes_once_while_it_is_read_is_read_again(bench, monkeypatch, size):
    path = file(bench, b"a" * size)
    real, calls = os.fstat, []

    def changing(fd):
        found = real(fd)
        if os.path.samestat(found, os.stat(path)):
            calls.append(fd)
            if len(calls) == 1:
                with open(path, "ab") as more:
                    more.write(b"more")
        return found

    monkeypatch.setattr(os, "fstat", changing)
    with bench.cache.writer() as writer:
        digest, added = writer.add_file(path)
    assert added == size + 4
    assert digest == digest_bytes("xxh128", b"a" * size + b"more")
    assert bench.reopened().read(digest) == b"a" * size + b"more"


@pytest.mark.parametrize("size", [1000, SMALL + 1000])
def test_a_file_that_keeps_changing_is_refused(bench, monkeypatch, size):
    path = file(bench, b"a" * size)
    real = os.fstat

    def changing(fd):
        found = real(fd)
        if os.path.samestat(found, os.stat(path)):
            with open(path, "ab") as more:
                more.write(b"more")
        return found

    monkeypatch.setattr(os, "fstat", changing)
    with pytest.raises(StoreError, match="changed while it was being read"), bench.cache.writer() as writer:
        writer.add_file(path)
    assert files_below(bench.folder) == []


def test_a_large_file_is_held_in_memory_only_in_part(bench, monkeypatch):
    data = os.urandom(5 << 20)
    sizes = []
    real = disk.NewFile.write

    def write(self, chunk):
        sizes.append(len(chunk))
        return real(self, chunk)

    monkeypatch.setattr(disk.NewFile, "write", write)
    with bench.cache.writer() as writer:
        writer._can_clone = False
        writer.add_file(file(bench, data))
    assert max(sizes) <= 1 << 20


def test_progress_adds_up_to_the_size(bench):
    heard = []
    with bench.cache.writer() as writer:
        writer.add_stable(file(bench, b"x" * (3 << 20)), heard.append)
        writer.add_stable(file(bench, b"x" * 10), heard.append)
    assert sum(heard) == (3 << 20) + 10


def test_several_threads_add_at_once(bench):
    contents = [os.urandom(size) for size in (10, 1000, SMALL, SMALL + 1)] * 20
    paths = [file(bench, data, f"f{place}") for place, data in enumerate(contents)]
    parts = [paths[start::4] for start in range(4)]
    with bench.cache.writer() as writer:
        threads = [threading.Thread(target=lambda part=part: list(map(writer.add_file, part))) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [bench.reopened().read(digest_bytes("xxh128", data)) for data in contents] == contents


def test_a_full_disk_is_a_sentence(bench, large):
    def full(step, path):
        raise OSError(28, "No space left on device")

    for data in (b"small", large):
        with disk.injected(full), pytest.raises(AssayError, match="No space left") as caught:
            put(bench.cache, data)
        assert "same command again" in caught.value.hint


def test_many_small_packs_become_one(bench):
    digests = [put(bench.cache, b"%d" % number)[0] for number in range(repack.MANY + 1)]
    assert len(bench.cache.packs()) == 1
    assert [bench.reopened().read(digest) for digest in digests] == [b"%d" % number for number in range(len(digests))]


def test_where_blocks_can_be_shared_the_copy_is_what_is_hashed(bench, monkeypatch):
    data = os.urandom(SMALL + 1)
    path = file(bench, data)

    def clone(self, source):
        self.write(os.pread(source, 1 << 30, 0))
        return True

    monkeypatch.setattr(disk.NewFile, "clone", clone)
    with bench.cache.writer() as writer:
        assert writer.add_file(path) == (digest_bytes("xxh128", data), len(data))
    assert bench.reopened().read(digest_bytes("xxh128", data)) == data


def test_a_pack_that_cannot_be_published_is_a_sentence(bench):
    def full(step, path):
        if step == "rename":
            raise OSError(28, "No space left on device")

    with disk.injected(full), pytest.raises(AssayError, match="No space left"):
        put(bench.cache, b"small")
    assert files_below(bench.folder) == []
