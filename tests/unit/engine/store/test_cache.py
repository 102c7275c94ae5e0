"""engine/store/cache.py and reader.py: what goes in comes out, and nothing else does."""

from __future__ import annotations

import io
import os
import shutil
import stat
import threading
import time

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError, CorruptArtifact, MissingArtifact, StoreError
from assay.engine.model import Digest
from assay.engine.store import pack, packindex, repack
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from tests.stores import damage, files_below, overwrite, put


def test_small_and_large_objects_come_back(bench, large):
    digests = put(bench.cache, b"", b"small", large)
    for cache in (bench.cache, bench.reopened()):
        assert [cache.read(digest) for digest in digests] == [b"", b"small", large]
        assert [cache.open(digest).read() for digest in digests] == [b"", b"small", large]


def test_sha256_is_a_hash_like_the_other(tmp_path, large):
    cache = Cache(str(tmp_path), "sha256")
    for digest, data in zip(put(cache, b"small", large), (b"small", large), strict=True):
        assert digest.algo == "sha256"
        assert cache.read(digest) == data


def test_the_layout_is_the_written_one(bench, large):
    (digest,) = put(bench.cache, large)
    put(bench.cache, b"small")
    (pack,) = bench.cache.packs()
    assert files_below(bench.folder) == [
        f"packs/{pack.id}.pack",
        f"xxh128/{digest.hex[:2]}/{digest.hex[2:]}",
    ]


def test_a_large_object_cannot_be_written_to(bench, large):
    (digest,) = put(bench.cache, large)
    assert stat.S_IMODE(os.stat(bench.cache.loose_path(digest)).st_mode) == 0o444


def test_what_was_never_added_is_missing_with_a_hint(bench):
    digest = digest_bytes("xxh128", b"never")
    assert digest not in bench.cache
    with pytest.raises(MissingArtifact, match=digest.hex) as caught:
        bench.cache.read(digest)
    assert "assay pull" in caught.value.hint
    with pytest.raises(MissingArtifact):
        bench.cache.open(digest)


def test_missing_names_exactly_what_is_not_there(bench, large):
    there = put(bench.cache, b"small", large)
    absent = digest_bytes("xxh128", b"never")
    assert bench.cache.missing([*there, absent]) == {absent}
    assert bench.reopened().missing([*there, absent]) == {absent}


def test_a_file_and_a_manifest_of_the_same_bytes_are_two_objects(bench):
    with bench.cache.writer() as writer:
        digest = writer.add_bytes(b"x", is_dir=True)
    assert digest in bench.cache
    assert Digest(digest.algo, digest.hex) not in bench.cache


def test_what_another_process_adds_is_found(bench):
    assert digest_bytes("xxh128", b"new") not in bench.cache
    (digest,) = put(bench.reopened(), b"new")
    assert bench.cache.read(digest) == b"new"


def test_an_object_added_by_another_process_is_not_missing(bench):
    bench.cache.missing([digest_bytes("xxh128", b"other")])
    (digest,) = put(bench.reopened(), b"new")
    assert bench.cache.missing([digest]) == set()


@pytest.mark.law(3)
def test_a_damaged_object_is_named_quarantined_and_then_missing(bench, large):
    (digest,) = put(bench.cache, large)
    path = bench.cache.loose_path(digest)
    overwrite(path, large[:-1] + b"!")
    with pytest.raises(CorruptArtifact, match=digest.hex) as caught:
        bench.cache.read(digest)
    assert "assay pull" in caught.value.hint
    assert not os.path.exists(path)
    assert len(os.listdir(bench.folder / "quarantine")) == 1
    assert digest not in bench.cache


@pytest.mark.law(3)
def test_a_damaged_object_never_streams_to_its_end(bench, large):
    (digest,) = put(bench.cache, large)
    overwrite(bench.cache.loose_path(digest), b"!" + large[1:])
    got = io.BytesIO()
    with bench.cache.open(digest) as stream, pytest.raises(CorruptArtifact, match=digest.hex):
        shutil.copyfileobj(stream, got, 1000)
    assert len(got.getvalue()) < len(large)
    assert digest not in bench.cache


@pytest.mark.law(3)
def test_a_reader_that_knows_the_size_is_not_given_the_last_bytes_of_a_damaged_object(bench, large):
    (digest,) = put(bench.cache, large)
    overwrite(bench.cache.loose_path(digest), b"!" + large[1:])
    with bench.cache.open(digest) as stream, pytest.raises(CorruptArtifact):
        stream.read(len(large))


@pytest.mark.law(3)
@pytest.mark.parametrize("left", [0, 1, 1000])
def test_an_object_cut_short_is_never_handed_out(bench, large, left):
    (digest,) = put(bench.cache, large)
    path = bench.cache.loose_path(digest)
    overwrite(path, large[:left])
    with pytest.raises((CorruptArtifact, MissingArtifact)):
        bench.cache.open(digest).read()
    assert not os.path.exists(path)


def test_an_empty_file_under_another_name_counts_as_missing(bench, large):
    (digest,) = put(bench.cache, large)
    overwrite(bench.cache.loose_path(digest), b"")
    assert digest not in bench.cache
    assert bench.cache.loose_path(digest) is None


@pytest.mark.law(3)
def test_a_damaged_packed_object_is_named_and_its_neighbours_are_kept(bench):
    bad, good = put(bench.cache, b"bad", b"good")
    damage(bench.cache, bad)
    cache = bench.reopened()
    with pytest.raises(CorruptArtifact, match=bad.hex):
        cache.read(bad)
    assert cache.read(good) == b"good"
    assert bad not in cache
    assert len(os.listdir(bench.folder / "quarantine")) == 1
    assert bench.cache.read(good) == b"good"


def test_a_damaged_object_can_be_added_again(bench, large):
    small, big = put(bench.cache, b"small", large)
    damage(bench.cache, small)
    overwrite(bench.cache.loose_path(big), b"?")
    cache = bench.reopened()
    for digest in (small, big):
        with pytest.raises(CorruptArtifact):
            cache.read(digest)
    put(cache, b"small", large)
    assert cache.read(small) == b"small"
    assert cache.read(big) == large


def test_adding_a_large_object_again_heals_it(bench, large):
    (digest,) = put(bench.cache, large)
    overwrite(bench.cache.loose_path(digest), b"!" + large[1:])
    put(bench.reopened(), large)
    assert bench.reopened().read(digest) == large


def test_a_sound_pack_is_never_put_aside(bench):
    (digest,) = put(bench.cache, b"a")
    (pack,) = bench.cache.packs()
    assert bench.cache.set_aside_pack(pack.id) == []
    assert bench.cache.read(digest) == b"a"


def test_a_truncated_pack_is_named_when_something_is_missing(bench):
    (digest,) = put(bench.cache, b"a")
    (pack,) = bench.cache.packs()
    os.chmod(pack.path, 0o644)
    os.truncate(pack.path, 20)
    with pytest.raises(MissingArtifact, match=pack.id):
        bench.reopened().read(digest)


def test_a_pack_truncated_under_a_reader_gives_no_wrong_bytes(bench):
    (digest,) = put(bench.cache, b"a" * 100)
    (pack,) = bench.cache.packs()
    os.chmod(pack.path, 0o644)
    os.truncate(pack.path, 20)
    with pytest.raises((CorruptArtifact, MissingArtifact)):
        bench.cache.read(digest)


def test_a_damaged_cache_that_cannot_be_written_still_says_what_is_wrong(bench, large):
    small, big = put(bench.cache, b"small", large)
    damage(bench.cache, small)
    overwrite(bench.cache.loose_path(big), b"?")

    def read_only(step, path):
        raise PermissionError(13, "read-only")

    cache = bench.reopened()
    with disk.injected(read_only):
        for digest in (small, big, small, big):
            with pytest.raises(CorruptArtifact, match=digest.hex):
                cache.read(digest)


@pytest.mark.parametrize("which", [0, 1])
def test_an_object_that_may_not_be_read_is_a_sentence(bench, large, monkeypatch, which):
    digest = put(bench.cache, b"small", large)[which]

    def refuse(*args, **more):
        raise PermissionError(13, "Permission denied")

    cache = bench.reopened()
    cache.index.find(pack.key_of(digest))
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    for way in (cache.read, cache.open, cache.materialise):
        with pytest.raises(StoreError, match="cannot be read: Permission denied"):
            way(digest)


def test_a_folder_of_packs_that_may_not_be_read_is_a_sentence(bench, monkeypatch):
    (digest,) = put(bench.cache, b"small")

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(StoreError, match="packs cannot be read: Permission denied"):
        bench.reopened().missing([digest])


def test_a_pack_that_may_not_be_read_is_named(bench, monkeypatch):
    (digest,) = put(bench.cache, b"small")
    (info,) = bench.cache.packs()

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(packindex, "read_entries", refuse)
    with pytest.raises(MissingArtifact, match=f"{info.id}.pack cannot be read: Permission denied"):
        bench.reopened().read(digest)


def test_a_verified_object_is_not_read_again_until_it_is_touched(bench, large):
    (digest,) = put(bench.cache, large)
    path = bench.cache.object_path(digest)
    overwrite(path, b"!" + large[1:])
    bench.cache.vouch(digest, os.stat(path))
    assert bench.cache.sound_path(digest) == path
    os.utime(path)
    with pytest.raises(CorruptArtifact):
        bench.cache.sound_path(digest)


def test_an_object_is_remembered_as_verified(bench, large):
    (digest,) = put(bench.cache, large)
    path = bench.cache.object_path(digest)
    time.sleep(0.03)  # a file younger than a tick of the clock is not remembered
    assert bench.cache.sound_path(digest) == path
    assert bench.stat_cache.get(path, os.stat(path)) == digest


def test_an_object_that_a_collection_takes_while_it_is_looked_at_has_no_sound_path(bench, large, monkeypatch):
    (digest,) = put(bench.cache, large)
    monkeypatch.setattr(type(bench.cache.seen), "get", lambda self, path, stat: os.unlink(path))
    assert bench.cache.sound_path(digest) is None


def test_the_sound_path_of_a_packed_object_is_none(bench):
    (digest,) = put(bench.cache, b"small")
    assert bench.cache.sound_path(digest) is None


def test_materialising_gives_a_packed_object_a_file(bench):
    (digest,) = put(bench.cache, b"small")
    path = bench.cache.materialise(digest)
    assert path == bench.cache.loose_path(digest)
    with open(path, "rb") as file:
        assert file.read() == b"small"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o444


def test_materialising_what_is_not_there_is_a_sentence(bench):
    with pytest.raises(MissingArtifact):
        bench.cache.materialise(digest_bytes("xxh128", b"never"))
    assert files_below(bench.folder) == []


def test_a_received_object_is_adopted(bench, large):
    digest = digest_bytes("xxh128", large)
    with bench.cache.receive(digest) as sink:
        sink.write(large[:1000])
        sink.write(large[1000:])
    assert bench.reopened().read(digest) == large
    assert stat.S_IMODE(os.stat(bench.cache.loose_path(digest)).st_mode) == 0o444


@pytest.mark.law(3)
def test_a_received_object_that_is_another_one_is_refused(bench, large):
    digest = digest_bytes("xxh128", large)
    with pytest.raises(CorruptArtifact, match=digest.hex), bench.cache.receive(digest) as sink:
        sink.write(large[:-1])
    assert files_below(bench.folder) == []


def test_an_object_whose_receipt_fails_leaves_nothing(bench, large):

    def receive():
        with bench.cache.receive(digest_bytes("xxh128", large)) as sink:
            sink.write(large)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        receive()
    assert files_below(bench.folder) == []


def test_writing_to_a_receipt_outside_its_block_is_refused(bench):
    with pytest.raises(StoreError):
        bench.cache.receive(digest_bytes("xxh128", b"x")).write(b"x")


def test_a_pack_travels_as_it_is(bench, tmp_path):
    digests = put(bench.cache, b"a", b"b")
    (pack,) = bench.cache.packs()
    other = Cache(str(tmp_path / "other"), "xxh128")
    with open(pack.path, "rb") as file, other.new_file() as copy:
        disk.copy_into(file, copy)
        copy.close()
        other.adopt_pack(copy.path, pack.id)
    assert [other.read(digest) for digest in digests] == [b"a", b"b"]
    assert set(other.pack_entries(pack.id)) == set(digests)
    assert [info.id for info in other.packs()] == [pack.id]


@pytest.mark.law(3)
def test_a_pack_with_a_wrong_byte_is_not_adopted(bench, tmp_path):
    put(bench.cache, b"aaaa")
    (pack,) = bench.cache.packs()
    with open(pack.path, "rb") as file:
        data = bytearray(file.read())
    data[9] ^= 1
    other = Cache(str(tmp_path / "other"), "xxh128")
    with other.new_file() as copy:
        copy.write(data)
        copy.close()
        with pytest.raises(CorruptArtifact, match=pack.id):
            other.adopt_pack(copy.path, pack.id)
    assert other.packs() == []


def test_the_entries_of_a_pack_that_is_not_there_are_a_sentence(bench):
    with pytest.raises(MissingArtifact, match="00000"):
        bench.cache.pack_entries("0" * 32)


def test_a_reader_survives_that_its_packs_are_merged(bench):
    digests = [put(bench.cache, b"%d" % number)[0] for number in range(repack.MANY)]
    reader = bench.reopened()
    assert reader.read(digests[0]) == b"0"
    put(bench.cache, b"one too many")
    assert len(bench.cache.packs()) == 1
    assert [reader.read(digest) for digest in digests] == [b"%d" % number for number in range(repack.MANY)]


def test_several_threads_read_at_once(bench):
    contents = [b"%d" % number * 50 for number in range(300)]
    digests = put(bench.cache, *contents)
    cache = bench.reopened()
    wrong = []

    def read_all():
        wrong.extend(data for digest, data in zip(digests, contents, strict=True) if cache.read(digest) != data)

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_closed_cache_can_be_read_again(bench):
    (digest,) = put(bench.cache, b"a")
    bench.cache.close()
    assert bench.cache.read(digest) == b"a"


def test_more_packs_than_can_be_open_at_once_are_read(bench, monkeypatch):
    monkeypatch.setattr(repack, "MANY", 1000)
    contents = [b"%d" % number for number in range(70)]
    digests = [put(bench.cache, data)[0] for data in contents]
    cache = bench.reopened()
    for _ in range(2):
        assert [cache.read(digest) for digest in digests] == contents


def test_a_receipt_that_begins_again_forgets_what_came_first(bench, large):
    digest = digest_bytes("xxh128", large)
    with bench.cache.receive(digest) as sink:
        sink.write(b"half of something")
        sink.restart()
        sink.write(large)
    assert bench.reopened().read(digest) == large


@pytest.mark.parametrize("how", ["receive", "write", "publish", "pack"])
def test_a_full_disk_is_a_sentence_however_something_arrives(bench, tmp_path, large, how):
    digest = digest_bytes("xxh128", large)
    put(Cache(str(tmp_path / "other"), "xxh128"), b"small")
    (info,) = Cache(str(tmp_path / "other"), "xxh128").packs()
    fails = {"receive": "create", "write": "write", "publish": "rename", "pack": "rename"}[how]

    def full(step, path):
        if step == fails:
            raise OSError(28, "No space left on device")

    def arrive():
        if how == "pack":
            bench.cache.adopt_pack(info.path, info.id)
        else:
            with bench.cache.receive(digest) as sink:
                sink.write(large)

    with disk.injected(full), pytest.raises(AssayError, match="No space left"):
        arrive()
    assert files_below(bench.folder) == []


def test_a_cache_without_packs_holds_files_alone(tmp_path):
    cache = Cache(str(tmp_path / "cache"), "md5", pack_limit=0)
    with cache.writer() as writer:
        small, listing = writer.add_bytes(b"small"), writer.add_bytes(b"[]", is_dir=True)
    assert not cache.packs()
    for digest in (small, listing):
        assert stat.S_IMODE(os.stat(cache.object_path(digest)).st_mode) == 0o444
    lost = Digest("md5", "ab" * 16)
    assert cache.missing([small, listing, lost]) == {lost}
    assert cache.read_small(small) == b"small"
    assert cache.read_small(lost) is None


def test_an_empty_file_is_missing_also_where_there_are_no_packs(tmp_path):
    cache = Cache(str(tmp_path / "cache"), "md5", pack_limit=0)
    with cache.writer() as writer:
        found, empty = writer.add_bytes(b"small"), writer.add_bytes(b"")
    os.truncate(cache.object_path(found), 0)
    assert cache.missing([found, empty]) == {found}


def test_a_writer_names_by_another_hash_on_demand(tmp_path):
    cache = Cache(str(tmp_path / "cache"), "md5", pack_limit=0)
    with cache.writer("md5-dos2unix") as writer:
        digest = writer.add_bytes(b"a\r\n")
    assert digest.algo == "md5-dos2unix"
    assert cache.object_path(digest) == f"{cache.folder}/{digest.hex[:2]}/{digest.hex[2:]}"
    assert cache.read(digest) == b"a\r\n"


def test_a_lent_manifest_is_read_and_still_missing(tmp_path):
    cache = Cache(str(tmp_path / "cache"), "md5", pack_limit=0)
    digest = Digest("md5", "ab" * 16, True)
    cache.lend(digest, b"[]")
    assert cache.read(digest) == b"[]"
    assert digest not in cache
