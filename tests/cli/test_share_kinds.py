"""Experiments and data through remotes of every kind: what one pushes, another pulls."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Said


@pytest.mark.parametrize("kind", ["sftp", "webdav", "rclone_s3"])
def test_what_one_pushes_another_pulls(
    kind: str, assay: Callable[..., Said], project: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url, settings = request.getfixturevalue(kind)
    assay("remote", "add", "-d", "far", url, cwd=project)
    for key, value in settings.items():
        assay("config", "--local", f"remote.far.{key}", value, cwd=project)
    shutil.copytree(project, tmp_path / "other", symlinks=True)
    (project / "large.bin").write_bytes(bytes(range(256)) * 2000)
    assay("add", "large.bin", cwd=project)
    assay("save", "-n", "mine", cwd=project)
    assay("push", cwd=project)
    other = tmp_path / "other"
    assay("pull", cwd=other)
    assert "mine" in assay("list", cwd=other).out
    assay("apply", "mine", cwd=other)
    assert (other / "large.bin").read_bytes() == (project / "large.bin").read_bytes()
    assert "Pushed" not in assay("push", cwd=project).out, "nothing is left to push"
