"""A project on disk with a real repository, a real cache and a list of what was reported."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from assay.engine.events import Event, StageSkipped, StageStarted
from assay.engine.git.repository import Repository
from assay.engine.project import Project, World, open_project


class FixedClock:
    """Always the same second."""

    def now(self) -> tuple[int, int]:
        return 1_700_000_000, 0


class CountingIds:
    """One, two, three."""

    def __init__(self) -> None:
        self.count = 0

    def nonce(self) -> str:
        self.count += 1
        return f"{self.count:016x}"

    def choose(self, options: Sequence[str]) -> str:
        return options[0]


class Workspace:
    """A project, the folder it lies in, and everything it reported."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        world = World(FixedClock(), CountingIds(), environment={"PATH": os.environ["PATH"]})
        (root / ".assay").mkdir(parents=True)
        Repository.init(str(root)).close()
        self.project: Project = open_project(str(root), world, self.events.append)

    def write(self, path: str, text: str) -> Path:
        """Writes a file, its text without the indentation it has in the test."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def read(self, path: str) -> str:
        """A file's text."""
        return (self.root / path).read_text()

    def reopen(self) -> None:
        """Opens the project again, as the next command would."""
        self.project.close()
        self.project = open_project(str(self.root), self.project.world, self.events.append)
        self.events.clear()

    @property
    def started(self) -> list[str]:
        """The stages that were started."""
        return [event.stage for event in self.events if isinstance(event, StageStarted)]

    @property
    def skipped(self) -> dict[str, str]:
        """The stages that were skipped, and why."""
        return {event.stage: event.why for event in self.events if isinstance(event, StageSkipped)}
