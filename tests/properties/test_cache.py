"""The cache: whatever happens to its bytes, it never hands out wrong ones."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import CorruptArtifact, MissingArtifact
from assay.engine.store import pack, packindex
from assay.engine.store.cache import Cache
from assay.engine.store.digest import digest_bytes
from assay.engine.store.pack import check_object, check_pack, objects, read_entries
from tests.stores import overwrite, put

CONTENTS = [b"", b"one", bytes(range(0, 256, 9)), b"two"]


def fresh(folder: str) -> tuple[Path, str, bytes]:
    """The one pack of a fresh cache: its path, its id, its bytes."""
    put(Cache(folder, "xxh128"), *CONTENTS)
    (info,) = Cache(folder, "xxh128").packs()
    return Path(info.path), info.id, Path(info.path).read_bytes()


def read_all(cache: Cache) -> int:
    """Reads every object twice and returns how many came; none may be another's."""
    came = 0
    for data in CONTENTS * 2:
        try:
            assert cache.read(digest_bytes("xxh128", data)) == data
            came += 1
        except (CorruptArtifact, MissingArtifact):
            pass
    return came


def test_each_bit_of_a_pack_counts():
    """Every single flipped bit is found by the pack's name, and no reader is given a wrong byte because of it."""
    with tempfile.TemporaryDirectory() as folder:
        path, pack_id, good = fresh(folder)
        found = 0
        for place in range(len(good)):
            bad = bytearray(good)
            bad[place] ^= 1 << place % 8
            overwrite(path, bytes(bad))
            try:
                check_pack(str(path), pack_id)
            except CorruptArtifact:
                found += 1
            cache = Cache(folder, "xxh128")
            read_all(cache)
            cache.close()
            for leftover in path.parent.glob("*.pack"):
                leftover.unlink()
            path.write_bytes(good)
        assert found == len(good)
        assert read_all(Cache(folder, "xxh128")) == 2 * len(CONTENTS)


@settings(max_examples=80)
@given(st.data())
def test_damage_of_any_kind_gives_no_wrong_bytes(data):
    with tempfile.TemporaryDirectory() as folder:
        path, _, good = fresh(folder)
        kind = data.draw(st.sampled_from(["cut", "overwrite", "insert", "remove", "swap"]))
        start = data.draw(st.integers(0, len(good)))
        end = data.draw(st.integers(start, min(len(good), start + 40)))
        other = data.draw(st.binary(min_size=end - start, max_size=end - start))
        bad = {
            "cut": good[:start],
            "overwrite": good[:start] + other + good[end:],
            "insert": good[:start] + other + good[start:],
            "remove": good[:start] + good[end:],
            "swap": good[start:end] + good[:start] + good[end:],
        }[kind]
        overwrite(path, bad)
        came = read_all(Cache(folder, "xxh128"))
        if bad == good:
            assert came == 2 * len(CONTENTS)


@settings(max_examples=50)
@given(st.data())
def test_damage_of_the_saved_index_costs_nothing_but_time(data):
    with tempfile.TemporaryDirectory() as folder:
        fresh(folder)
        worth, tiny = packindex._WORTH_SAVING, packindex.TINY
        packindex._WORTH_SAVING = packindex.TINY = 0
        try:
            Cache(folder, "xxh128").missing([digest_bytes("xxh128", b"")])
        finally:
            packindex._WORTH_SAVING, packindex.TINY = worth, tiny
        index = Path(folder, "packs", "index")
        blob = bytearray(index.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
        index.write_bytes(blob[: data.draw(st.integers(0, len(blob)))])
        assert read_all(Cache(folder, "xxh128")) == 2 * len(CONTENTS)


@settings(max_examples=200)
@given(st.binary(max_size=200), st.binary(max_size=80))
def test_any_bytes_between_header_and_footer_are_refused_or_consistent(body, table):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "p")
        Path(path).write_bytes(pack.HEADER + body + table + len(table).to_bytes(8, "big") + pack.FOOTER)
        try:
            entries = read_entries(path)
        except CorruptArtifact:
            return
        for key, data in objects(path, entries):
            assert len(data) == entries[key][1]


@settings(max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=30), max_size=4), max_size=12))
def test_what_several_writers_added_is_all_there(parts):
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            put(Cache(folder, "xxh128"), *part)
        cache = Cache(folder, "xxh128")
        for data in {data for part in parts for data in part}:
            assert cache.read(digest_bytes("xxh128", data)) == data
        for info in cache.packs():
            for key, data in objects(info.path, check_pack(info.path, info.id)):
                assert check_object(key, data)
