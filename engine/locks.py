"""Locks that say who holds them: files whose existence is the message and whose content is the owner.

A lock file appears whole: its content is written under another name, then linked to the lock's, which fails when
there is one. (Where a file system has no links, the lock is made exclusively and filled afterwards.)

Whose owner is dead is stale at once, when it ran on this machine: same host, same boot, same process namespace, and
no process of that number that started then. About another machine nothing can be known, so there a lock is stale
when its heartbeat has stopped for a lease. The holder's heart is a thread that first wakes after some seconds.

Breaking a stale lock is safe between any number of breakers: whoever breaks must first make a claim, a lock whose
name contains the nonce of the stale owner, and then look again. While the claim is held nobody else removes that
lock, and a lock taken since has another nonce. A claim whose maker died is broken in the same way.

Limits: a holder that was suspended for longer than the lease, on another machine, finds out at its next heartbeat
(`FileLock.is_held`), not before. Nothing depends on flock.
"""

from __future__ import annotations

import _thread
import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import AssayError, Locked

LEASE = 60.0
"""Seconds without a heartbeat after which a lock of another machine is stale."""

_FIRST_BEAT = 5.0
_BREAKING = 1.0
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}


class Owner(NamedTuple):
    """Who holds a lock.

    Attributes:
        host: The machine's name.
        machine: What tells this boot and process namespace from others; empty where nothing does.
        pid: The process.
        start: When the process started, in the kernel's ticks; 0 where that cannot be read.
        command: What it does, for people.
        time: When it took the lock, in seconds since 1970.
        nonce: What no other owner has.
    """

    host: str
    machine: str
    pid: int
    start: int
    command: str
    time: int
    nonce: str

    def describe(self) -> str:
        """For a sentence: "`assay run` (process 12 on node7) since 2026-01-31 12:00:00 UTC"."""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.time))
        process = f"process {self.pid} on {self.host}"
        return f"`{self.command}` ({process}) since {since}" if self.command else f"{process} since {since}"


def this_process(command: str = "") -> Owner:
    """An owner record for the running process, with a new nonce."""
    host, machine, pid, start = _identity()
    return Owner(host, machine, pid, start, command, int(time.time()), os.urandom(8).hex())


def to_bytes(owner: Owner) -> bytes:
    """The record as a lock file holds it."""
    return json.dumps(owner._asdict()).encode() + b"\n"


def parse_owner(data: bytes) -> Owner | None:
    """The record that a lock file holds; None when it is not one of ours."""
    try:
        fields = json.loads(data.split(b"\n", 1)[0])
        owner = Owner(*(fields[name] for name in Owner._fields))
    except (ValueError, KeyError, TypeError):
        return None
    texts = (owner.host, owner.machine, owner.command, owner.nonce)
    numbers = (owner.pid, owner.start, owner.time)
    good = all(isinstance(text, str) for text in texts) and all(isinstance(number, int) for number in numbers)
    return owner if good and owner.nonce.isalnum() else None


def read_owner(path: str) -> Owner | None:
    """Who holds the lock at ``path``; None when there is no lock or its content says nothing."""
    try:
        with open(path, "rb") as file:
            return parse_owner(file.read())
    except FileNotFoundError:
        return None


def is_dead(owner: Owner) -> bool | None:
    """Whether the owner's process has ended; None when that cannot be known from here."""
    host, machine, _, _ = _identity()
    if (owner.host, owner.machine) != (host, machine) or sys.platform == "win32":
        return None
    return process_ended(owner.pid, owner.start)


def process_ended(pid: int, start: int) -> bool:
    """Whether a process of this machine has ended, or another one has its number now."""
    if sys.platform == "win32":
        return False  # asking would need the Windows API; os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    state, now = _process(pid)
    return state in ("Z", "X") or (start != 0 and now != 0 and start != now)


def make_exclusive(record: str, path: str) -> None:
    """Makes ``path`` with the content of the file ``record``, its first line at least.

    Raises:
        FileExistsError: There is one.
        OSError: It cannot be made.
    """
    try:
        disk.hardlink(record, path)
    except FileExistsError:
        # over NFS a request that succeeded may be sent again and then fail
        with suppress(FileNotFoundError):
            if os.path.samefile(record, path):
                return
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with open(record, "rb") as file:
            disk.create_exclusive(path, file.readline())


class FileLock:
    """A lock of assay's own.

    Args:
        path: Absolute path of the lock file; its folder must exist.
        what: What is locked, for the sentence ("The workspace").
        command: What the holder does, for the sentence of others.
        wait: Seconds to wait for a holder to finish; 0 fails at once.
        lease: As `LEASE`.
    """

    def __init__(
        self, path: str, *, what: str = "", command: str = "", wait: float = 0.0, lease: float = LEASE
    ) -> None:
        self.path = path
        self.what = what or path
        self.command = command
        self.wait = wait
        self.lease = lease
        self._owner: Owner | None = None
        self._heart: _thread.LockType | None = None

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            Locked: Somebody else holds it; the sentence names them.
            AssayError: The lock file cannot be written.
        """
        owner = this_process(self.command)
        deadline = time.monotonic() + self.wait
        grace = _BREAKING  # for whoever is breaking a stale lock at this moment
        pause = 0.01
        while not self._attempt(owner):
            now = time.monotonic()
            if _judge(self.path, "", self.lease) is not None and grace > 0:
                grace -= pause
            elif now >= deadline:
                raise Locked(self._sentence(), "Wait for it to end and try again.")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)
        self._owner = owner
        self._heart = _thread.allocate_lock()
        self._heart.acquire()
        _thread.start_new_thread(_beat, (self.path, owner, self._heart, min(_FIRST_BEAT, self.lease / 4)))

    def release(self) -> None:
        """Gives the lock back; nothing happens when this process does not hold it (any more)."""
        if self._heart is not None:
            self._heart.release()
            self._heart = None
        if self.is_held():
            disk.unlink(self.path, missing_ok=True)
        self._owner = None

    def is_held(self) -> bool:
        """Whether this process holds the lock, and nobody has broken it."""
        owner = self._owner
        return owner is not None and owner.pid == os.getpid() and read_owner(self.path) == owner

    def _attempt(self, owner: Owner) -> bool:
        try:
            with _record(self.path, to_bytes(owner)) as record:
                for _ in range(3):
                    try:
                        make_exclusive(record, self.path)
                        return True
                    except FileExistsError:
                        if not _break_stale(self.path, record, self.lease):
                            return False
        except OSError as error:
            raise AssayError(f"The lock {self.path} cannot be written: {error.strerror}.") from error
        return False

    def _sentence(self) -> str:
        holder = read_owner(self.path)
        return f"{self.what} is locked by {holder.describe() if holder else 'another process'}."


def _break_stale(path: str, record: str, lease: float, base: str = "") -> bool:
    """Removes a stale lock, or a stale claim on it; False when there was nothing for this process to remove.

    Args:
        path: The lock, or a claim.
        record: A file just written next to it: the content of the claim, and the file system's clock.
        lease: As `LEASE`.
        base: The lock that a claim is about.
    """
    judged = _judge(path, record, lease)
    if judged is None:
        return not os.path.lexists(path)
    claim = f"{base or path}.{judged}"
    try:
        make_exclusive(record, claim)
    except FileExistsError:
        return _break_stale(claim, record, lease, base or path)
    try:
        if _judge(path, record, lease) == judged:
            disk.unlink(path, missing_ok=True)
            return True
        return False
    finally:
        disk.unlink(claim, missing_ok=True)


def _judge(path: str, record: str, lease: float) -> str | None:
    """The nonce of a stale lock; None when there is none or it is not stale."""
    try:
        with open(path, "rb") as file:
            data = file.read()
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    owner = parse_owner(data)
    dead = None if owner is None else is_dead(owner)
    if dead is None:
        now = os.stat(record).st_mtime if record else time.time()
        dead = now - status.st_mtime > lease
    if not dead:
        return None
    return owner.nonce if owner else f"{status.st_ino:x}{status.st_mtime_ns:x}"


@contextmanager
def _record(path: str, data: bytes) -> Iterator[str]:
    """A finished file with this content next to ``path``, for as long as it is needed."""
    temp = disk.temp_name(os.path.dirname(path))
    try:
        disk.create_exclusive(temp, data)
        yield temp
    finally:
        with suppress(OSError):
            disk.unlink(temp)


def _beat(path: str, owner: Owner, heart: _thread.LockType, pause: float) -> None:
    """Refreshes the lock's time until the heart is stopped or the lock is somebody else's."""
    while not heart.acquire(timeout=pause):
        if owner.pid != os.getpid() or read_owner(path) != owner:
            return
        with suppress(OSError):
            disk.touch(path)


_known: tuple[str, str, int, int] | None = None


def _identity() -> tuple[str, str, int, int]:
    """Host, machine, pid and start of this process; read once, and again in a forked child."""
    global _known
    pid = os.getpid()
    if _known is None or _known[2] != pid:
        _known = (_host(), _machine(), pid, _process(pid)[1])
    return _known


def _host() -> str:
    if sys.platform == "win32":
        import socket

        return socket.gethostname()
    return os.uname().nodename


def _machine() -> str:
    """This boot and process namespace: a pid means nothing in another one. Empty where Linux's /proc is missing."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _process(pid: int) -> tuple[str, int]:
    """State letter and start time of a process, as Linux's /proc tells them; ("", 0) where it does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return fields[0].decode("ascii", "replace"), int(fields[19])
    except (OSError, IndexError, ValueError):
        return "", 0
