"""Runs a stage's commands: through the user's shell, output told live and kept in a log, stopped as one group.

Each command is a session of its own, so an interrupt reaches it through us and once: SIGINT first, then SIGTERM, then
SIGKILL. If this process is killed, a guard ends the command, so that it does not go on writing into a workspace that
nobody holds. Standard input is empty, and of our descriptors only the output pipe is inherited. What a command leaves
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
_LOOK = 500  # milliseconds: an interrupt just before a wait begins does not end that wait, and is seen after it
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
        """Takes what a command printed; what somebody has seen is in the log, an interrupt or not."""
        try:
            if self._fd >= 0:
                disk.write_fd(self._fd, data, self.path)
        except OSError as error:
            raise disk.no_space(error, self.path) from error
        finally:
            self._report(StageOutput(data))
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
    command = _Command(words, folder, variables, output)
    try:
        return command.follow()
    except BaseException:
        command.stop()
        raise
    finally:
        command.close()


class _Output:
    """The pipe that every command of a stage writes to."""

    def __init__(self, log: StageLog) -> None:
        self._log = log
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)

    def __enter__(self) -> _Output:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.read_end)
        os.close(self.write_end)

    def drain(self) -> None:
        """Passes on what is there, but no more than a pipe holds: a background process may never stop writing."""
        with suppress(BlockingIOError):
            for _ in range(_DRAIN):
                data = os.read(self.read_end, _CHUNK)
                if not data:
                    return
                self._log.write(data)


class _Command:
    """One process and those it starts.

    It is started and waited for in a thread of its own: an interrupt, which only the main thread gets, can then never
    fall between the start of the process and knowing its id. The thread closes a pipe when the process has ended.
    """

    def __init__(self, words: list[str], folder: str, variables: Mapping[str, str], output: _Output) -> None:
        self._words = words
        self._folder = folder
        self._variables = variables
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._problem: OSError | ValueError | None = None
        self._started = threading.Event()
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def _live(self) -> None:
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is what the user asked to run
                self._words,
                cwd=self._folder,
                env=dict(self._variables),
                stdin=subprocess.DEVNULL,
                stdout=self._output.write_end,
                stderr=self._output.write_end,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._problem = error
        finally:
            self._started.set()
        try:
            if self._process is not None:
                self._wait(self._process)
        finally:
            os.close(self._end)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        guard = None
        with suppress(OSError):  # no process to be had: better unguarded than not at all
            guard = _guard(process.pid)
        process.wait()
        if guard is not None:
            guard.communicate(b"it has ended\n")

    def follow(self) -> int:
        """Runs it and passes on what it prints until it ends; returns its status (negative: the signal)."""
        self._thread.start()
        while not self._has_ended(_LOOK):
            pass
        problem = self._problem
        if self._process is None:
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise AssayError(f"The shell {self._words[0]!r} cannot be started: {reason}.", "Set SHELL to another.")
        return int(self._process.returncode)

    def _has_ended(self, milliseconds: int) -> bool:
        """Waits for output or the end, at most so long, and passes the output on."""
        poll = select.poll()
        poll.register(self._output.read_end, select.POLLIN)
        poll.register(self._ended, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(milliseconds)}
        self._output.drain()
        return self._ended in ready

    def stop(self) -> None:
        """Ends every process of the command; more interrupts meanwhile only hurry it on."""
        for number, seconds in PATIENCE:
            with suppress(KeyboardInterrupt):
                self._signal(number)
                deadline = time.monotonic() + seconds
                while (left := deadline - time.monotonic()) > 0:
                    if self._has_ended(int(left * 1000) + 1):
                        self._signal(signal.SIGTERM)  # those of the group that outlived its leader
                        return

    def close(self) -> None:
        """Lets go of the pipe; the thread closes its end when the process ends."""
        os.close(self._ended)

    def _signal(self, number: signal.Signals) -> None:
        if self._started.wait(1.0) and self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


_GUARD = 'read line || { kill -s TERM -- "-$1"; sleep 3; kill -s KILL -- "-$1"; } 2>/dev/null'


def _guard(group: int) -> subprocess.Popen[bytes]:
    """A process that ends a group when its standard input closes without a word, as it does when this process dies."""
    return subprocess.Popen(  # noqa: S603 - the only word that varies is a number
        ["/bin/sh", "-c", _GUARD, "sh", str(group)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
