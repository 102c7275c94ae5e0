"""Events as lines on stderr: one line that rewrites itself on a terminal, plain sentences elsewhere.

A task that moved much is told once more when it is done, in a log file only then; of a small one, what the command
says at its end is enough. What a stage prints passes through as it comes.
"""

from __future__ import annotations

import posixpath
import time
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

    INTERVAL = 0.1

    def __init__(self, stream: TextIO, *, live: bool, quiet: bool) -> None:
        self._stream = stream
        self._live = live
        self.quiet = quiet
        self.folder = ""
        self._shown = False
        self._at_line_start = True
        self._next = 0.0
        self._last: dict[str, events.Progress] = {}
        self._began: dict[str, float] = {}

    def __call__(self, event: events.Event) -> None:
        """Writes one event."""
        if isinstance(event, events.Progress):
            self._progress(event)
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
        self._began.setdefault(event.task, now)
        self._last[event.task] = event
        if not self._live or self.quiet or now < self._next:
            return
        self._next = now + self.INTERVAL
        self._stream.write(f"\r\x1b[K{describe(event, now - self._began[event.task])}")
        self._stream.flush()
        self._shown = True

    def _done(self, task: str) -> None:
        last = self._last.pop(task, None)
        began = self._began.pop(task, 0.0)
        if self._shown:
            self.clear()
        if last is not None and not self.quiet and last.done >= MUCH[last.unit == "B"]:
            self._stream.write(describe(last, time.monotonic() - began) + "\n")
            self._stream.flush()


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
