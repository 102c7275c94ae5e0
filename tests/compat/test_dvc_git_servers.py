"""Experiments through Git servers: real DVC and assay push, list, pull and remove each other's, behind ssh and http."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import githttp
from tests.dvcprocess import DvcProcess
from tests.dvcremotes import Place
from tests.sshserver import SshServer

Git = Callable[..., str]


class Served(Place):
    """The same, whose remote is a server; ``tools`` is a folder whose ``ssh`` gets there.

    DVC runs the ssh on PATH and nothing else, and that only where the variable is set.
    """

    tools = ""

    def theirs(self, *words: str, folder: Path | None = None, code: int = 0) -> SimpleNamespace:
        """What DVC says."""
        more = {"GIT_SSH_COMMAND": "ssh", "PATH": f"{self.tools}:{os.environ['PATH']}"} if self.tools else {}
        said = self.dvc.run(folder or self.one, *words, **more)
        assert said.code == code, (words, said.out, said.err)
        return said


@pytest.fixture(params=["ssh", "http"])
def place(
    request: pytest.FixtureRequest, dvc_process: DvcProcess, assay_dvc: Callable[..., Any], git: Git, tmp_path: Path,
    clean_environment: Path,
) -> Iterator[Served]:  # fmt: skip
    """A DVC project whose Git remote is a server that asks who one is."""
    made = Served(dvc_process, assay_dvc, git, tmp_path)
    if request.param == "ssh":
        ssh: SshServer = request.getfixturevalue("ssh_server")
        git("remote", "set-url", "origin", ssh.url(made.bare), cwd=made.one)
        config = ssh.configure(clean_environment)
        git("config", "core.sshCommand", f"ssh -F {config}", cwd=made.one)
        made.tools = str(tmp_path / "tools")
        (tmp_path / "tools").mkdir()
        (tmp_path / "tools/ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
        (tmp_path / "tools/ssh").chmod(0o755)
        yield made
    else:
        with githttp.serving(made.bare.parent) as host:
            host.guards = lambda path: True
            login = f"http://{githttp.USER}:{githttp.PASSWORD}@{host.url.removeprefix('http://')}"
            git("remote", "set-url", "origin", f"{login}/{made.bare.name}", cwd=made.one)
            yield made
    git("fsck", "--strict", "--no-dangling", cwd=made.bare)


def test_each_has_what_the_other_pushed(place: Served) -> None:
    place.experiment("e1")
    place.experiment("e2")
    assert place.ours("exp", "push", "origin", "e1").out.startswith("Pushed experiment e1 to Git remote 'origin'.")
    place.theirs("exp", "push", "origin", "e2")
    assert place.refs(place.bare) == place.refs(place.one)
    url = place.git("remote", "get-url", "origin", cwd=place.one)
    assert place.ours("exp", "list", url).out == "main:\n\te1\n\te2\n"
    assert "e1" in place.theirs("exp", "list", "origin").out
    there = place.clone()
    place.git("remote", "set-url", "origin", url, cwd=there)
    command = place.git("config", "core.sshCommand", cwd=place.one, check=False)
    place.git("config", "core.sshCommand", command or "ssh", cwd=there)
    place.theirs("exp", "pull", "origin", "e1", folder=there)
    place.ours("exp", "pull", "origin", "e2", folder=there)
    assert place.refs(there) == place.refs(place.one)
    place.theirs("exp", "apply", "-q", "e2", folder=there)
    assert (there / "out").read_text() == f"x: {sum(map(ord, 'e2'))}\n"
    place.ours("exp", "remove", "-g", url, "e1")
    assert [name.rpartition("/")[2] for name in place.refs(place.bare)] == ["e2"]
