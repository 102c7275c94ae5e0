"""Projects that the command line made."""

from __future__ import annotations

import pytest

from tests import projects


@pytest.fixture
def project(tmp_path, assay):
    """A two-stage project with its first baseline, made without any Git program."""
    folder = projects.write(tmp_path / "project")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    return folder
