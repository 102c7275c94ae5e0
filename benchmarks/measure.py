"""Runs whole commands as a user would and notes what each took: wall time, CPU time, memory."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Measured:
    """What a command took, run after run.

    Attributes:
        wall: Seconds from start to end of each run.
        cpu: Seconds of processor time of each run, all its threads together.
        memory: The most memory that any run held, in MiB: the peaks of the processes that it had at a time, together.
    """

    wall: list[float]
    cpu: list[float]
    memory: float

    @property
    def median(self) -> float:
        """The median of the wall times, in seconds."""
        return statistics.median(self.wall)


def measure(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    repeat: int,
    before: Callable[[], None] = lambda: None,
) -> Measured:
    """Runs a command several times.

    Args:
        command: The words of the command.
        folder: Where it runs.
        environment: Its variables.
        repeat: How often.
        before: Called before each run, outside the measured time.

    Raises:
        RuntimeError: A run failed.
    """
    wall, cpu, memory = [], [], 0
    for _ in range(repeat):
        before()
        with (folder / ".stderr").open("w+") as errors:
            start = time.perf_counter()
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
            family = _Family(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            wall.append(time.perf_counter() - start)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            if process.returncode:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{errors.read()}")
        (folder / ".stderr").unlink()
        cpu.append(used.ru_utime + used.ru_stime)
        alone = used.ru_maxrss // (1024 if sys.platform != "darwin" else 1024 * 1024)
        memory = max(memory, family.most() or alone)
    return Measured([round(took, 4) for took in wall], [round(took, 4) for took in cpu], memory)


class _Family(threading.Thread):
    """Watches the memory of a process and all that it starts, where the system has /proc."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._most = 0
        self._over = threading.Event()
        self.start()

    def most(self) -> int:
        """The most that all held together, in MiB; ends the watch."""
        self._over.set()
        self.join()
        return self._most >> 10

    def run(self) -> None:
        """Looks again and again."""
        while not self._over.wait(0.02):
            self._most = max(self._most, self._peak(self._pid))

    def _peak(self, pid: int) -> int:
        """KiB; the kernel keeps the peak since the program began, where `ru_maxrss` has that of who started it too."""
        try:
            own = int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0])
            children = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        except (OSError, IndexError):  # it has ended, or there is no /proc
            return 0
        return own + sum(self._peak(int(child)) for some in children for child in some)


def machine() -> dict[str, object]:
    """What the figures depend on."""
    return {"python": platform.python_version(), "system": platform.platform(), "processors": os.cpu_count()}


def save(name: str, results: Mapping[str, object]) -> Path:
    """Writes results to ``benchmarks/results/<name>.json`` and returns that path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"

    def plain(value: object) -> object:
        return {**asdict(value), "median": value.median} if isinstance(value, Measured) else str(value)

    path.write_text(json.dumps({"machine": machine(), **results}, indent=1, default=plain) + "\n")
    return path


def print_table(lines: Sequence[Sequence[str]]) -> None:
    """Prints lines of cells, the first column to the left and the others to the right."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        right = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *right]).rstrip())
