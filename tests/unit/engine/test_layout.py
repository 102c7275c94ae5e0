"""engine/layout.py: which folder is a project, and of which kind."""

from __future__ import annotations

import pytest

from assay.engine.errors import NotAProject
from assay.engine.layout import find_root, marker_beside


def test_the_nearest_marker_upwards_is_the_project(tmp_path):
    (tmp_path / ".assay").mkdir()
    (tmp_path / "sub/.dvc").mkdir(parents=True)
    (tmp_path / "sub/deep").mkdir()
    assert find_root(str(tmp_path / "sub/deep")) == (str(tmp_path / "sub"), ".dvc")
    assert find_root(str(tmp_path)) == (str(tmp_path), ".assay")


def test_of_two_markers_the_first_that_has_a_configuration_counts(tmp_path):
    for marker in (".dvc", ".assay"):
        (tmp_path / marker).mkdir()
    assert find_root(str(tmp_path))[1] == ".dvc"
    (tmp_path / ".assay/config").touch()
    assert find_root(str(tmp_path))[1] == ".assay"
    assert marker_beside(str(tmp_path), ".assay") == ""
    (tmp_path / ".dvc/config").touch()
    assert find_root(str(tmp_path))[1] == ".dvc"
    assert marker_beside(str(tmp_path), ".dvc") == ".assay"


def test_a_folder_without_a_marker_is_no_project(tmp_path):
    with pytest.raises(NotAProject, match="not inside"):
        find_root(str(tmp_path))
