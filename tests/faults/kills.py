"""Kills: of a whole process group at seeded times, whatever the command; of one process at a step of its own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from assay.engine import disk


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Does something in a process of its own that is SIGKILLed before a step, counted from 0; whether it came so far.

    The step is one that changes the disk, so the moments are the same every time.
    """
    left = [step]

    def hook(_step: str, _path: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        try:
            with disk.injected(hook):
                act()
        finally:
            os._exit(0)  # a child must not return into the test runner
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def killed_runs(
    command: Sequence[str],
    folder: Path,
    env: dict[str, str],
    count: int,
    within: tuple[float, float],
    since: Callable[[], bool] = lambda: True,
    seed: int = 1,
) -> Iterator[float]:
    """Starts the command ``count`` times and SIGKILLs its group at seeded times spread over a range of seconds.

    Args:
        command: What to start.
        folder: Where.
        env: With which variables.
        count: How often.
        within: The earliest and the latest moment, in seconds.
        since: The clock starts when this is first true.
        seed: Of the moments.

    Yields:
        The seconds it lived, once it is dead; the caller looks at the folder before the next one starts.
    """
    chance = random.Random(seed)
    for number in range(count):
        delay = within[0] + (within[1] - within[0]) * (number + chance.random()) / count
        process = subprocess.Popen(
            command, cwd=folder, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not since():
            time.sleep(0.001)
        end = time.monotonic() + delay
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        kill_group(process.pid)
        process.wait()
        yield delay


def kill_group(leader: int) -> None:
    """Ends every process whose group or session the command made."""
    for group in {leader, *_groups_of_session(leader)}:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _groups_of_session(leader: int) -> set[int]:
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == leader:
                found.add(int(fields[2]))
    return found


def duration_of(run: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.monotonic()
    run()
    return time.monotonic() - began
