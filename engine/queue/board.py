"""Which state each job is in: the folder that its file lies in, ``queued``, ``running``, ``failed`` or ``success``.

Jobs are published together, as one folder that gets its name when everything in it is durable. A job moves by a rename,
so it is always in exactly one state. Whoever wants to change a job first takes its lease: a lock that says who has it,
that stops counting when its holder is dead, and that lies outside the states. So a job in ``running`` whose lease can
be taken has lost its worker.

A file's name is its place in the queue: when it was queued, a number in its batch, and its own number.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import BadInput, Locked
from assay.engine.locks import FileLock, Owner, read_owner
from assay.engine.queue.jobs import Job, State, decode, encode

STATES: tuple[State, ...] = ("running", "queued", "failed", "success")
_BETWEEN = "."
_PARTS = 2
HOUR = 3600
"""Seconds for which nobody takes what is being written for something that a dead process left."""


class Claim:
    """The right to change one job, until `release`.

    Attributes:
        job: The job as it is now.
    """

    def __init__(self, board: Board, place: str, state: State, lease: FileLock, job: Job) -> None:
        self.job = job
        self._board = board
        self._place = place
        self._state = state
        self._lease = lease

    @property
    def holds(self) -> bool:
        """Whether nobody has taken the job over, as happens to who was asleep for too long."""
        return self._lease.is_held()

    @property
    def state(self) -> State:
        """The state that the job is in."""
        return self._state

    @property
    def path(self) -> str:
        """The job's file."""
        return self._board.path(self._state, self._place)

    def check(self) -> None:
        """Raises Locked when somebody has taken the job over."""
        if not self.holds:
            raise Locked(
                f"{self.job.name} was taken over while this process gave no sign of life.",
                "`assay queue status` shows what became of it.",
            )

    def write(self, job: Job) -> None:
        """Says something new of the job, durably. Raises Locked when somebody has taken it over."""
        self.check()
        self.job = job
        with disk.NewFile(f"{self._board.folder}/new") as file:
            file.write(encode(job))
            file.sync()
            file.publish(self.path)

    def move(self, job: Job, state: State) -> None:
        """Says something new of the job, and with it the job is in another state. Raises Locked as `write` does."""
        self.write(job)
        self._board.move(self._place, self._state, state)
        self._state = state

    def look(self) -> None:
        """Finds the job again after an interrupt, which may have come while it moved."""
        for state in STATES:
            if os.path.lexists(self._board.path(state, self._place)):
                self._state = state

    def remove(self) -> None:
        """Takes the job away. Raises Locked as `write` does."""
        self.check()
        disk.unlink(self.path, missing_ok=True)
        disk.sync_folder(os.path.dirname(self.path))

    def release(self) -> None:
        """Gives the right back."""
        self._lease.release()


class Board:
    """The jobs of a repository.

    Args:
        folder: Absolute path; made when the first job is published.
        command: What this process does, for who meets its leases.
    """

    def __init__(self, folder: str, command: str = "") -> None:
        self.folder = folder
        self._command = command

    def publish(self, jobs: Iterable[Job], stamp: int, nonce: str) -> None:
        """Queues jobs in their order: all of them, durably, or none.

        Args:
            jobs: The jobs.
            stamp: The time in milliseconds since 1970.
            nonce: What no other batch has.
        """
        batch = f"{stamp:014d}-{nonce}"
        hidden = f"{self.folder}/new/{batch}"
        self._lay_out()
        disk.make_folder(hidden)
        for count, job in enumerate(jobs):
            disk.write_atomic(f"{hidden}/{count:06d}{_BETWEEN}{job.number}", encode(job))
        disk.sync_tree(hidden)
        disk.rename(hidden, f"{self.folder}/queued/{batch}")
        disk.sync_folder(f"{self.folder}/queued")

    def begin(self, job: Job, stamp: int, nonce: str) -> Claim:
        """Puts a job on the board that its maker carries out at once; arguments as for `publish`."""
        self._lay_out()
        place = f"{stamp:014d}-{nonce}{_BETWEEN}{0:06d}{_BETWEEN}{job.number}"
        lease = self._lease(place)
        lease.acquire()
        try:
            claim = Claim(self, place, "running", lease, job)
            claim.write(job)
            disk.sync_folder(f"{self.folder}/running")
        except BaseException:
            lease.release()
            raise
        return claim

    def _lay_out(self) -> None:
        for folder in (*STATES, "leases", "new", "wishes"):
            disk.make_folders(f"{self.folder}/{folder}")

    def places(self, state: State) -> list[str]:
        """The places of the jobs in a state, in the order in which they were queued."""
        if state != "queued":
            return _names(f"{self.folder}/{state}")
        batches = _names(f"{self.folder}/queued")
        return [f"{batch}{_BETWEEN}{name}" for batch in batches for name in _names(f"{self.folder}/queued/{batch}")]

    def path(self, state: State, place: str) -> str:
        """The file of a job."""
        if state == "queued":
            batch, _, name = place.partition(_BETWEEN)
            return f"{self.folder}/queued/{batch}/{name}"
        return f"{self.folder}/{state}/{place}"

    def read(self, state: State, place: str) -> Job | None:
        """A job, None when it has moved on. Raises BadInput when its file is damaged."""
        path = self.path(state, place)
        try:
            with open(path, "rb") as file:
                return decode(path, file.read())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def jobs(self, *states: State) -> Iterator[tuple[State, str, Job]]:
        """The jobs in these states, in all when none is given, with their places; damaged ones are left out.

        A job that moves on meanwhile is seen at least once and at most once.
        """
        seen = set()
        for _ in range(2):  # what moved against the order of the states is met the second time
            for state in states or STATES:
                for place in self.places(state):
                    if place in seen:
                        continue
                    with suppress(BadInput):
                        job = self.read(state, place)
                        if job is not None:
                            seen.add(place)
                            yield state, place, job

    def damaged(self) -> Iterator[str]:
        """The files that are no jobs."""
        for state in STATES:
            for place in self.places(state):
                try:
                    self.read(state, place)
                except BadInput:
                    yield self.path(state, place)

    def claim(self, state: State, place: str, wait: float = 0.0) -> Claim | None:
        """The right to change a job in a state; None when somebody else has it, or it has moved on.

        Args:
            state: The state.
            place: The job's place.
            wait: Seconds to wait for somebody else to give it back.

        Raises:
            BadInput: Its file is damaged.
        """
        lease = self._lease(place, wait)
        try:
            lease.acquire()
        except Locked:
            return None
        try:
            job = self.read(state, place)
            if job is not None:
                return Claim(self, place, state, lease, job)
        except BaseException:
            lease.release()
            raise
        lease.release()
        return None

    def holder(self, place: str) -> Owner | None:
        """Who has the right to change a job."""
        return read_owner(self._lease(place).path)

    def move(self, place: str, old: State, new: State) -> None:
        """Renames the file of a job, durably; the part of who has its claim."""
        target = self.path(new, place)
        disk.make_folders(os.path.dirname(target))
        while True:
            try:
                disk.rename(self.path(old, place), target)
                break
            except FileNotFoundError:
                if os.path.isdir(os.path.dirname(target)):
                    raise
                disk.make_folders(os.path.dirname(target))  # a batch that somebody has just found empty
        disk.sync_folder(os.path.dirname(target))
        if old == "queued":
            disk.remove_folder(os.path.dirname(self.path(old, place)))

    def tidy(self) -> None:
        """Removes what dead workers left: leases, empty batches, and after an hour what they were writing."""
        for place in _names(f"{self.folder}/leases"):
            if place.count(_BETWEEN) >= _PARTS and not disk.is_temp(place):  # leases, and claims on stale ones
                with suppress(Locked), self._lease(place):
                    pass
        for batch in _names(f"{self.folder}/queued"):
            disk.remove_folder(f"{self.folder}/queued/{batch}")
        before = time.time() - HOUR
        for name in _names(f"{self.folder}/new"):
            with suppress(FileNotFoundError):
                if os.stat(f"{self.folder}/new/{name}").st_mtime < before:
                    disk.remove_tree(f"{self.folder}/new/{name}")
        for folder in ("leases", "workers", "wishes"):
            disk.sweep_temps(f"{self.folder}/{folder}", before)

    def _lease(self, place: str, wait: float = 0.0) -> FileLock:
        return FileLock(f"{self.folder}/leases/{place}", what="The job", command=self._command, wait=wait)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
