"""Runs a stage's commands: through the user's shell, output told live and kept in a log, stopped as one group.

Each command is a session of its own, so an interrupt reaches it through us and once: SIGINT first, then SIGTERM, then
SIGKILL. Standard input is empty, and of our descriptors only the output pipe is inherited. What a command leaves
running in the background keeps the pipe but is not waited for.

The shells' flags are DVC's: bash and zsh are kept from reading start-up files.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import AssayError, StageFailed
from assay.engine.events import Reporter, StageOutput
from assay.engine.pipeline.stage import Stage

TAIL_LINES = 20
_TAIL_BYTES = 16 * 1024
_CHUNK = 64 * 1024
_DRAIN = 16
_FLAGS = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",)}
PATIENCE = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""The signals that an interrupted stage gets, and how many seconds it has to end after each."""


class StageLog:
    """Where the output of stages goes: a file, opened before anything runs, and the last lines in memory.

    Args:
        path: Absolute path of the log, which is appended to; empty keeps nothing on disk.
        report: Told of every piece.
    """

    def __init__(self, path: str, report: Reporter) -> None:
        self.path = path
        self._report = report
        try:
            self._fd = disk.open_append(path) if path else -1
        except OSError as error:
            raise disk.no_space(error, path) from error
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def write(self, data: bytes) -> None:
        """Takes what a command printed."""
        self._report(StageOutput(data))
        if self._fd >= 0:
            try:
                disk.write_fd(self._fd, data, self.path)
            except OSError as error:
                raise disk.no_space(error, self.path) from error
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) > _TAIL_BYTES:
            self._tail_size -= len(self._tail.popleft())

    def begin(self) -> None:
        """Forgets the last lines: another stage begins."""
        self._tail.clear()
        self._tail_size = 0

    def tail(self) -> str:
        """The last lines as text."""
        lines = b"".join(self._tail).decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def __enter__(self) -> StageLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def environment(
    inherited: Mapping[str, str], stage: str, root: str, interpreter_bin: str, extra: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a stage's commands: what is inherited, DVC's own, and the interpreter's folder first on PATH."""
    variables = {**inherited, "DVC_ROOT": root, "DVC_STAGE": stage, **extra}
    if interpreter_bin:
        path = inherited.get("PATH", os.defpath)
        variables["PATH"] = f"{interpreter_bin}{os.pathsep}{path}" if path else interpreter_bin
    return variables


def run_stage(stage: Stage, root: str, variables: Mapping[str, str], log: StageLog) -> None:
    """Runs the commands of a stage one after the other.

    Args:
        stage: What to run.
        root: Absolute path of the project.
        variables: The whole environment; SHELL names the shell, else /bin/sh.
        log: Where the output goes.

    Raises:
        StageFailed: A command ended with another status than 0; those after it did not run.
        AssayError: The shell or the working folder is not there.
        KeyboardInterrupt: Raised again once every process of the stage has been told to end.
    """
    folder = f"{root}/{stage.wdir}" if stage.wdir else root
    if not os.path.isdir(folder):
        raise stage.source.bad((*stage.keys, "wdir"), f"the folder {stage.wdir!r} is not there", "Make it first.")
    log.begin()
    with _Output(log) as output:
        for command in stage.commands:
            if not command.strip():
                continue
            status = _run(_words(command, variables), folder, variables, output)
            if status:
                raise StageFailed(stage.address, status, log.tail(), log.path)


def _words(command: str, variables: Mapping[str, str]) -> list[str]:
    shell = variables.get("SHELL") or "/bin/sh"
    return [shell, *_FLAGS.get(os.path.basename(shell).lower(), ()), "-c", command]


def _run(words: list[str], folder: str, variables: Mapping[str, str], output: _Output) -> int:
    try:
        process = subprocess.Popen(  # noqa: S603 - the command is what the user asked to run
            words,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output.write_end,
            stderr=output.write_end,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AssayError(f"The shell {words[0]!r} cannot be started: {reason}.", "Set SHELL to another.") from error
    try:
        return output.follow(process)
    except BaseException:
        _stop(process, output)
        raise


def _stop(process: subprocess.Popen[bytes], output: _Output) -> None:
    """Ends every process of the command; more interrupts meanwhile only hurry it on."""
    for number, seconds in PATIENCE:
        _signal(process.pid, number)
        with suppress(KeyboardInterrupt):
            if output.follow_until(process, time.monotonic() + seconds):
                break
    _signal(process.pid, signal.SIGTERM)  # those of the group that outlived its leader


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class _Output:
    """The pipe that every command of a stage writes to, read until the command has ended and nothing is left in it."""

    def __init__(self, log: StageLog) -> None:
        self._log = log
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._wake_read, self._wake_write = os.pipe()
        self._waiter: threading.Thread | None = None

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._read_end)
        os.close(self.write_end)
        if self._waiter is not None:
            self._waiter.join(1.0)
            if self._waiter.is_alive():  # a process that even SIGKILL does not end; its waiter still has the other pipe
                return
        os.close(self._wake_read)
        os.close(self._wake_write)

    def follow(self, process: subprocess.Popen[bytes]) -> int:
        """Passes on what the process prints until it ends, and returns its status (negative: the signal)."""
        self._waiter = threading.Thread(target=self._wait, args=(process,), daemon=True)
        self._waiter.start()
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            self._drain()
            if self._wake_read in ready:
                os.read(self._wake_read, 1)
                self._waiter.join()
                return int(process.returncode)

    def follow_until(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Passes on what the process prints until then at most; whether it has ended."""
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        while process.poll() is None:
            if time.monotonic() >= deadline:
                return False
            if not poll.poll(20):
                continue
            self._drain()
        self._drain()
        return True

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        os.write(self._wake_write, b".")

    def _drain(self) -> None:
        """Reads what is there, but no more than a pipe holds: a background process may never stop writing."""
        with suppress(BlockingIOError):
            for _ in range(_DRAIN):
                data = os.read(self._read_end, _CHUNK)
                if not data:
                    return
                self._log.write(data)
