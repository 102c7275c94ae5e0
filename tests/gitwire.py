"""Streams to Git's own services on this machine, and to services that say what a test wants them to say."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


class Piped:
    """A service that runs on this machine, joined to us by pipes, as ssh does it with one far away."""

    def __init__(self, command: Sequence[str], *, old: bool) -> None:
        variables = os.environ if old else {**os.environ, "GIT_PROTOCOL": "version=2"}
        self._process = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._said = ""

    def read(self, size: int) -> bytes:
        """What it has written."""
        assert isinstance(self._process.stdout, io.BufferedReader)
        return self._process.stdout.read1(size)

    def write(self, data: bytes) -> None:
        """Sends all of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def said(self) -> str:
        """What it wrote to stderr, once it has ended."""
        if not self._process.stdout.closed and not self._said:
            assert self._process.stderr is not None
            self._said = self._process.stderr.read().decode()
        return self._said

    def close(self) -> None:
        """Waits for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.stderr.close()
        self._process.wait()


class Programs:
    """Runs Git's own services on this machine; ``old`` ones speak the old protocol."""

    url = "a program"

    def __init__(self, path: Path, *, old: bool = False) -> None:
        self._path = path
        self._old = old
        self.opened: list[str] = []

    def open(self, service: str) -> Piped:
        """Runs one."""
        self.opened.append(service)
        return Piped([*service.replace("-", " ", 1).split(), str(self._path)], old=self._old)


class Scripted:
    """A service that says what it was told to say, whatever it hears; and the dialer that reaches it.

    Args:
        answers: What it says: the first when it is greeted, each next one once it was asked something.
        piece: How many bytes at a time.
        last_words: What it says on stderr.
    """

    url = "a script"

    def __init__(self, *answers: bytes, piece: int = 1 << 16, last_words: str = "") -> None:
        self._answers = list(answers)
        self._rest = b""
        self._was_asked = True
        self._piece = piece
        self._last_words = last_words
        self.heard = b""

    def open(self, service: str) -> Scripted:
        """Itself."""
        self._was_asked = True
        return self

    def read(self, size: int) -> bytes:
        """The next piece of what it says."""
        if self._was_asked:
            self._was_asked = False
            self._rest = self._answers.pop(0) if self._answers else b""
        count = min(size, self._piece)
        found, self._rest = self._rest[:count], self._rest[count:]
        return found

    def write(self, data: bytes) -> None:
        """Remembers it."""
        self.heard += data
        self._was_asked = True

    def said(self) -> str:
        """What it wrote to stderr."""
        return self._last_words

    def close(self) -> None:
        """Nothing is open."""
