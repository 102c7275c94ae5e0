"""With the least rights: data of a DVC project travels where nobody may list."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Said
from tests.s3server import GUIDE_KEYS, S3Server


def test_data_of_a_dvc_project_is_pushed_and_pulled_without_lists(
    assay: Callable[..., Said], s3_server: S3Server, tmp_path: Path
) -> None:
    project, access = tmp_path / "project", GUIDE_KEYS["no-list"]
    (project / "data").mkdir(parents=True)
    for number in range(40):
        (project / f"data/{number}").write_text(f"{number}\n")
    assay("init", "--dvc", cwd=project)
    assay("add", "data", cwd=project)
    assay("baseline", "-m", "first", cwd=project)
    assay("remote", "add", "-d", "blind", f"s3://assay/houses/{os.urandom(4).hex()}", cwd=project)
    keys = {**s3_server.settings(), "access_key_id": access[0], "secret_access_key": access[1]}
    for key, value in keys.items():
        assay("config", "--local", f"remote.blind.{key}", value, cwd=project)
    said = assay("push", "data", cwd=project)
    assert "asked for by its own name" in said.err
    for path in (project / ".dvc/cache").rglob("*"):
        if path.is_file():
            path.unlink()
    for path in (project / "data").iterdir():
        path.unlink()
    assay("pull", "data", cwd=project)
    assert (project / "data/7").read_text() == "7\n"
    assert "is on the remote" not in assay("push", "data", cwd=project).err
