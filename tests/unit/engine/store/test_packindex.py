"""engine/store/packindex.py: which pack holds an object."""

from __future__ import annotations

import errno
import os
import zlib

import msgpack
import pytest

from assay.engine import disk
from assay.engine.model import Digest
from assay.engine.store import packindex
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import PackWriter, key_of
from assay.engine.store.packindex import PackIndex


def key(data):
    return key_of(digest_bytes("xxh128", data))


def publish(folder, contents):
    writer = PackWriter(str(folder), "xxh128")
    for data in contents:
        writer.add(key(data), data)
    writer.finish()
    writer.publish(str(folder))
    return writer


@pytest.fixture
def everything_is_worth_saving(monkeypatch):
    """Every pack goes into ``packs/index`` at once."""
    monkeypatch.setattr(packindex, "_WORTH_SAVING", 0)
    monkeypatch.setattr(packindex, "TINY", 0)


def content_of(folder, place):
    pack_id, offset, size = place
    with open(f"{folder}/{pack_id}.pack", "rb") as file:
        file.seek(offset)
        return file.read(size)


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path):
    index = PackIndex(str(tmp_path / "none"))
    assert index.find(key(b"a")) is None
    assert index.packs() == []


def test_objects_are_found_in_any_of_several_packs(tmp_path):
    publish(tmp_path, [b"a", b"b"])
    publish(tmp_path, [b"c"])
    index = PackIndex(str(tmp_path))
    assert [content_of(tmp_path, index.find(key(data))) for data in (b"a", b"b", b"c")] == [b"a", b"b", b"c"]
    assert index.find(key(b"d")) is None


def test_a_manifest_is_not_found_under_the_digest_of_a_file(tmp_path):
    publish(tmp_path, [b"a"])
    digest = digest_bytes("xxh128", b"a")
    assert PackIndex(str(tmp_path)).find(key_of(Digest(digest.algo, digest.hex, True))) is None


def test_other_files_in_the_folder_are_no_packs(tmp_path):
    pack = publish(tmp_path, [b"a"])
    for name in ("index", "x.pack", f"{pack.id}.pack.old", f"{pack.id[:-1]}.pack", ".assay-tmp-1"):
        (tmp_path / name).write_bytes(b"?")
    index = PackIndex(str(tmp_path))
    assert [info.id for info in index.packs()] == [pack.id]
    assert index.find(key(b"a")) is not None
    assert index.unreadable == {}


def test_a_pack_published_later_is_found_after_a_rescan(tmp_path):
    publish(tmp_path, [b"a"])
    index = PackIndex(str(tmp_path))
    assert index.find(key(b"b")) is None
    publish(tmp_path, [b"b"])
    assert index.find(key(b"b")) is None
    assert index.rescan()
    assert index.find(key(b"b")) is not None


def test_a_rescan_that_finds_nothing_new_says_so(tmp_path):
    publish(tmp_path, [b"a"])
    index = PackIndex(str(tmp_path))
    index.find(key(b"a"))
    assert not index.rescan()


def test_a_pack_of_ones_own_is_known_without_a_rescan(tmp_path):
    index = PackIndex(str(tmp_path))
    index.find(key(b"a"))
    pack = publish(tmp_path, [b"a"])
    index.add(pack.id, pack.entries)
    assert content_of(tmp_path, index.find(key(b"a"))) == b"a"
    assert not index.rescan()


def test_an_unreadable_pack_hides_nothing_else(tmp_path):
    publish(tmp_path, [b"a"])
    bad = publish(tmp_path, [b"b"])
    path = f"{tmp_path}/{bad.id}.pack"
    disk.chmod(path, 0o644)
    disk.truncate(path, 10)
    index = PackIndex(str(tmp_path))
    assert index.find(key(b"a")) is not None
    assert index.find(key(b"b")) is None
    assert list(index.unreadable) == [path]
    assert not index.rescan()


@pytest.mark.usefixtures("everything_is_worth_saving")
class TestTheSavedCopy:
    """``packs/index``."""

    def test_finds_what_the_packs_hold(self, tmp_path):
        publish(tmp_path, [b"%d" % number for number in range(1000)])
        PackIndex(str(tmp_path)).find(key(b"0"))
        assert (tmp_path / "index").exists()
        index = PackIndex(str(tmp_path))
        for number in range(1000):
            assert content_of(tmp_path, index.find(key(b"%d" % number))) == b"%d" % number
        assert index.find(key(b"1000")) is None

    def test_reads_no_pack(self, tmp_path, monkeypatch):
        publish(tmp_path, [b"a"])
        PackIndex(str(tmp_path)).find(key(b"a"))
        monkeypatch.setattr(packindex, "read_entries", None)
        assert PackIndex(str(tmp_path)).find(key(b"a")) is not None

    def test_grows_by_packs_that_came_later(self, tmp_path):
        publish(tmp_path, [b"a"])
        PackIndex(str(tmp_path)).find(key(b"a"))
        publish(tmp_path, [b"b", b"c"])
        PackIndex(str(tmp_path)).find(key(b"a"))
        publish(tmp_path, [b"d", b"e"])
        index = PackIndex(str(tmp_path))
        assert [content_of(tmp_path, index.find(key(data))) for data in (b"a", b"c", b"e")] == [b"a", b"c", b"e"]

    def test_is_not_believed_when_one_of_its_packs_is_gone(self, tmp_path):
        gone = publish(tmp_path, [b"a", b"b"])
        PackIndex(str(tmp_path)).find(key(b"a"))
        publish(tmp_path, [b"a"])
        disk.unlink(f"{tmp_path}/{gone.id}.pack")
        index = PackIndex(str(tmp_path))
        assert content_of(tmp_path, index.find(key(b"a"))) == b"a"
        assert index.find(key(b"b")) is None

    @pytest.mark.parametrize("left", [0, 30])
    def test_is_not_believed_when_a_power_cut_left_a_pack_short(self, tmp_path, left):
        short = publish(tmp_path, [b"a", b"b"])
        PackIndex(str(tmp_path)).find(key(b"a"))
        os.chmod(f"{tmp_path}/{short.id}.pack", 0o644)
        os.truncate(f"{tmp_path}/{short.id}.pack", left)
        index = PackIndex(str(tmp_path))
        assert index.find(key(b"a")) is None
        assert list(index.unreadable) == [f"{tmp_path}/{short.id}.pack"]

    def test_can_be_deleted(self, tmp_path):
        publish(tmp_path, [b"a"])
        PackIndex(str(tmp_path)).find(key(b"a"))
        os.unlink(tmp_path / "index")
        assert PackIndex(str(tmp_path)).find(key(b"a")) is not None

    @pytest.mark.parametrize("where", [0, 9, 13, 20, 40, -1, -100])
    def test_is_made_anew_when_a_byte_of_it_is_wrong(self, tmp_path, where):
        contents = [b"%d" % number for number in range(600)]
        publish(tmp_path, contents)
        PackIndex(str(tmp_path)).find(key(b"0"))
        data = bytearray((tmp_path / "index").read_bytes())
        data[where] ^= 0x40
        (tmp_path / "index").write_bytes(data)
        index = PackIndex(str(tmp_path))
        assert [content_of(tmp_path, index.find(key(data))) for data in contents] == contents

    @pytest.mark.parametrize("head", [None, 7, [], [[], []], [["a"], [[0, 0]] * 256], [[["a", "b"]], [[0, 0]] * 256]])
    def test_of_another_form_is_made_anew(self, tmp_path, head):
        publish(tmp_path, [b"a"])
        blob = msgpack.packb(head)
        frame = packindex.MAGIC + len(blob).to_bytes(4, "big") + zlib.crc32(blob).to_bytes(4, "big")
        (tmp_path / "index").write_bytes(frame + blob)
        assert content_of(tmp_path, PackIndex(str(tmp_path)).find(key(b"a"))) == b"a"

    @pytest.mark.parametrize("size", [0, 7, 16, 100, 2000])
    def test_is_made_anew_when_it_is_cut_short(self, tmp_path, size):
        contents = [b"%d" % number for number in range(600)]
        publish(tmp_path, contents)
        PackIndex(str(tmp_path)).find(key(b"0"))
        os.truncate(tmp_path / "index", size)
        index = PackIndex(str(tmp_path))
        assert [content_of(tmp_path, index.find(key(data))) for data in contents] == contents

    def test_that_cannot_be_removed_is_not_asked_again(self, tmp_path):
        contents = [b"%d" % number for number in range(600)]
        publish(tmp_path, contents)
        PackIndex(str(tmp_path)).find(key(b"0"))
        os.truncate(tmp_path / "index", 2000)

        def read_only(step, path):
            raise OSError(errno.EROFS, "read-only")

        index = PackIndex(str(tmp_path))
        with disk.injected(read_only):
            assert [content_of(tmp_path, index.find(key(data))) for data in contents] == contents

    def test_is_not_missed_where_it_cannot_be_written(self, tmp_path):
        publish(tmp_path, [b"a"])

        def full(step, path):
            raise OSError(errno.ENOSPC, "full")

        with disk.injected(full):
            assert PackIndex(str(tmp_path)).find(key(b"a")) is not None
        assert not (tmp_path / "index").exists()


def test_small_packs_are_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(packindex, "_WORTH_SAVING", 0)
    publish(tmp_path, [b"%d" % number for number in range(3000)])
    PackIndex(str(tmp_path)).find(key(b"0"))
    assert not (tmp_path / "index").exists()
