"""Objects, deltas and packs against dulwich's own slow readers and writers, and against made-up damage."""

from __future__ import annotations

import tempfile
from hashlib import sha1
from pathlib import Path

import pytest
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import Commit, ShaFile, Tree
from dulwich.pack import Pack, create_delta, write_pack
from dulwich.pack import apply_delta as slow_apply_delta
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.disk import is_dot_git
from assay.engine.errors import CorruptObject
from assay.engine.git.database import ObjectDatabase
from assay.engine.git.delta import apply_delta, index_blocks, make_delta
from assay.engine.git.incoming import CheckedPack, check_pack
from assay.engine.git.objects import (
    BLOB,
    COMMIT,
    TREE,
    TreeItem,
    build_commit,
    build_tree,
    find_in_tree,
    object_id,
    parse_commit,
    parse_tree,
)
from assay.engine.git.packs import PackMemory
from assay.engine.model import Oid, Signature
from tests.packfiles import ofs_delta, pack_of, ref_delta, whole

LIMIT = 1 << 24
lines = st.lists(st.sampled_from([b"lr: 0.1\n", b"epochs: 3\n", b"md5: 0123456789abcdef\n", b"x\n"]), max_size=60)
contents = st.one_of(st.binary(max_size=300), lines.map(b"".join), st.integers(0, 3000).map(lambda n: b"%d" % n * n))
oids = st.binary(min_size=20, max_size=20).filter(any).map(Oid)
names = st.one_of(
    st.text(st.characters(exclude_characters="\0/", exclude_categories=("Cs",)), min_size=1, max_size=12),
    st.sampled_from(["a", "a.b", "a0", "100644 a", "x100644 a", "40000 a", "caf\udce9", " a", "a "]),
)
modes = st.sampled_from([0o100644, 0o100755, 0o120000, 0o040000, 0o160000])


@given(base=contents, data=contents)
def test_a_delta_of_ours_is_applied_alike_by_both(base: bytes, data: bytes) -> None:
    delta = make_delta(base, index_blocks(base), data)
    if delta is not None:
        assert len(delta) <= len(data) // 2
        assert apply_delta(base, delta, LIMIT) == data
        assert b"".join(slow_apply_delta(base, delta)) == data


@given(base=contents, cuts=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=5), more=contents)
def test_what_is_made_of_parts_of_the_base_gets_a_right_delta(
    base: bytes, cuts: list[tuple[int, int]], more: bytes
) -> None:
    data = more[:20].join(base[start : start + length] for start, length in cuts)
    delta = make_delta(base, index_blocks(base), data)
    assert delta is None or apply_delta(base, delta, LIMIT) == data


@given(base=contents, data=contents)
def test_a_delta_of_others_is_applied(base: bytes, data: bytes) -> None:
    assert apply_delta(base, b"".join(create_delta(base, data)), LIMIT) == data


@given(base=contents, delta=st.binary(max_size=60))
def test_any_bytes_are_a_delta_or_corrupt(base: bytes, delta: bytes) -> None:
    try:
        expected = b"".join(slow_apply_delta(base, delta))
    except Exception:  # noqa: BLE001 the judge raises all sorts
        expected = None
    try:
        assert apply_delta(base, delta, LIMIT) == expected
    except CorruptObject:
        assert expected is None or len(expected) > LIMIT


@given(items=st.dictionaries(names, st.tuples(modes, oids), max_size=12), absent=names)
def test_trees_are_built_and_found_in_as_dulwich_does(items: dict[str, tuple[int, Oid]], absent: str) -> None:
    allowed = (name for name in items if name not in (".", "..") and not is_dot_git(name))
    wanted = [TreeItem(name, *items[name]) for name in allowed]
    raw = build_tree(wanted)
    judge = Tree()
    for item in wanted:
        judge.add(item.name.encode("utf-8", "surrogateescape"), item.mode, item.oid.hex().encode())
    assert raw == judge.as_raw_string()
    assert sorted(parse_tree(raw)) == sorted(wanted)
    for item in wanted:
        assert find_in_tree(raw, item.name) == item
    assert find_in_tree(raw, absent) == next((item for item in wanted if item.name == absent), None)


words = st.text(st.characters(exclude_characters="\0\n<>", exclude_categories=("Cs",)), max_size=20)
signatures = st.builds(
    Signature,
    words.map(str.strip).filter(bool),
    words.map(str.strip),
    st.integers(0, 2**33),
    st.integers(-1439, 1439),
)


@given(tree=oids, parents=st.lists(oids, max_size=3), who=signatures, by=signatures, message=st.text().map(str))
def test_commits_are_read_as_dulwich_reads_them(
    tree: Oid, parents: list[Oid], who: Signature, by: Signature, message: str
) -> None:
    message = message.replace("\0", "").encode("utf-8", "replace").decode()
    raw = build_commit(tree, parents, who, by, message)
    judge = ShaFile.from_raw_string(COMMIT, raw)
    assert isinstance(judge, Commit)
    assert parse_commit(raw) == (tree, tuple(parents), who, by, message)
    assert [judge.tree, *judge.parents] == [oid.hex().encode() for oid in (tree, *parents)]
    assert judge.message == message.encode()
    assert (judge.author_time, judge.author_timezone) == (who.time, who.offset * 60)
    assert judge.committer == f"{by.name} <{by.email}>".encode()


object_ = st.tuples(st.sampled_from([BLOB, BLOB, COMMIT, TREE]), contents, st.sampled_from(["", "params.yaml", "lock"]))
objects = st.one_of(st.lists(object_, max_size=5), st.lists(object_, min_size=30, max_size=60))


@settings(max_examples=60)
@given(objects=objects)
def test_what_a_batch_writes_dulwich_reads(objects: list[tuple[int, bytes, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        db = ObjectDatabase(folder)
        with db.batch() as batch:
            for kind, data, hint in objects:
                oid = batch.add(kind, data, hint)
                assert db.read(oid) == (kind, data)
        for stem in Path(folder).glob("pack/*.pack"):
            with Pack(str(stem)[:-5], object_format=DEFAULT_OBJECT_FORMAT) as judge:
                judge.check_length_and_checksum()
                judge.index.check()
                assert {name: judge.get_raw(name) for name in map(bytes.fromhex, map(bytes.decode, judge))} == {
                    object_id(kind, data): (kind, data) for kind, data, _ in objects
                }
        fresh = ObjectDatabase(folder)
        for kind, data, _ in objects:
            assert fresh.read(object_id(kind, data)) == (kind, data)


@settings(max_examples=40)
@given(objects=objects, deltify=st.booleans())
def test_what_dulwich_writes_is_read(objects: list[tuple[int, bytes, str]], deltify: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack").mkdir()
        blobs = [data for kind, data, _ in objects if kind == BLOB]
        known = {object_id(BLOB, data): ShaFile.from_raw_string(BLOB, data) for data in blobs}
        stem = f"{folder}/pack/pack-x"
        write_pack(stem, [(blob, None) for blob in known.values()], DEFAULT_OBJECT_FORMAT, deltify=deltify)
        db = ObjectDatabase(folder)
        for oid, blob in known.items():
            assert db.read(oid) == (BLOB, blob.as_raw_string())
        copy = Path(folder) / "copy"
        copy.write_bytes(Path(stem + ".pack").read_bytes())
        other = ObjectDatabase(f"{folder}/other")
        Path(other.path).mkdir()
        other.add_pack(str(copy))
        for oid, blob in known.items():
            assert other.read(oid) == (BLOB, blob.as_raw_string())


BASE = b"a line of text\n" * 9
ENTRIES = [whole(BLOB, BASE), whole(TREE, b"")]
ENTRIES.append(ofs_delta(sum(map(len, ENTRIES)), b"\x87\1\x40\x90\x40"))
ENTRIES.append(ref_delta(object_id(BLOB, BASE), b"\x87\1\x20\x90\x20"))
GOOD = pack_of(ENTRIES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packs")


@settings(max_examples=600)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(GOOD) - 21), st.binary(max_size=3)), min_size=1, max_size=3),
    cut=st.integers(0, 40),
)
def test_a_pack_changed_anywhere_is_whole_or_refused(folder: Path, changes: list[tuple[int, bytes]], cut: int) -> None:
    """Its checksum is made to fit again, so that what comes after the checksum is tried."""
    body = bytearray(GOOD[:-20])
    for at, new in changes:
        body[at : at + len(new)] = new
    if cut > 30:
        del body[-(cut - 30) :]
    path = folder / "incoming"
    path.write_bytes(bytes(body) + sha1(body).digest())
    try:
        checked = check_pack(str(path), PackMemory(max_object=LIMIT), lambda _: None)
    except CorruptObject:
        return
    assert isinstance(checked, CheckedPack)
    db = ObjectDatabase(str(folder / "objects"))
    (folder / "objects").mkdir(exist_ok=True)
    db.add_pack(str(path))
    for entry in checked.entries:
        assert object_id(*db.read(entry.oid)) == entry.oid
