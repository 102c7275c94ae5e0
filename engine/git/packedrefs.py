"""The packed-refs file: many refs in one sorted file, searched without parsing it.

One name is found by bisection in a few short reads; a folder of names is one slice; an edit copies the lines between
the changed ones as they are. That needs the lines in order, which the header promises with the word "sorted"; a file
without it (old Git, other programs) is read whole and put into order first.

The words "peeled" and "fully-peeled" promise that each annotated tag is followed by a line with the object it leads
to, so that Git need not open the tag. They are written only where they are true; `rewritten` makes them true.

Limits: the file is read with `read`, never mapped, because a mapping of a file that a network file system has
deleted kills the process.
"""

from __future__ import annotations

import os
import re
from binascii import Error as NotHexadecimal
from binascii import unhexlify
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, cast

from assay.engine.errors import GitError
from assay.engine.model import Oid

HEADER = b"# pack-refs with: peeled fully-peeled sorted \n"
_PEELED = re.compile(rb"\n\^[^\n]*\n")
_WINDOW = 8192  # bytes: a range no larger is read at once
_STEP = 256
_IN_MEMORY = 64 * 1024  # bytes: a file no larger is read whole at once


class Packed(NamedTuple):
    """The value of a packed ref; ``peeled`` is what an annotated tag leads to, None for anything else."""

    oid: Oid
    peeled: Oid | None = None


Peel = Callable[[str, Oid], Oid | None]
"""Given a ref's name and its object: what the annotated tag leads to, None when it is no tag."""


class PackedRefs:
    """One state of the file.

    Args:
        path: For error messages.
        data: The content.
        fd: When set, the content is read from there instead, and it is closed with this object.
        size: The content's length in bytes when ``fd`` is set.
    """

    def __init__(self, path: str, data: bytes = b"", fd: int = -1, size: int = 0) -> None:
        self._path = path
        self._data = data
        self._fd = fd
        self.size = size if fd >= 0 else len(data)
        self._sought = (b"", 0)  # the last answer: to create a ref, its own name and what is below are asked for
        if self.size and self._read(self.size - 1, self.size) != b"\n":
            raise self._damaged("its last line has no end")
        start = self._read(0, 256)
        header = start[: start.find(b"\n") + 1] if start.startswith(b"#") else b""
        self._start = len(header)
        self.traits = frozenset(header.partition(b":")[2].decode("ascii", "replace").split())
        if self.size > self._start and "sorted" not in self.traits:
            self._sort(header)

    @property
    def is_exact(self) -> bool:
        """Whether the file has the header this module writes, so that a line-by-line edit keeps it true."""
        return not self.size or {"peeled", "fully-peeled", "sorted"} <= self.traits

    def close(self) -> None:
        """Closes the descriptor."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()

    def find(self, name: str) -> Oid | None:
        """The value of one ref, or None."""
        wanted = _encode(name)
        at = self._seek(wanted)
        if at >= self.size:
            return None
        line, _ = self._record(at)
        return self._oid(line[:40]) if line[41:] == wanted else None

    def has_below(self, folder: str) -> bool:
        """Whether there is a ref whose name starts with ``folder + "/"``."""
        name = _encode(folder)
        at = self._seek(name)
        if at >= self.size or not self._record(at)[0].startswith(name, 41):
            return False
        at = self._seek(name + b"/")
        return at < self.size and self._record(at)[0].startswith(name + b"/", 41)

    def items(self, prefix: str = "") -> list[tuple[str, Oid]]:
        """Every ref whose name starts with ``prefix``, sorted by name."""
        block = self._block(prefix)
        if b"\n^" in block:
            block = _PEELED.sub(b"\n", block)
        # one split instead of a slice per line: neither ids nor names have spaces
        words = block.decode("utf-8", "surrogateescape").replace("\n", " ").split(" ")
        words.pop()
        try:
            oids = cast("list[Oid]", [unhexlify(word) for word in words[::2]])
        except (NotHexadecimal, ValueError) as error:
            raise self._damaged("a line holds no id") from error
        if len(words) % 2 or not set(map(len, oids)) <= {20}:
            raise self._damaged("a line is not an id and a name")
        return list(zip(words[1::2], oids, strict=True))

    def records(self) -> Iterator[tuple[str, Packed]]:
        """Every ref with what it peels to, sorted by name."""
        name, oid = "", Oid(b"")
        peeled: Oid | None = None
        for line in self._block("").split(b"\n")[:-1]:
            if line.startswith(b"^"):
                peeled = self._oid(line[1:])
                continue
            if name:
                yield name, Packed(oid, peeled)
            name, oid, peeled = line[41:].decode("utf-8", "surrogateescape"), self._oid(line[:40]), None
        if name:
            yield name, Packed(oid, peeled)

    def names_ending(self, leaf: str, prefix: str) -> list[str]:
        """The names that start with ``prefix`` and whose last part is ``leaf``, found without splitting lines."""
        block, ending = self._block(prefix), b"/" + _encode(leaf) + b"\n"
        names, at = [], block.find(ending)
        while at >= 0:
            start = block.rfind(b"\n", 0, at) + 1
            names.append(block[start + 41 : at + len(ending) - 1].decode("utf-8", "surrogateescape"))
            at = block.find(ending, at + 1)
        return names

    def edited(self, changes: Mapping[str, Packed | None]) -> bytes:
        """The content with these refs set, or taken away where the value is None; the other lines are copied.

        Raises:
            GitError: The file is not `is_exact`, so that copied lines would make the header untrue.
        """
        if not self.is_exact:
            raise GitError(f"{self._path} has another form and has to be rewritten as a whole.")
        self.load()
        pieces, copied = [HEADER], self._start
        for name, value in sorted((_encode(name), value) for name, value in changes.items()):
            at = self._seek(name)
            pieces.append(self._data[copied:at])
            copied = at
            if at < self.size:
                line, end = self._record(at)
                if line[41:] == name:
                    copied = end
            if value is not None:
                pieces.append(_lines(name, value))
        pieces.append(self._data[copied:])
        return b"".join(pieces)

    def rewritten(self, changes: Mapping[str, Packed | None], peel: Peel | None) -> bytes:
        """As `edited`, for a file of any form: in order, and peeled throughout when ``peel`` is given.

        Without ``peel`` the header says what was true before, and that the lines are sorted.
        """
        refs: dict[str, Packed | None] = {}
        for name, value in self.records():
            refs[name] = Packed(value.oid, value.peeled or peel(name, value.oid)) if peel else value
        refs.update(changes)
        lines = [_lines(_encode(name), value) for name, value in refs.items() if value is not None]
        lines.sort(key=lambda line: line[41:])
        traits = self.traits & {"peeled", "fully-peeled"}
        kept = "".join(f" {word}" for word in ("peeled", "fully-peeled") if word in traits)
        header = HEADER if peel or not self.size else b"# pack-refs with:%b sorted \n" % kept.encode()
        return header + b"".join(lines)

    def _read(self, start: int, end: int) -> bytes:
        if self._fd < 0:
            return self._data[start:end]
        try:
            return os.pread(self._fd, end - start, start)
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def load(self) -> None:
        """Reads the whole file, which pays for many searches."""
        if self._fd >= 0:
            parts, at = [], 0
            while part := self._read(at, self.size):
                parts.append(part)
                at += len(part)
            self._data = b"".join(parts)
            self.size = at
            self.close()

    def _sort(self, header: bytes) -> None:
        """Puts the lines into order in memory; header and length stay those that `_start` and `_size` say."""
        self.load()
        groups = [_lines(_encode(name), value) for name, value in self.records()]
        groups.sort(key=lambda group: group[41:])
        self._data = header + b"".join(groups)
        self.size = len(self._data)
        self._sought = (b"", 0)

    def _block(self, prefix: str) -> bytes:
        if not prefix:
            start, end = self._start, self.size
        else:
            first = _encode(prefix)
            beyond = first.rstrip(b"\xff")
            start = self._seek(first)
            end = self._seek(beyond[:-1] + bytes((beyond[-1] + 1,))) if beyond else self.size
        if end - start > self.size // 2:
            self.load()
        parts = []
        while start < end and (part := self._read(start, end)):
            parts.append(part)
            start += len(part)
        return b"".join(parts)

    def _seek(self, name: bytes) -> int:
        """The offset of the first record whose name is not less than ``name``; the end when there is none."""
        if name != self._sought[0] or not name:
            self._sought = (name, self._bisect(name))
        return self._sought[1]

    def _bisect(self, name: bytes) -> int:
        low, high = self._start, self.size
        if self._fd < 0:
            return _search(self._data, *self._around(name), name)
        while high - low > _WINDOW:
            middle = (low + high) >> 1
            at = self._next_record(middle)
            if at >= high:
                break
            line, end = self._record(at)
            if line[41:] < name:
                low = end
            else:
                high = at
        return low + _search(self._read(low, high), 0, high - low, name)

    def _around(self, name: bytes) -> tuple[int, int]:
        """Between which offsets a name must be, in steps from the last answer on: many are asked for in order."""
        last, low = self._sought
        if not last or name < last:
            return self._start, self.size
        span = _STEP
        while low + span < self.size:
            high = self._next_record(low + span)
            if high >= self.size or self._record(high)[0][41:] >= name:
                return low, min(high, self.size)
            low, span = high, span * 4
        return low, self.size

    def _next_record(self, at: int) -> int:
        """The offset of the first record that begins after ``at``."""
        span = 256
        while True:
            chunk = self._read(at, at + span)
            found = chunk.find(b"\n")
            while found >= 0 and chunk.startswith(b"^", found + 1):
                found = chunk.find(b"\n", found + 1)
            if found >= 0 and (found + 1 < len(chunk) or at + found + 1 >= self.size):
                return at + found + 1
            if at + span >= self.size:
                return self.size
            span *= 4

    def _record(self, at: int) -> tuple[bytes, int]:
        """The line at ``at`` without its end, and where the next record begins (after a peeled line)."""
        span = 256
        while True:
            chunk = self._read(at, at + span)
            end = chunk.find(b"\n")
            last = chunk.find(b"\n", end + 1) if end >= 0 and chunk.startswith(b"^", end + 1) else end
            if last >= 0 and (last + 1 < len(chunk) or at + last + 1 >= self.size):
                return chunk[:end], at + last + 1
            if at + span >= self.size:
                raise self._damaged("a line is cut short")
            span *= 4

    def _oid(self, text: bytes) -> Oid:
        try:
            return Oid(unhexlify(text))
        except (NotHexadecimal, ValueError) as error:
            raise self._damaged("a line holds no id") from error

    def _damaged(self, problem: str) -> GitError:
        return GitError(f"{self._path} is damaged: {problem}.", "Restore it from another clone or a backup.")


def open_packed(path: str) -> PackedRefs:
    """The file as it is now; one that is not there has no refs. Raises GitError."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return PackedRefs(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    packed = PackedRefs(path, fd=fd, size=os.fstat(fd).st_size)
    if packed.size <= _IN_MEMORY:
        packed.load()
    return packed


def _unreadable(path: str, error: OSError) -> GitError:
    return GitError(f"{path} cannot be read: {error.strerror}.")


def _search(data: bytes, low: int, high: int, name: bytes) -> int:
    """As `PackedRefs._seek`, among the whole records between two offsets of ``data``."""
    while low < high:
        at = data.rfind(b"\n", low, (low + high) >> 1) + 1 or low
        while data.startswith(b"^", at):
            at = data.rfind(b"\n", low, at - 1) + 1 or low
        end = data.find(b"\n", at, high) + 1
        if data[at + 41 : end - 1] < name:
            low = end
            while data.startswith(b"^", low):
                low = data.find(b"\n", low) + 1
        else:
            high = at
    return low


def _encode(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _lines(name: bytes, value: Packed) -> bytes:
    line = b"%b %b\n" % (value.oid.hex().encode(), name)
    return line if value.peeled is None else b"%b^%b\n" % (line, value.peeled.hex().encode())
