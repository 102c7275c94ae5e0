"""engine/store/merkle.py: directories as objects, one for each level."""

from __future__ import annotations

import zlib

import msgpack
import pytest

from assay.engine.errors import BadInput, CorruptArtifact, MissingArtifact, StoreError, UnsafePath
from assay.engine.model import Artifact, Digest, Entry
from assay.engine.store import merkle
from assay.engine.store.digest import digest_bytes, object_key
from assay.engine.store.manifest import digests_of, files_in, write_manifest
from assay.engine.store.merkle import decode
from assay.engine.store.rows import DEEPEST


class Memory:
    """A cache and its writer, in memory."""

    algo = "xxh128"

    def __init__(self):
        self.objects = {}

    def add_bytes(self, data, *, is_dir=False):
        digest = digest_bytes(self.algo, data, is_dir=is_dir)
        self.objects[digest] = data
        return digest

    def read(self, digest):
        if digest not in self.objects:
            raise MissingArtifact(str(digest))
        return self.objects[digest]


@pytest.fixture
def memory():
    return Memory()


def entry(data=b"x", is_exec=False, algo="xxh128"):
    return Entry("", digest_bytes(algo, data), len(data), None, is_exec)


def named(path, data=b"x", is_exec=False):
    return path, Entry(path.rpartition("/")[2], digest_bytes("xxh128", data), len(data), None, is_exec)


def many(count):
    return {f"img_{number:06d}.jpg": entry(b"%d" % number) for number in range(count)}


def written(memory, rows, *, tag="assay/dir", version=1, algo="xxh128", depth=0):
    """An object as some other program might write it."""
    return memory.add_bytes(msgpack.packb([tag, version, algo, depth, rows]), is_dir=True)


RAW = bytes.fromhex(digest_bytes("xxh128", b"x").hex)


def test_files_come_back_with_what_is_known_of_them(memory):
    files = {"a": entry(b"one"), "s/t/b": entry(b"two", is_exec=True), "s/c": entry(b"")}
    artifact = write_manifest(memory, files)
    assert dict(files_in(memory, artifact.digest)) == dict(
        [named("a", b"one"), named("s/c", b""), named("s/t/b", b"two", True)]
    )
    assert (artifact.size, artifact.nfiles, artifact.digest.is_dir) == (6, 3, True)


def test_the_bytes_are_those_of_the_written_format(memory):
    artifact = write_manifest(memory, {"b": entry(is_exec=True), "a/x": entry()})
    inner = msgpack.packb(["assay/dir", 1, "xxh128", 0, [["x", 0, RAW, 1, 1]]])
    inner_raw = bytes.fromhex(digest_bytes("xxh128", inner).hex)
    outer = msgpack.packb(["assay/dir", 1, "xxh128", 0, [["a", 2, inner_raw, 1, 1], ["b", 1, RAW, 1, 1]]])
    assert artifact == Artifact(digest_bytes("xxh128", outer, is_dir=True), 2, 2)
    assert sorted(memory.objects.values()) == sorted([inner, outer])


def test_the_order_in_which_files_are_named_does_not_matter(memory):
    files = {"b": entry(b"1"), "a/b": entry(b"2"), "a.": entry(b"3"), "a0": entry(b"4")}
    backwards = dict(reversed(files.items()))
    assert write_manifest(memory, files) == write_manifest(memory, backwards)


def test_an_empty_directory_has_a_manifest(memory):
    artifact = write_manifest(memory, {})
    assert (artifact.size, artifact.nfiles) == (0, 0)
    assert list(files_in(memory, artifact.digest)) == []


def test_rows_are_in_the_order_of_the_names_bytes(memory):
    names = ["z", "é", "\udcff", "\U0001f600", "a", "\uffee"]
    artifact = write_manifest(memory, {name: entry() for name in names})
    found = [path for path, _ in files_in(memory, artifact.digest)]
    assert found == sorted(names, key=lambda name: name.encode("utf-8", "surrogateescape"))


def test_objects_are_named_after_what_they_name(memory):
    artifact = write_manifest(memory, {"a/b": entry(b"1"), "c": entry(b"2"), **many(5000)})
    order = list(digests_of(memory, artifact))
    assert order[-1] == artifact.digest
    manifests = [digest for digest in order if digest.is_dir]
    assert set(manifests) == set(memory.objects)
    seen = set()
    for digest in order:
        if digest.is_dir:
            _, rows = decode(digest, memory.read(digest))
            assert {row[-3].hex() for row in rows} <= {known.hex for known in seen}
        seen.add(digest)


def test_a_file_consists_of_itself(memory):
    digest = digest_bytes("xxh128", b"x")
    assert list(digests_of(memory, Artifact(digest, 1))) == [digest]


def test_one_more_file_costs_the_depth_of_the_tree(memory):
    files = {f"d{number}/e/f{number}": entry(b"%d" % number) for number in range(50)}
    write_manifest(memory, files)
    before = set(memory.objects)
    write_manifest(memory, {**files, "d7/e/more": entry(b"more")})
    assert len(set(memory.objects) - before) == 3


class TestALargeLevel:
    """More than 4,096 names in one folder."""

    def test_up_to_the_limit_is_one_object(self, memory):
        write_manifest(memory, many(4096))
        assert len(memory.objects) == 1

    def test_above_the_limit_is_cut(self, memory):
        artifact = write_manifest(memory, many(4097))
        depth, rows = decode(artifact.digest, memory.read(artifact.digest))
        assert depth == 1
        assert len(memory.objects) == len(rows) + 1 > 2
        assert (artifact.size, artifact.nfiles) == (sum(row[2] for row in rows), 4097)

    def test_comes_back_whole_and_in_order(self, memory):
        files = many(10_000)
        artifact = write_manifest(memory, files)
        found = [(path, item._replace(name="")) for path, item in files_in(memory, artifact.digest)]
        assert found == sorted(files.items())

    @pytest.mark.parametrize("name", ["img_000000.jp", "img_005000x.jpg", "zzz"])
    def test_one_more_file_changes_one_node_and_the_top(self, memory, name):
        files = many(10_000)
        write_manifest(memory, files)
        before = set(memory.objects)
        write_manifest(memory, {**files, name: entry(b"more")})
        assert len(set(memory.objects) - before) <= 3

    def test_the_cuts_are_where_the_written_format_says(self, memory):
        artifact = write_manifest(memory, many(6000))
        _, rows = decode(artifact.digest, memory.read(artifact.digest))
        ends = [name for name in sorted(many(6000)) if zlib.crc32(name.encode()) * 2_654_435_761 % 2**32 < 2**23]
        assert [row[0] for row in rows][:-1] == ends[: len(rows) - 1]
        assert rows[-1][0] == "img_005999.jpg"

    def test_is_cut_again_when_the_nodes_are_many(self, memory, monkeypatch):
        monkeypatch.setattr(merkle, "SPLIT", 8)
        monkeypatch.setattr(merkle, "_CUT", 30)
        files = many(20_000)
        artifact = write_manifest(memory, files)
        assert decode(artifact.digest, memory.read(artifact.digest))[0] >= 2
        assert [path for path, _ in files_in(memory, artifact.digest)] == sorted(files)


def test_a_file_cannot_be_a_folder_too(memory):
    for files in ({"a": entry(), "a/b": entry()}, {"a/b": entry(), "a": entry()}):
        with pytest.raises(BadInput, match="file"):
            write_manifest(memory, files)


def test_a_file_named_by_another_hash_is_refused(memory):
    with pytest.raises(StoreError, match="md5"):
        write_manifest(memory, {"a": entry(algo="md5")})


def test_folders_nested_too_deeply_are_refused(memory):
    path = "/".join(["d"] * (DEEPEST + 1)) + "/f"
    with pytest.raises(BadInput, match="folders deep"):
        write_manifest(memory, {path: entry()})


def test_folders_nested_as_deeply_as_can_be_come_back(memory):
    path = "/".join(["d"] * DEEPEST) + "/f"
    artifact = write_manifest(memory, {path: entry()})
    assert [found for found, _ in files_in(memory, artifact.digest)] == [path]


BAD_NAMES = ["", ".", "..", "a\0b", ".git", ".GIT", "git~1", ".git ", ".g\u200cit", "a\\.git"]


@pytest.mark.law(5)
@pytest.mark.parametrize("name", [*BAD_NAMES, "a/b"])
def test_a_name_that_must_not_be_written_is_refused_in_a_manifest(memory, name):
    for names in ([name], ["0", name], [name, "~"]):
        rows = [[each, 0, RAW, 1, 1] for each in sorted(names, key=str.encode)]
        with pytest.raises(UnsafePath):
            list(files_in(memory, written(memory, rows)))


@pytest.mark.law(5)
@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_must_not_be_written_is_never_put_into_a_manifest(memory, name):
    with pytest.raises(UnsafePath):
        write_manifest(memory, {f"a/{name}": entry(), "a/b": entry()})


@pytest.mark.parametrize("name", ["...", ".gitignore", "a.git", "~", "a~1", "a\\b", " ", "\n", ".\n", "..\n", "é"])
def test_unusual_names_are_taken(memory, name):
    artifact = write_manifest(memory, {name: entry(), "a": entry()})
    assert name in dict(files_in(memory, artifact.digest))


@pytest.mark.parametrize(
    "row",
    [
        ["a", 0, RAW, 1],
        ["a", 0, RAW, 1, 1, 0],
        [b"a", 0, RAW, 1, 1],
        [7, 0, RAW, 1, 1],
        ["a", 3, RAW, 1, 1],
        ["a", -1, RAW, 1, 1],
        ["a", True, RAW, 1, 1],
        ["a", 0.0, RAW, 1, 1],
        ["a", 0, RAW[1:], 1, 1],
        ["a", 0, RAW.hex(), 1, 1],
        ["a", 0, RAW, -1, 1],
        ["a", 0, RAW, 1.0, 1],
        ["a", 0, RAW, None, 1],
        ["a", 0, RAW, 1, 0],
        ["a", 0, RAW, 1, 2],
        ["a", 0, RAW, 1, True],
        ["a", 2, RAW, 1, 0],
        {"a": 1},
        "a",
        None,
    ],
)
def test_a_row_of_another_form_is_refused(memory, row):
    with pytest.raises(CorruptArtifact):
        list(files_in(memory, written(memory, [row])))


@pytest.mark.parametrize(
    "how",
    [
        {"tag": "assay/dirs"},
        {"tag": 1},
        {"version": 2},
        {"version": True},
        {"version": "1"},
        {"algo": "sha256"},
        {"algo": None},
        {"depth": -1},
        {"depth": 4},
        {"depth": False},
        {"depth": "0"},
    ],
)
def test_an_object_of_another_form_is_refused(memory, how):
    with pytest.raises(CorruptArtifact):
        list(files_in(memory, written(memory, [["a", 0, RAW, 1, 1]], **how)))


@pytest.mark.parametrize("names", [["b", "a"], ["a", "a"], ["é", "z"]])
def test_names_out_of_order_or_twice_are_refused(memory, names):
    with pytest.raises(CorruptArtifact, match="sorted"):
        list(files_in(memory, written(memory, [[name, 0, RAW, 1, 1] for name in names])))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"text", b"\x90", b"\x95\x01\x01\x01\x01\x01", b"\xdd\xff\xff\xff\xff", b"\x91" * 3000, b"\xc0"],
)
def test_what_is_no_manifest_is_refused(memory, data):
    with pytest.raises(CorruptArtifact):
        list(files_in(memory, memory.add_bytes(data, is_dir=True)))


def test_another_encoding_of_the_same_values_is_refused(memory):
    good = msgpack.packb(["assay/dir", 1, "xxh128", 0, [["a", 0, RAW, 1, 1]]])
    for bad in (good.replace(b"\xa9assay", b"\xd9\x09assay"), good[:-1] + b"\xcc\x01", good + b"\xc0"):
        with pytest.raises(CorruptArtifact):
            list(files_in(memory, memory.add_bytes(bad, is_dir=True)))


def node(memory, *names, depth=0, rows=None):
    rows = rows or [[name, 0, RAW, 1, 1] for name in names]
    return bytes.fromhex(written(memory, rows, depth=depth).hex)


@pytest.mark.parametrize("wrong", ["last name", "order", "empty", "depth"])
def test_a_node_that_does_not_fit_its_place_is_refused(memory, wrong):
    first, second = node(memory, "a", "b"), node(memory, "c", "d")
    rows = [["b", first, 2, 2], ["d", second, 2, 2]]
    if wrong == "last name":
        rows[1][0] = "e"
    elif wrong == "order":
        rows[1][1] = node(memory, "b", "d")
    elif wrong == "empty":
        rows[1][1] = node(memory, rows=[])
        memory.add_bytes(msgpack.packb(["assay/dir", 1, "xxh128", 0, []]), is_dir=True)
    else:
        rows[1][1] = node(memory, rows=[["d", second, 2, 2]], depth=1)
    with pytest.raises(CorruptArtifact):
        list(files_in(memory, written(memory, rows, depth=1)))


def test_a_manifest_nested_without_end_is_refused(memory):
    digest = written(memory, [["f", 0, RAW, 1, 1]])
    for _ in range(DEEPEST + 1):
        digest = written(memory, [["d", 2, bytes.fromhex(digest.hex), 1, 1]])
    with pytest.raises(CorruptArtifact, match="folders deep"):
        list(files_in(memory, digest))


def test_a_level_that_is_not_there_is_missing(memory):
    artifact = write_manifest(memory, {"a/b": entry()})
    inner = next(digest for digest in memory.objects if digest != artifact.digest)
    del memory.objects[inner]
    with pytest.raises(MissingArtifact, match=object_key(inner).rpartition("/")[2][:10]):
        list(files_in(memory, artifact.digest))


def test_the_digest_of_a_manifest_says_that_it_is_one(memory):
    artifact = write_manifest(memory, {"a": entry()})
    assert artifact.digest == Digest("xxh128", artifact.digest.hex, True)


def test_the_digest_of_a_known_directory_stays_what_it_was(memory):
    """Written once, the form of a manifest never changes."""
    files = {
        f"{folder}/{number}": entry(b"%d" % number, is_exec=number % 7 == 0)
        for folder in ("a", "b/c")
        for number in range(5000)
    }
    assert write_manifest(memory, files).digest.hex == "82131214212145ef6796b25bdfae4b4e"
