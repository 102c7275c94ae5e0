"""Deltas that are wrong, each in its own way; right ones are in tests/properties."""

from __future__ import annotations

import pytest

from assay.engine.errors import CorruptObject
from assay.engine.git.delta import apply_delta, index_blocks, make_delta, pack_size

LIMIT = 1 << 20
BASE = bytes(range(100))


def delta(size: int, *ops: bytes, base: int = len(BASE)) -> bytes:
    return pack_size(base) + pack_size(size) + b"".join(ops)


def test_ranges_and_insertions_are_joined() -> None:
    ops = (b"\x91\x0a\x05", b"\x02hi", b"\x90\x03")
    assert apply_delta(BASE, delta(10, *ops), LIMIT) == BASE[10:15] + b"hi" + BASE[:3]


def test_a_range_without_a_length_is_64_kib_long() -> None:
    base = bytes(70000)
    assert apply_delta(base, delta(0x10000, b"\x80", base=len(base)), LIMIT) == base[:0x10000]


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\x80",
        delta(5, b"\x91\x0a\x05", base=99),
        delta(4, b"\x91\x0a\x05"),
        delta(6, b"\x91\x0a\x05"),
        delta(10, b"\x91\x5f\x0a"),
        delta(10, b"\x91\x5f\x0a", b"\x05abcde"),
        delta(5, b"\x05abc"),
        delta(5, b"\x91\x0a"),
        delta(5, b"\x00"),
        delta(LIMIT + 1, b"\x05abcde"),
    ],
)
def test_a_delta_that_does_not_make_what_it_says_is_corrupt(wrong: bytes) -> None:
    with pytest.raises(CorruptObject):
        apply_delta(BASE, wrong, LIMIT)


def test_making_more_than_it_says_stops_at_once() -> None:
    base = bytes(0xFFFF)
    hostile = delta(10, b"\xb0\xff\xff" * 100_000, base=len(base))  # 6.5 GB
    with pytest.raises(CorruptObject):
        apply_delta(base, hostile, LIMIT)


def test_a_changed_line_costs_about_that_line() -> None:
    base = b"".join(b"option_%02d: 1\n" % i for i in range(100))
    data = base.replace(b"option_50: 1", b"option_50: 0.25")
    made = make_delta(base, index_blocks(base), data)
    assert made is not None
    assert len(made) < 40
    assert apply_delta(base, made, LIMIT) == data


def test_what_has_little_in_common_gets_no_delta() -> None:
    base, data = b"a" * 500, bytes(range(256)) * 2
    assert make_delta(base, index_blocks(base), data) is None
    assert make_delta(b"", index_blocks(b""), b"x" * 100) is None


def test_a_large_base_is_used_too() -> None:
    base = b"".join(b"option_%05d: 1\n" % i for i in range(5000))
    data = base.replace(b"option_02500: 1", b"option_02500: 0.25")
    made = make_delta(base, index_blocks(base), data)
    assert made is not None
    assert len(made) < 60
    assert apply_delta(base, made, LIMIT) == data
