"""The locks that DVC takes, taken by assay too, so that both can work in one project at once (law 4).

A command that changes the workspace locks the project, and gives that lock back while a stage command runs, which may
take hours. What the stage reads and writes is said in the list of paths in use instead. Two names in the list of the
experiments keep DVC's own from beginning meanwhile: "workspace", which DVC takes while it stashes the workspace away,
and the namespace of the refs that it makes when it checks out an experiment here.

Where a project has no such locks (native ones), everything here does nothing.
"""

from __future__ import annotations

import math
import posixpath
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property

from assay.engine import disk
from assay.engine.errors import AssayError, Locked
from assay.engine.events import Note, Reporter, Warned
from assay.engine.flock import PATIENCE, Flock
from assay.engine.pathlocks import PathLocks

WORKSPACE = ("workspace", "refs/exps/exec")
"""What DVC's experiments call the workspace and its HEAD."""

_PAUSE = 0.1  # seconds in which neither lock is held, so that DVC gets the one it needs


class SharedLocks:
    """DVC's locks on one project.

    Args:
        root: Absolute path of the project.
        folder: Where the locks lie, as a project path; empty when there are none.
        command: What this process does, for the others.
        by_links: Whether the project asks for locks by hard links (``core.hardlink_lock``).
        report: Where events go.
        patience: Seconds to wait for who holds the project; None waits for as long as it takes.
    """

    def __init__(
        self,
        root: str,
        folder: str,
        command: str,
        report: Reporter,
        *,
        by_links: bool = False,
        patience: float | None = PATIENCE,
    ) -> None:
        self._root = root
        self._folder = f"{root}/{folder}" if folder else ""
        self._command = command
        self._by_links = by_links
        self._report = report
        self._patience = patience
        self._lock = Flock(f"{self._folder}/lock", "The project", by_links=by_links)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Locks the project, and keeps DVC's experiments out of the workspace, for as long as the block runs.

        Raises:
            Locked: Somebody else holds it, and does so for longer than is waited; the sentence says who.
        """
        if not self._folder:
            yield
            return
        self._make_folders()
        with self._both():
            try:
                yield
            finally:
                self._lock.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Gives the project's lock back while the block runs, and then waits for it; the paths in use stay so."""
        if not self._lock.is_held:
            yield
            return
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire(None, self._say_waiting)

    def _say_waiting(self, sentence: str) -> None:
        self._report(Note(f"{sentence} Waiting for it."))

    @contextmanager
    def using(self, *, read: Collection[str] = (), write: Collection[str] = ()) -> Iterator[None]:
        """Says, for as long as the block runs, which paths are read and written.

        Args:
            read: Project paths; "" is the whole project.
            write: Likewise.

        Raises:
            Locked: Somebody else uses one; the sentence says who.
        """
        if not (self._folder and (read or write)):
            yield
            return
        self._make_folders()
        with self._paths.using(self._absolute(read), self._absolute(write)):
            yield

    @contextmanager
    def changing(self, refs: Collection[str]) -> Iterator[None]:
        """Says, for as long as the block runs, which refs of experiments are made or changed.

        Raises:
            Locked: Somebody else changes one; the sentence says who.
        """
        if not (self._folder and refs):
            yield
            return
        self._make_folders()
        with self._experiments.using((), refs, patience=PATIENCE):
            yield

    @contextmanager
    def _both(self) -> Iterator[None]:
        """The project's lock and the entries of the experiments; never waits for the second while it has the first."""
        deadline = time.monotonic() + (math.inf if self._patience is None else self._patience)
        with ExitStack() as entries:
            while True:
                self._lock.acquire(self._patience, self._say_waiting)
                try:
                    entries.enter_context(self._experiments.using((), WORKSPACE))
                    break
                except Locked:
                    self._lock.release()
                    if time.monotonic() >= deadline:
                        raise
                except BaseException:
                    self._lock.release()
                    raise
                time.sleep(_PAUSE)
            yield

    @cached_property
    def _paths(self) -> PathLocks:
        return PathLocks(self._folder, self._command, by_links=self._by_links, removed=self._say_removed)

    @cached_property
    def _experiments(self) -> PathLocks:
        folder = f"{self._folder}/exps"
        return PathLocks(folder, self._command, by_links=self._by_links, removed=self._say_removed)

    def _say_removed(self, sentence: str) -> None:
        self._report(Warned(sentence))

    def _absolute(self, paths: Collection[str]) -> list[str]:
        return list(dict.fromkeys(posixpath.normpath(posixpath.join(self._root, path)) for path in paths))

    def _make_folders(self) -> None:
        try:
            disk.make_folders(f"{self._folder}/exps")
        except OSError as error:
            raise AssayError(f"{self._folder} cannot be made: {error.strerror}.") from error
