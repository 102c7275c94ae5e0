"""What stages do, as DVC prints it: on stdout, where scripts look for it; warnings and progress go to stderr."""

from __future__ import annotations

from typing import TextIO

from assay.cli.render.progress import Progress
from assay.engine import events

_WHY = {
    "unchanged": "Stage '{}' didn't change, skipping",
    "frozen": "Stage '{}' didn't change, skipping",
    "restored from the cache": "Stage '{}' is cached - skipping run, checking out outputs",
    "restored from the run cache": "Stage '{}' is cached - skipping run, checking out outputs",
}


class StageLines(Progress):
    """A reporter for verbs that run stages.

    Args:
        out: Where stages are told, and what they print.
        others: The reporter for everything else.
    """

    def __init__(self, out: TextIO, others: Progress) -> None:
        super().__init__(out, live=False, quiet=others.quiet)
        self._others = others

    def __call__(self, event: events.Event) -> None:
        """Writes one event."""
        if isinstance(event, events.StageOutput):
            self._others.clear()
            self._output(event.data)
            return
        line = _line(event)
        if line is None:
            self._others(event)
        elif not self.quiet:
            self.clear()
            self._stream.write(line + "\n")
            self._stream.flush()

    def clear(self) -> None:
        """Ends the lines that were left open."""
        self._others.clear()
        super().clear()


def _line(event: events.Event) -> str | None:
    """What DVC says of an event on stdout; None for those that belong to stderr."""
    if isinstance(event, events.ExperimentStarted):
        return f"Reproducing experiment '{event.name}'"
    if isinstance(event, events.StageStarted):
        return f"Running stage '{event.stage}':\n> " + event.command.replace("\n", "\n> ")
    if isinstance(event, events.StageSkipped):
        return _WHY.get(event.why, "Stage '{}' will be skipped").format(event.stage)
    return "" if isinstance(event, events.StageFinished) else None
