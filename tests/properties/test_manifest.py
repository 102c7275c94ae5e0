"""Manifests: the same files make the same bytes, and nothing else is taken for a manifest."""

from __future__ import annotations

import random
from contextlib import suppress

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import CorruptArtifact, UnsafePath
from assay.engine.model import Artifact, Entry
from assay.engine.store import merkle
from assay.engine.store.digest import digest_bytes
from assay.engine.store.manifest import digests_of, files_in, write_manifest
from assay.engine.store.merkle import decode, write_level
from assay.engine.store.rows import check_names

NAMES = st.one_of(
    st.sampled_from(["a", "b", "a.", "a0", "é", "z", "\U0001f600", "\udcff", "..."]),
    st.text(
        st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0\\~"), min_size=1, max_size=6
    ).filter(lambda name: not name.startswith(".")),
    st.binary(min_size=1, max_size=5)
    .map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    .filter(lambda name: not set(name) & set("/\0\\~.")),
)  # fmt: skip
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
ENTRIES = st.builds(
    lambda data, is_exec: Entry("", digest_bytes("xxh128", data), len(data), None, is_exec),
    st.binary(max_size=3),
    st.booleans(),
)


class Memory:
    """A cache and its writer, in memory."""

    algo = "xxh128"

    def __init__(self):
        self.objects = {}

    def add_bytes(self, data, *, is_dir=False):
        digest = digest_bytes("xxh128", data, is_dir=is_dir)
        self.objects[digest] = data
        return digest

    def read(self, digest):
        return self.objects[digest]


def without_clashes(files):
    """The files whose path is no folder of another's."""
    folders = {path[:place] for path in files for place in range(len(path)) if path[place] == "/"}
    return {path: entry for path, entry in files.items() if path not in folders}


FILES = st.dictionaries(PATHS, ENTRIES, max_size=8).map(without_clashes)


@settings(max_examples=60)
@given(FILES, st.randoms(use_true_random=False))
def test_any_files_come_back_and_their_order_does_not_matter(files, shuffler):
    memory, other = Memory(), Memory()
    artifact = write_manifest(memory, files)
    shuffled = list(files.items())
    shuffler.shuffle(shuffled)
    assert write_manifest(other, dict(shuffled)) == artifact
    assert other.objects == memory.objects
    found = {path: entry._replace(name="") for path, entry in files_in(memory, artifact.digest)}
    assert found == files
    assert artifact.nfiles == len(files)
    assert artifact.size == sum(entry.size for entry in files.values())


@settings(max_examples=50)
@given(FILES)
def test_the_closure_is_every_file_and_every_manifest(files):
    memory = Memory()
    artifact = write_manifest(memory, files)
    assert set(digests_of(memory, artifact)) == set(memory.objects) | {entry.digest for entry in files.values()}


@settings(max_examples=50)
@given(FILES, FILES)
def test_different_files_make_different_digests(one, other):
    same = write_manifest(Memory(), one).digest == write_manifest(Memory(), other).digest
    assert same == (one == other)


@settings(max_examples=25)
@given(st.integers(0, 1 << 30), st.integers(1, 900), st.text("abcxyz0189", min_size=1, max_size=6))
def test_one_more_name_in_a_large_level_changes_few_objects(seed, count, more):
    """With nodes of about eight rows: the node, perhaps its neighbour, and what is above them."""
    maker = random.Random(seed)
    names = {f"{maker.getrandbits(40):010x}" for _ in range(count)}
    rows = {name: [name, 0, bytes(16), 1, 1] for name in {*names, more}}
    before, after = Memory(), Memory()
    old = _write_small_nodes(before, [rows[name] for name in names])
    new = _write_small_nodes(after, list(rows.values()))
    assert sorted(path for path, _ in files_in(after, new.digest)) == sorted(rows)
    assert sorted(path for path, _ in files_in(before, old.digest)) == sorted(names)
    if count > 8:
        assert len(set(after.objects) - set(before.objects)) <= 8


def _write_small_nodes(memory, rows) -> Artifact:
    split, cut = merkle.SPLIT, merkle._CUT
    merkle.SPLIT, merkle._CUT = 8, 29
    try:
        return write_level(rows, "xxh128", lambda data: memory.add_bytes(data, is_dir=True))
    finally:
        merkle.SPLIT, merkle._CUT = split, cut


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70_000) | st.text(max_size=3) | st.binary(max_size=17) | st.floats(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)
ROWS = st.lists(st.tuples(NAMES, st.integers(0, 2), st.just(bytes(16)), st.integers(0, 9), st.integers(0, 2)).map(list))


def _is_canonical(data: bytes) -> bool:
    """Whether a manifest object that was accepted is one that the writer writes."""
    digest = digest_bytes("xxh128", data, is_dir=True)
    depth, rows = decode(digest, data)
    packed = msgpack.packb([merkle.TAG, merkle.VERSION, "xxh128", depth, rows], unicode_errors="surrogateescape")
    return packed == data and rows == sorted(rows, key=lambda row: row[0].encode("utf-8", "surrogateescape"))


LEVELS = st.tuples(st.just(merkle.TAG), st.just(1), st.just("xxh128"), st.integers(0, 1), VALUES | ROWS)


@settings(max_examples=150)
@given(VALUES | LEVELS)
def test_any_value_is_refused_or_canonical(value):
    with suppress(CorruptArtifact, UnsafePath):
        assert _is_canonical(msgpack.packb(value, unicode_errors="surrogateescape"))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=3))
def test_any_changed_bytes_are_refused_or_canonical(changes):
    memory = Memory()
    names = ["a", "b", "é", "\udcff"]
    artifact = write_manifest(memory, {name: Entry("", digest_bytes("xxh128", b"x"), 300) for name in names})
    blob = bytearray(memory.read(artifact.digest))
    for place, value in changes:
        blob[place % len(blob)] = value
    with suppress(CorruptArtifact, UnsafePath):
        assert _is_canonical(bytes(blob))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_canonical(data):
    with suppress(CorruptArtifact):
        assert _is_canonical(data)


@settings(max_examples=300)
@given(st.lists(st.text("a.git~1\\/\0GIT \u200c", max_size=6), max_size=4))
def test_names_are_judged_alike_alone_and_together(names):
    """The fast way, for a whole level at once, refuses what the careful way refuses."""

    def refused(some):
        try:
            check_names(some)
        except UnsafePath:
            return True
        return False

    assert refused(names) == any(refused([name, "\u00e9"]) for name in names)
