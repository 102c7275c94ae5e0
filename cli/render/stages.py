"""What stages do, as DVC prints it: on stdout, where scripts look for it; warnings and progress go to stderr."""

from __future__ import annotations

import posixpath
from typing import TextIO

from assay.cli.render.progress import Progress
from assay.engine import events

_CACHED = "Stage '{}' is cached - skipping run, checking out outputs"
_WHY = {
    "unchanged": "Stage '{}' didn't change, skipping",
    "frozen": "Stage '{}' didn't change, skipping",
    "restored from the cache": _CACHED,
    "restored from the run cache": _CACHED,
}


class StageLines(Progress):
    """A reporter for verbs that run stages.

    Args:
        out: Where stages are told, and what they print.
        others: The reporter for everything else.
        dry: Whether nothing is really done.

    Attributes:
        folder: The project path that stages and files are named from; "" is the project itself.
        recorded: The ``.dvc`` files whose data was recorded anew, whether that changed anything or not.
    """

    def __init__(self, out: TextIO, others: Progress, *, dry: bool = False) -> None:
        super().__init__(out, live=False, quiet=others.quiet)
        self._others = others
        self.folder = ""
        self.recorded: list[str] = []
        self._gap = False
        self._dry = dry

    def __call__(self, event: events.Event) -> None:
        """Writes one event."""
        if isinstance(event, events.StageOutput):
            self._others.clear()
            self._output(event.data)
            return
        if isinstance(event, events.StageFinished):
            self._gap = True
            return
        line = self._line(event)
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

    def _line(self, event: events.Event) -> str | None:
        """What DVC says of an event on stdout; None for those that belong to stderr."""
        if isinstance(event, events.ExperimentStarted):
            return f"Reproducing experiment '{event.name}'"
        if isinstance(event, events.LockWritten):
            updating = f"Updating lock file '{seen(event.path, self.folder)}'"
            return f"Generating lock file '{seen(event.path, self.folder)}'\n{updating}" if event.is_new else updating
        worked = False
        if isinstance(event, events.StageStarted):
            text = f"Running stage '{seen(event.stage, self.folder)}':\n> " + event.command.replace("\n", "\n> ")
        elif isinstance(event, events.StageSkipped):
            text = _WHY.get(event.why, "Stage '{}' will be skipped").format(seen(event.stage, self.folder))
            worked = event.why.startswith("restored")
        elif isinstance(event, events.DataChecked):
            worked = event.changed
            self.recorded += [event.path] if worked else []
            if worked and self._dry:  # DVC is silent, but leaves a line empty
                self._gap = True
                return None
            told = "Verifying data sources in stage: '{}'" if worked else "'{}' didn't change, skipping"
            text = told.format(seen(event.path, self.folder))
        else:
            return None
        gap, self._gap = "\n" * self._gap, worked
        return gap + text


def seen(node: str, folder: str) -> str:
    """A stage's address or a pipeline file's path, as it is spelled in a folder."""
    if not folder:
        return node
    file, colon, name = node.rpartition(":") if not node.endswith((".dvc", ".lock", ".yaml")) else (node, "", "")
    if not file:
        file, colon = "dvc.yaml", ":"
    file = posixpath.relpath(file, folder)
    return name if colon and file == "dvc.yaml" else f"{file}{colon}{name}"
