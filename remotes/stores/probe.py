"""What a remote can do, found out by doing it: every primitive of the port on scratch keys, which are removed again.

Nothing that lies there is read or changed. Limits: latency is that of a few small requests; that others are excluded
is tried from one side only, since a store that lies about conditions does so to everybody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from assay.engine.errors import AccessDenied, AssayError, KeyMissing, RemoteError
from assay.engine.ports import RemoteStore

SCRATCH = "tmp/test-"
_PART = b"0123456789"
_LARGE = 1 << 20
_TIMES = 5
_CLOCK_TOLERANCE = 60
"""Seconds. S3 takes up to fifteen minutes; whoever is off by more than one should know."""


class Finding(NamedTuple):
    """One thing that a remote can or cannot do.

    Attributes:
        what: "read", "write", "list", "parts", "exclusive", "remove", "latency", "clock".
        can: Whether it can; None for a figure.
        says: A sentence: what was found, or what assay does instead.
    """

    what: str
    can: bool | None
    says: str


class Verdict(NamedTuple):
    """All that was found.

    Attributes:
        findings: In the order of the trials.
        can_read: Whether it is of any use.
        can_write: Whether something can be pushed to it.
    """

    findings: tuple[Finding, ...]
    can_read: bool
    can_write: bool


class _Refused(Exception):
    """The store did something else than it should; the text says what."""


def probe(store: RemoteStore, *, patience: Callable[[], float] = time.monotonic) -> Verdict:
    """Tries everything. What goes wrong is a finding, not an error.

    Args:
        store: The store itself, without patience, so that what goes wrong is said the first time.
        patience: The clock that latency is measured with, in seconds.
    """
    prefix = f"{SCRATCH}{os.urandom(8).hex()}/"
    found: list[Finding] = []
    try:
        can_read = _tried(found, "read", lambda: _reads(store, prefix))
        can_write = can_read and _tried(found, "write", lambda: _writes(store, prefix))
        _tried(found, "list", lambda: _lists(store, prefix, there=can_write), _WITHOUT_LISTS if can_read else "")
        if can_write:
            _tried(found, "parts", lambda: _parts(store, prefix), "Whole packs are fetched instead of parts.")
            _tried(found, "exclusive", lambda: _excludes(store), _WITHOUT_CONDITIONS)
            _tried(found, "remove", lambda: _removes(store, prefix), "`gc --remote` cannot work there.")
            found.append(_latency(store, prefix, patience))
        found += _clock(store)
    finally:
        with suppress(AssayError):
            store.delete([f"{prefix}{name}" for name in ("small", "large", "empty")])
    return Verdict(tuple(found), can_read, can_write)


_WITHOUT_CONDITIONS = (
    "Branches and tags are kept as statements that readers merge, so nobody's work is lost; but of two who move a "
    "branch at the same moment, neither is refused."
)
_WITHOUT_LISTS = "Data of a DVC project is asked for file by file; experiments cannot be shared there."


def _tried(found: list[Finding], what: str, trial: Callable[[], str], otherwise: str = "") -> bool:
    try:
        found.append(Finding(what, True, trial()))
    except _Refused as error:
        found.append(Finding(what, False, f"{error} {otherwise}".strip()))
    except AssayError as error:
        words = [error.message, otherwise or error.hint]
        found.append(Finding(what, False, " ".join(filter(None, words))))
    return found[-1].can is True


def _reads(store: RemoteStore, prefix: str) -> str:
    """A key that is not there is missing; some stores say "denied" to whoever may not list."""
    try:
        store.get(f"{prefix}nothing")
    except KeyMissing:
        return "Keys can be asked for."
    except AccessDenied:
        if _may_list(store, prefix):
            raise
        _write_and_read(store, prefix)
        return "Keys can be asked for; a missing one is answered like a forbidden one."
    raise _Refused("A key that was never written has a value.")


def _may_list(store: RemoteStore, prefix: str) -> bool:
    try:
        return list(store.list(prefix)) is not None
    except RemoteError:
        return False


def _write_and_read(store: RemoteStore, prefix: str) -> None:
    store.put(f"{prefix}small", _PART)
    if store.get(f"{prefix}small") != _PART:
        raise _Refused("What was written is not what was read.")


def _writes(store: RemoteStore, prefix: str) -> str:
    store.put(f"{prefix}small", b"another value")
    _write_and_read(store, prefix)
    store.put(f"{prefix}empty", b"")
    data = os.urandom(_LARGE)
    store.put_from(f"{prefix}large", _Bytes(data))
    sink = _Taken()
    store.get_to(f"{prefix}large", sink)
    if bytes(sink.data) != data or store.get(f"{prefix}empty"):
        raise _Refused("What was written is not what was read.")
    if store.size(f"{prefix}large") != _LARGE or store.size(f"{prefix}empty") != 0:
        raise _Refused("It says another size than was written.")
    return "What is written is read again as it was, and replaced whole."


def _lists(store: RemoteStore, prefix: str, *, there: bool) -> str:
    listed = sorted((info.key, info.size) for info in store.list(prefix))
    wanted = [(f"{prefix}empty", 0), (f"{prefix}large", _LARGE), (f"{prefix}small", len(_PART))] if there else []
    if listed != wanted:
        raise _Refused(f"A list shows {len(listed)} of {len(wanted)} keys that were just written.")
    return "Keys can be listed, and a list shows what was just written." if there else "Keys can be listed."


def _parts(store: RemoteStore, prefix: str) -> str:
    if store.get_range(f"{prefix}small", 3, 4) != _PART[3:7]:
        raise _Refused("A part of a value is not that part.")
    if store.get_range(f"{prefix}small", 8, 9) != _PART[8:] or store.get_range(f"{prefix}small", 10, 1):
        raise _Refused("A part at the end of a value is not that part.")
    if not store.has_ranges():
        raise _Refused("Whoever asks for a part is sent the whole.")
    return "Parts of values can be asked for."


def _excludes(store: RemoteStore) -> str:
    if not store.is_atomic():
        raise _Refused("Conditional writes are ignored or refused.")
    return "Conditional writes are honoured: branches move by compare-and-swap."


def _removes(store: RemoteStore, prefix: str) -> str:
    store.delete([f"{prefix}small", f"{prefix}large", f"{prefix}empty", f"{prefix}never"])
    if store.size(f"{prefix}small") is not None:
        raise _Refused("What was removed is still there.")
    return "Keys can be removed."


def _latency(store: RemoteStore, prefix: str, clock: Callable[[], float]) -> Finding:
    taken = []
    try:
        for _ in range(_TIMES):
            start = clock()
            store.size(f"{prefix}nothing")
            taken.append(clock() - start)
    except AssayError as error:
        return Finding("latency", None, error.message)
    return Finding("latency", None, f"A small request takes {sorted(taken)[_TIMES // 2] * 1000:.0f} ms.")


def _clock(store: RemoteStore) -> list[Finding]:
    """How far this machine's clock is from the server's, where a store knows."""
    ahead = getattr(store, "clock_ahead", None)
    if ahead is None:
        return []
    try:
        seconds: float | None = ahead()
    except AssayError:
        return []
    if seconds is None:
        return []
    if abs(seconds) < _CLOCK_TOLERANCE:
        return [Finding("clock", True, "This machine's clock agrees with the server's.")]
    side = "ahead of" if seconds > 0 else "behind"
    return [Finding("clock", False, f"This machine's clock is {abs(seconds):.0f} s {side} the server's. Set it.")]


class _Bytes:
    """A source in memory."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = data
        self._at = 0

    def read(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def restart(self) -> None:
        self._at = 0


class _Taken:
    """A sink in memory."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data

    def restart(self) -> None:
        self.data.clear()
