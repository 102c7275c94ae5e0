"""Deltas as packs hold them (gitformat-pack): copy this range of the base, insert these bytes.

`make_delta` is for small files that differ in a few lines, which is what experiments write: it finds ranges of the
base by blocks of 16 bytes and grows each hit both ways. It gives up early where the two have little in common. It is
not a general compressor.
"""

from __future__ import annotations

from typing import NamedTuple

from assay.engine.errors import CorruptObject

_BLOCK = 16
_STRIDE = 8
_SMALL = 16 << 10  # bytes of a base of which every block is noted, so that few of the data need to be looked up
_MAX_COPY = 0xFFFF


class BlockIndex(NamedTuple):
    """Where blocks of a base lie, and how far apart those of the data may be that are looked up."""

    places: dict[bytes, int]
    stride: int


def read_size(data: bytes, at: int) -> tuple[int, int]:
    """A little-endian base-128 number at ``at`` and the position after it. Raises IndexError past the end."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 63:
            return value, at


def pack_size(value: int) -> bytes:
    """The number as `read_size` reads it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def apply_delta(base: bytes, delta: bytes, limit: int) -> bytes:
    """The object that ``delta`` makes of ``base``.

    It is run for most objects that are read, hence the operations written out one by one.

    Raises:
        CorruptObject: The delta is for another base, does not make what it says, or makes more than ``limit`` bytes.
    """
    try:
        base_size, at = read_size(delta, 0)
        size, at = read_size(delta, at)
        if base_size != len(base):
            raise CorruptObject("A delta in a Git pack is for another base.")
        if size > limit:
            raise CorruptObject(f"A delta in a Git pack makes {size} bytes, more than is read into memory.")
        pieces: list[bytes] = []
        left = size
        end = len(delta)
        while at < end:
            op = delta[at]
            at += 1
            if op & 0x80:
                start = length = 0
                if op & 0x01:
                    start = delta[at]
                    at += 1
                if op & 0x02:
                    start |= delta[at] << 8
                    at += 1
                if op & 0x04:
                    start |= delta[at] << 16
                    at += 1
                if op & 0x08:
                    start |= delta[at] << 24
                    at += 1
                if op & 0x10:
                    length = delta[at]
                    at += 1
                if op & 0x20:
                    length |= delta[at] << 8
                    at += 1
                if op & 0x40:
                    length |= delta[at] << 16
                    at += 1
                if not length:
                    length = 0x10000
                pieces.append(base[start : start + length])
            elif op:
                length = op
                pieces.append(delta[at : at + op])
                at += op
            else:
                raise CorruptObject("A delta in a Git pack holds an operation that is not defined.")
            left -= length
            if left < 0:
                break
    except IndexError:
        raise CorruptObject("A delta in a Git pack is cut short.") from None
    result = b"".join(pieces)
    if left or len(result) != size:  # a range beyond the base, or an insertion beyond the delta, is a short slice
        raise CorruptObject("A delta in a Git pack does not make what it says.")
    return result


def index_blocks(base: bytes) -> BlockIndex:
    """Where each block of ``base`` lies, for `make_delta`; where it occurs twice, the first."""
    last = len(base) - _BLOCK
    step, stride = (1, _STRIDE) if len(base) <= _SMALL else (_STRIDE, 1)
    return BlockIndex({base[at : at + _BLOCK]: at for at in range(last // step * step, -1, -step)}, stride)


def make_delta(base: bytes, blocks: BlockIndex, data: bytes) -> bytes | None:
    """A delta that makes ``data`` of ``base``, or None where it would not be less than half of ``data``."""
    allowed = len(data) // 2
    out = [pack_size(len(base)), pack_size(len(data))]
    done = at = literal = 0
    end = len(data)
    find, stride = blocks.places.get, blocks.stride
    while at + _BLOCK <= end:
        start = find(data[at : at + _BLOCK])
        if start is None:
            at += stride
            if literal + at - done > allowed:
                return None
            continue
        first, start = _grow_back(base, start, data, at, done)
        last = _grow_on(base, start + at + _BLOCK - first, data, at + _BLOCK)
        literal += first - done
        _insert(out, data, done, first)
        _copy(out, start, last - first)
        done = at = last
    if literal + end - done > allowed:
        return None
    _insert(out, data, done, end)
    delta = b"".join(out)
    return delta if len(delta) <= allowed else None


def _grow_back(base: bytes, start: int, data: bytes, at: int, floor: int) -> tuple[int, int]:
    while at > floor and start > 0 and data[at - 1] == base[start - 1]:
        at -= 1
        start -= 1
    return at, start


def _grow_on(base: bytes, start: int, data: bytes, at: int) -> int:
    """The end in ``data`` of the range that is equal in both, found in strides that double, then halve."""
    room = min(len(data) - at, len(base) - start)
    done, stride = 0, _BLOCK
    while done + stride <= room and data[at + done : at + done + stride] == base[start + done : start + done + stride]:
        done += stride
        stride *= 2
    while stride:
        if done + stride <= room and data[at + done : at + done + stride] == base[start + done : start + done + stride]:
            done += stride
        else:
            stride >>= 1
    return at + done


def _insert(out: list[bytes], data: bytes, start: int, end: int) -> None:
    while start < end:
        length = min(0x7F, end - start)
        out.append(bytes((length,)) + data[start : start + length])
        start += length


def _copy(out: list[bytes], start: int, length: int) -> None:
    while length:
        part = min(length, _MAX_COPY)
        op = 0x80
        arguments = bytearray()
        for bit, value in ((0, start), (1, start >> 8), (2, start >> 16), (3, start >> 24), (4, part), (5, part >> 8)):
            if value & 0xFF:
                op |= 1 << bit
                arguments.append(value & 0xFF)
        out.append(bytes((op,)) + arguments)
        start += part
        length -= part
