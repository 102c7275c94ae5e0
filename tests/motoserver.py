"""Moto for tests: S3 as AWS answers, in the memory of another process and of another environment (.venv-moto).

It checks no signature and no checksum, so nothing about credentials or damage can be tried on it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.programs import ROOT

BUCKET = "assay"
_MOTO = os.environ.get("ASSAY_TEST_MOTO", "")  # read before any test clears the environment


def find_program() -> str | None:
    """The path of ``moto_server``: ASSAY_TEST_MOTO, else what `make check` installed, else on PATH."""
    made = ROOT / ".venv-moto/bin/moto_server"
    return _MOTO or (str(made) if made.is_file() else shutil.which("moto_server"))


@dataclass
class MotoServer:
    """A server that believes everybody."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def settings(self) -> dict[str, str]:
        """The keys of a remote's section that reach this server."""
        return {
            "endpointurl": self.endpoint, "region": "us-east-1", "access_key_id": "anybody", "secret_access_key": "any",
        }  # fmt: skip

    def stop(self) -> None:
        """Ends the server."""
        self.process.kill()
        self.process.wait()


def start(program: str, folder: Path) -> MotoServer:
    """Starts a server with one bucket, and waits until it has it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    log = folder / "moto.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-p", str(port)], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output,
        )  # fmt: skip
    server = MotoServer(f"http://127.0.0.1:{port}", process)
    make = urllib.request.Request(f"{server.endpoint}/{BUCKET}", method="PUT")
    make.add_header("Authorization", f"AWS4-HMAC-SHA256 Credential=any/20200101/us-east-1/s3/aws4_request{', '}")
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(make, timeout=20):
                return server
        except (OSError, urllib.error.URLError) as error:
            if process.poll() is not None or time.monotonic() > end:
                server.stop()
                raise RuntimeError(f"moto did not get ready: {error}\n{log.read_text(errors='replace')}") from error
            time.sleep(0.1)
