"""A real sshd for tests, run as an ordinary user would run one: its own keys, its own port, its own configuration.

The account is the tests' own. Keys are made here and go with the server; nothing in the home folder is read or written.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple


def find_program() -> str | None:
    """The path of ``sshd``; None when it, or what it takes to use it, is not installed."""
    found = shutil.which("sshd", path=f"/usr/sbin:/usr/local/sbin:{os.environ['PATH']}")
    return found if shutil.which("ssh") and shutil.which("ssh-keygen") else None


class SshServer(NamedTuple):
    """A server on loopback.

    Attributes:
        port: Where it listens.
        folder: Where its keys and its log lie.
        process: It.
    """

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def user(self) -> str:
        """Who logs in."""
        return pwd.getpwuid(os.getuid()).pw_name

    @property
    def host_key(self) -> str:
        """The line that known_hosts needs."""
        kind, key, *_ = (self.folder / "hostkey.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"

    def url(self, path: Path | str) -> str:
        """The URL of a repository."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"

    def configure(self, home: Path, *, known: bool = True, key: str = "id") -> Path:
        """Gives a home a configuration that gets in; returns the configuration's path.

        Args:
            home: The home folder.
            known: Whether the server's key is known there.
            key: The key to use; "stranger" is one that the server does not know.
        """
        folder = home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "known_hosts").write_text(self.host_key if known else "")
        config = folder / "config"
        config.write_text(
            f"Host here\n HostName 127.0.0.1\n Port {self.port}\n User {self.user}\n"
            f"Host *\n IdentityFile {self.folder}/{key}\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {folder}/known_hosts\n StrictHostKeyChecking yes\n"
        )
        config.chmod(0o600)
        return config

    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """Ends it and whoever it serves."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(program: str, folder: Path) -> SshServer:
    """Starts a server whose files lie in ``folder``, and waits until it listens."""
    for name in ("hostkey", "id", "stranger"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)], check=True
        )
    shutil.copy(folder / "id.pub", folder / "authorized_keys")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on this empty folder when root starts it
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/hostkey\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PubkeyAuthentication yes\nPermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\n"
        "Subsystem sftp internal-sftp\nAcceptEnv GIT_PROTOCOL\nMaxStartups 100\nLogLevel VERBOSE\n"
    )
    process = subprocess.Popen(
        [program, "-D", "-f", str(folder / "config"), "-E", str(folder / "log")], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    server = SshServer(port, folder, process)
    end = time.monotonic() + 120
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10):
                return server
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                server.stop()
                raise RuntimeError(f"sshd did not get ready: {server.log()}") from error
            time.sleep(0.05)
