"""Pairs of folders for two tools."""

from __future__ import annotations

import pytest

from tests.dvcsides import Sides
from tests.halves import Both


@pytest.fixture
def both(dvc_process, assay, assay_dvc, git):
    """Who does the steps of a scenario: DVC, assay, or assay in DVC's words."""
    return Both(dvc_process, assay, assay_dvc, git)


@pytest.fixture
def sides(dvc_process, assay_dvc, made, tmp_path):
    """A module's project ``made``, once for DVC and once for assay in DVC's words."""
    return Sides(dvc_process, assay_dvc, made, tmp_path)
