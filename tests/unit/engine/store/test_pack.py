"""engine/store/pack.py: many objects in one file that is named by its digest."""

from __future__ import annotations

import os
import stat

import msgpack
import pytest

from assay.engine.errors import CorruptArtifact
from assay.engine.model import Digest
from assay.engine.store import pack
from assay.engine.store.digest import digest_bytes

CONTENTS = [b"", b"one", b"two" * 1000, os.urandom(3000)]


def make(folder, contents=CONTENTS, algo="xxh128"):
    writer = pack.PackWriter(str(folder), algo)
    for data in contents:
        writer.add(pack.key_of(digest_bytes(algo, data)), data)
    writer.finish()
    writer.publish(str(folder))
    return writer.id, f"{folder}/{writer.id}.pack"


def framed(rows, body=b"body", table=None):
    table = msgpack.packb(rows) if table is None else table
    return pack.HEADER + body + table + len(table).to_bytes(8, "big") + pack.FOOTER


def row(data=b"body", offset=8, size=None, algo="xxh128"):
    value = digest_bytes("xxh128", data)
    return [algo, bytes.fromhex(value.hex), offset, len(data) if size is None else size]


@pytest.mark.parametrize("is_dir", [False, True])
@pytest.mark.parametrize("algo", ["xxh128", "sha256", "md5"])
def test_a_key_gives_its_digest_back(algo, is_dir):
    value = digest_bytes(algo, b"x", is_dir=is_dir)
    assert pack.digest_of(pack.key_of(value)) == value


def test_keys_differ_by_hash_and_by_kind():
    same = "ab" * 16
    assert len({pack.key_of(Digest(algo, same, is_dir)) for algo in ("xxh128", "md5") for is_dir in (0, 1)}) == 4


def test_a_pack_gives_back_what_was_added(tmp_path):
    _, path = make(tmp_path)
    entries = pack.read_entries(path)
    assert sorted(data for _, data in pack.objects(path, entries)) == sorted(CONTENTS)
    assert all(pack.check_object(key, data) for key, data in pack.objects(path, entries))


@pytest.mark.parametrize("algo", ["xxh128", "sha256"])
def test_a_pack_is_named_by_the_digest_of_its_bytes(tmp_path, algo):
    pack_id, path = make(tmp_path, algo=algo)
    with open(path, "rb") as file:
        assert digest_bytes(algo, file.read()).hex == pack_id
    assert pack.check_pack(path, pack_id) == pack.read_entries(path)


def test_a_pack_cannot_be_written_to(tmp_path):
    _, path = make(tmp_path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o444


def test_the_same_objects_in_the_same_order_make_the_same_pack(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert make(tmp_path / "a")[0] == make(tmp_path / "b")[0]


def test_an_empty_pack_is_a_pack(tmp_path):
    pack_id, path = make(tmp_path, [])
    assert pack.check_pack(path, pack_id) == {}


def test_the_bytes_are_those_of_the_written_format(tmp_path):
    _, path = make(tmp_path, [b"body"])
    with open(path, "rb") as file:
        assert file.read() == framed([row()])


def test_a_table_longer_than_one_read_is_read(tmp_path):
    contents = [b"%d" % number for number in range(4000)]
    pack_id, path = make(tmp_path, contents)
    assert len(pack.check_pack(path, pack_id)) == 4000


def test_a_dropped_pack_leaves_nothing(tmp_path):
    writer = pack.PackWriter(str(tmp_path), "xxh128")
    writer.add(pack.key_of(digest_bytes("xxh128", b"x")), b"x")
    writer.finish()
    writer.drop()
    assert os.listdir(tmp_path) == []


def test_dropping_after_publishing_keeps_the_pack(tmp_path):
    writer = pack.PackWriter(str(tmp_path), "xxh128")
    writer.finish()
    writer.publish(str(tmp_path))
    writer.drop()
    assert os.listdir(tmp_path) == [f"{writer.id}.pack"]


def test_a_pack_is_full_at_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "LIMIT", 100)
    writer = pack.PackWriter(str(tmp_path), "xxh128")
    writer.add(b"\0" + b"1" * 16, b"x" * 91)
    assert not writer.is_full
    writer.add(b"\0" + b"2" * 16, b"x")
    assert writer.is_full
    writer.drop()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        pack.HEADER,
        b"ASSAYPK\x02" + framed([row()])[8:],
        framed([row()])[:-1],
        framed([row()])[:-8] + b"ASSAYIX\x02",
        framed([row()])[:-16] + (1 << 60).to_bytes(8, "big") + pack.FOOTER,
        framed(None, table=b"\xc1"),
        framed(7),
        framed([7]),
        framed([[]]),
        framed([row(algo="sha1")]),
        framed([row(algo={})]),
        framed([["xxh128", b"short", 8, 4]]),
        framed([["xxh128", "x" * 16, 8, 4]]),
        framed([row(offset=7)]),
        framed([row(offset=9)]),
        framed([row(size=5)]),
        framed([row(size=-1)]),
        framed([row(size=True)]),
        framed([row(size=3)]),
        framed([row(offset=8.0)]),
        framed([row(), row()], body=b"bodybody"),
        framed(None, table=b"\x91" * 2000),
    ],
)
def test_what_no_writer_would_write_is_refused(tmp_path, data):
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(CorruptArtifact, match="is damaged"):
        pack.read_entries(str(tmp_path / "p"))


def test_objects_that_overlap_are_refused_however_the_pack_is_named(tmp_path):
    data = framed([row(b"bo", 8), row(b"od", 9)], body=b"body")
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(CorruptArtifact, match="another one"):
        pack.check_pack(str(tmp_path / "p"), digest_bytes("xxh128", data).hex)


def test_an_object_that_is_another_one_is_refused_however_the_pack_is_named(tmp_path):
    data = framed([row()], body=b"bady")
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(CorruptArtifact, match="another one"):
        pack.check_pack(str(tmp_path / "p"), digest_bytes("xxh128", data).hex)


@pytest.mark.parametrize("how", ["unsorted", "another encoding"])
def test_a_table_in_another_form_is_refused_however_the_pack_is_named(tmp_path, how):
    rows = sorted([row(b"bo", 8), row(b"dy", 10)])
    table = msgpack.packb(rows[::-1] if how == "unsorted" else rows)
    if how == "another encoding":
        table = table.replace(b"\xa6xxh128", b"\xd9\x06xxh128")
    data = framed(None, table=table)
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(CorruptArtifact, match="the one form"):
        pack.check_pack(str(tmp_path / "p"), digest_bytes("xxh128", data).hex)


def test_a_pack_under_another_name_is_refused(tmp_path):
    _, path = make(tmp_path)
    with pytest.raises(CorruptArtifact, match="its content is not"):
        pack.check_pack(path, "0" * 32)


@pytest.mark.parametrize("name", ["", "0" * 31, "0" * 31 + "g", "0" * 31 + "A", "../" + "0" * 29])
def test_what_is_no_name_of_a_pack_is_refused(tmp_path, name):
    _, path = make(tmp_path)
    with pytest.raises(CorruptArtifact, match="not the name of a pack"):
        pack.check_pack(path, name)


def test_checking_tells_how_far_it_is(tmp_path):
    pack_id, path = make(tmp_path)
    heard = []
    pack.check_pack(path, pack_id, heard.append)
    assert sum(heard) == sum(map(len, CONTENTS))


def test_a_pack_larger_than_what_is_held_in_memory_is_written_piece_by_piece(tmp_path):
    contents = [os.urandom(200_000) for _ in range(12)]
    pack_id, path = make(tmp_path, contents)
    entries = pack.check_pack(path, pack_id)
    assert [data for _, data in pack.objects(path, entries)] == contents
