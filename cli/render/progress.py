"""Events as lines on stderr: one line that rewrites itself on a terminal, plain sentences elsewhere.

How far a task is can be seen at any time on a terminal; in a log file a line comes every few seconds. A task that moved
much is told once more when it is done; of a small one, what the command says at its end is enough. What a stage prints
passes through as it comes.

Bytes that pass to or from a remote are counted apart (`events.Passed`), from several threads, so that a large file is
seen on its way, and not only when it has arrived.
"""

from __future__ import annotations

import os
import posixpath
import time
from _thread import allocate_lock
from collections import deque
from typing import TextIO

from assay.engine import events

MUCH = (500, 10_000_000)
"""How many things, and how many bytes, are worth a line of their own."""


_UNSAID = (events.ExperimentStarted, events.DataChecked, events.LockWritten)


class Progress:
    """A reporter that writes to a stream.

    Args:
        stream: stderr.
        live: Whether a line may be rewritten (a terminal).
        quiet: Leave out everything but warnings and what stages print.
    """

    INTERVAL, LINE = 0.1, 5.0
    """Seconds from one look at a task to the next: on a terminal, and in a log file."""

    def __init__(self, stream: TextIO, *, live: bool, quiet: bool) -> None:
        self._stream = stream
        self._live = live
        self.quiet = quiet
        self.folder = ""
        self._shown = False
        self._at_line_start = True
        self._next = 0.0
        self._tasks: dict[str, Task] = {}
        self._lock = allocate_lock()

    def __call__(self, event: events.Event) -> None:
        """Writes one event."""
        with self._lock:
            self._take(event)

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.Progress):
            self._progress(event)
        elif isinstance(event, events.Passed):
            self._passed(event.size)
        elif isinstance(event, events.StageOutput):
            self._output(event.data)
        else:
            self._sentence(event)

    def clear(self) -> None:
        """Takes the live line away, and ends a line that a stage left open."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._shown = False
        if not self._at_line_start:
            self._stream.write("\n")
            self._at_line_start = True

    def _output(self, data: bytes) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._shown = False
        self._stream.flush()
        buffer = getattr(self._stream, "buffer", None)
        if buffer is None:
            self._stream.write(data.decode("utf-8", "replace"))
        else:
            buffer.write(data)
            buffer.flush()
        self._at_line_start = data.endswith(b"\n")

    def _sentence(self, event: events.Event) -> None:
        if isinstance(event, events.Done):
            self._done(event.task)
            return
        if isinstance(event, _UNSAID):  # the result tells it
            return
        if self.quiet and not isinstance(event, events.Warned):
            return
        self.clear()
        self._stream.write(sentence(event, self.folder) + "\n")
        self._stream.flush()

    def _progress(self, event: events.Progress) -> None:
        now = time.monotonic()
        task = self._tasks.pop(event.task, None) or Task(now)
        self._tasks[event.task] = task  # the latest one is what people see
        task.last = event
        task.note(now)
        self._show(task, now)

    def _passed(self, count: int) -> None:
        if self._tasks:
            task, now = next(reversed(self._tasks.values())), time.monotonic()
            task.passed += count
            task.note(now)
            self._show(task, now)

    def _show(self, task: Task, now: float) -> None:
        """Writes how far a task is, if it is time to."""
        if not self._live and now < task.began + self.LINE:
            return
        if self.quiet or now < self._next:
            return
        self._next = now + (self.INTERVAL if self._live else self.LINE)
        text = task.told(now)
        self._stream.write(f"\r\x1b[K{self._fitting(text)}" if self._live else f"{text}\n")
        self._stream.flush()
        self._shown = self._live

    def _fitting(self, text: str) -> str:
        """The text, or as much of its end as fits on one line: one that wraps could not be taken away again."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):  # no terminal, whatever it says
            return text
        return text if len(text) < columns or columns < 10 else f"...{text[4 - columns :]}"

    def _done(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if self._shown:
            self.clear()
        if task is not None and not self.quiet and task.last.done >= MUCH[task.last.unit == "B"]:
            self._stream.write(describe(task.last, time.monotonic() - task.began) + "\n")
            self._stream.flush()


class Task:
    """A task on its way.

    Args:
        began: When, in seconds.

    Attributes:
        last: How far it said it is.
        passed: Bytes that have gone or come since it began.
    """

    WINDOW = 10.0
    """Seconds that a rate is taken over."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.last = events.Progress("", 0)
        self.passed = 0
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def done(self) -> int:
        """How much is done: bytes on their way count, too."""
        done, total = self.last.done, self.last.total
        if self.last.unit != "B":
            return done
        return max(done, self.passed if total is None else min(self.passed, total))

    def note(self, now: float) -> None:
        """Remembers how much had passed at this moment."""
        amount = self.done if self.last.unit == "B" else self.passed
        if not self._seen or now - self._seen[-1][0] >= Progress.INTERVAL:
            self._seen.append((now, amount))
        while now - self._seen[0][0] > self.WINDOW:
            self._seen.popleft()

    def told(self, now: float) -> str:
        """How far it is, with what passes in a second, and the time left where that can be said."""
        event, seconds = self.last._replace(done=self.done), now - self.began
        text = describe(event, 0.0)
        if event.unit != "B" and self.passed:
            text += f", {size(self.passed)}"
        first, amount = self._seen[0]
        latest = self.done if event.unit == "B" else self.passed
        rate = (latest - amount) / (now - first) if now - first > 0.5 else 0.0
        if rate >= 1:
            text += f", {size(int(rate))}/s"
        left = self._left(event, rate, seconds)
        return f"{text}, {duration(left)} left" if left is not None else text

    def _left(self, event: events.Progress, rate: float, seconds: float) -> float | None:
        """Seconds until the end, by the bytes of the last seconds or by the things done so far; None: who knows."""
        if event.total is None or event.done >= event.total or seconds < 1:
            return None
        if event.unit == "B":
            return (event.total - event.done) / rate if rate >= 1 else None
        return seconds * (event.total - event.done) / event.done if event.done else None


def sentence(event: events.Event, folder: str = "") -> str:
    """An event other than progress or output, as one line; stages as they are spelled in a folder of the project."""
    if isinstance(event, events.Warned):
        return f"warning: {event.text}"
    if isinstance(event, events.StageStarted):
        return f"Running stage {spelled(event.stage, folder)}:\n> " + event.command.replace("\n", "\n> ")
    if isinstance(event, events.StageSkipped):
        return f"Stage {spelled(event.stage, folder)} is {event.why}, not run."
    if isinstance(event, events.StageFinished):
        return f"Stage {spelled(event.stage, folder)} took {event.seconds:.1f} s."
    return event.text if isinstance(event, events.Note) else str(event)


def spelled(address: str, folder: str) -> str:
    """A stage or ``.dvc`` file as it is spelled in a folder of the project ("" is the project itself)."""
    if not folder:
        return address
    if address.endswith(".dvc"):
        return posixpath.relpath(address, folder)
    above, file, name = address.partition("dvc.yaml:")
    path = posixpath.relpath(f"{above if file else ''}dvc.yaml", folder)
    found = name if file else address
    return found if path == "dvc.yaml" else f"{path}:{found}"


def describe(event: events.Progress, seconds: float) -> str:
    """How far a task is, with its rate when that means something."""
    amount = size(event.done) if event.unit == "B" else f"{event.done:,}"
    if event.total is not None:
        total = size(event.total) if event.unit == "B" else f"{event.total:,}"
        amount = amount if amount == total else f"{amount} of {total}"
    unit = "" if event.unit == "B" else f" {event.unit}"
    rate = f", {size(int(event.done / seconds))}/s" if event.unit == "B" and seconds > 0.5 else ""
    return f"{event.task}: {amount}{unit}{rate}"


def duration(seconds: float) -> str:
    """A time for a person: 40 s, 3 min 20 s, 2 h 5 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(count: int) -> str:
    """A number of bytes for a person: 999 B, 1.2 MB (powers of ten, as disks are sold)."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5 or unit == "PB":
            break
    return f"{value:.0f} {unit}" if value >= 99.5 else f"{value:.1f} {unit}"
