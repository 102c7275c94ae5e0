"""The real ``git daemon`` on loopback: a process of its own for each connection, as inetd runs it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def serving(root: Path, *options: str) -> Iterator[str]:
    """Serves the repositories in a folder for as long as the block lasts; gives the URL of the folder.

    Args:
        root: The folder.
        options: Further words for the daemon.
    """
    words = ["git", "daemon", "--inetd", "--export-all", f"--base-path={root}", *options]
    served: list[subprocess.Popen[bytes]] = []

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                line = listener.accept()[0]
                with line:
                    served.append(subprocess.Popen(words, stdin=line, stdout=line, stderr=subprocess.DEVNULL))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield f"git://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for process in served:
                process.wait(60)
