"""Stages that read over ssh: the lock entries are those of DVC 3.67 with its plugin for ssh, taken down from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dvcprocess import DvcProcess
from tests.filetree import write
from tests.sshserver import SshServer

STAGE = b"stages:\n  s:\n    cmd: 'true'\n    deps:\n    - remote://far/f\n    - remote://far/d\n"
LOCK = """\
schema: '2.0'
stages:
  s:
    cmd: 'true'
    deps:
    - path: remote://far/d
      hash: md5
      md5: 5c5cdb2bd4beba84f5f56a824a61362f.dir
      size: 3
      nfiles: 2
    - path: remote://far/f
      hash: md5
      md5: 5bbf5a52328e7439ae6e719dfe712200
      size: 4
"""


@pytest.fixture
def root(
    dvc_process: DvcProcess, ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A project with a remote on the server, and files there."""
    home = tmp_path / "home"
    home.mkdir()
    ssh_server.configure(home)
    monkeypatch.setenv("HOME", str(home))
    write(tmp_path / "far", {"f": b"one\n", "d/a": b"a", "d/s/b": b"bb"})
    found = dvc_process.new()
    settings = f"    url = {ssh_server.url(tmp_path / 'far')}\n    keyfile = {ssh_server.folder}/id\n"
    (found / ".dvc/config").write_text(f"['remote \"far\"']\n{settings}")
    write(found, {"dvc.yaml": STAGE})
    yield found
    dvc_process.drop(found)


def test_what_is_there_is_recorded_as_by_dvc_and_a_change_is_seen(
    root: Path, assay_dvc: Callable[..., Any], tmp_path: Path
) -> None:
    assay_dvc("repro", cwd=root)
    assert (root / "dvc.lock").read_text() == LOCK
    assert assay_dvc("status", "--json", cwd=root).out == "{}\n"
    (tmp_path / "far/d/s/b").write_bytes(b"other")
    (tmp_path / "far/f").unlink()
    said = assay_dvc("status", cwd=root).out
    assert "modified:           remote://far/d" in said
    assert "deleted:            remote://far/f" in said
    assert "is not there" in assay_dvc("repro", cwd=root, code=255).err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://bucket/x", "DVC needs dvc-gs for it."),
        ("hdfs://host/x", "DVC needs dvc-hdfs for it."),
        ("foo://host/x", "foo:// is not a kind of URL that assay can ask yet."),
    ],
)
def test_a_project_with_urls_of_other_kinds_is_read_and_shown(
    dvc_process: DvcProcess, assay_dvc: Callable[..., Any], url: str, said: str
) -> None:
    root = dvc_process.new()
    write(root, {"dvc.yaml": f"stages: {{s: {{cmd: 'true', deps: ['{url}']}}}}\n".encode()})
    assert url in assay_dvc("stage", "list", cwd=root).out
    assert '"s";' in assay_dvc("dag", "--dot", cwd=root).out
    assert assay_dvc("status", cwd=root).out
    assert said in assay_dvc("repro", cwd=root, code=251).err
    dvc_process.drop(root)
