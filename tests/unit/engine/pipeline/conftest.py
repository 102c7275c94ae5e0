"""What every test of the pipeline may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.engine.pipeline import runner
from tests.workspace import Workspace


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path / "project")
    yield workspace
    workspace.project.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals follow one another quickly: dash forgets an interrupt that comes just before it starts a command."""
    monkeypatch.setattr(runner, "PATIENCE", tuple((number, 0.4) for number, _ in runner.PATIENCE))
