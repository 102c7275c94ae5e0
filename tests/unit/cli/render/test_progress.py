"""What of a command's events reaches a person."""

from __future__ import annotations

import io

import pytest

from assay.cli.render.progress import Progress
from assay.engine import events


@pytest.mark.parametrize(
    ("done", "unit", "told"),
    [
        (86, "B", ""),
        (20_000_000, "B", "sending data: 20.0 MB\n"),
        (3, "files", ""),
        (20_000, "files", "sending data: 20,000 files\n"),
    ],
)
def test_a_finished_task_is_told_when_it_moved_much(done: int, unit: str, told: str) -> None:
    stream = io.StringIO()
    report = Progress(stream, live=False, quiet=False)
    report(events.Progress("sending data", done, done, unit))
    report(events.Done("sending data"))
    assert stream.getvalue() == told


def test_a_terminal_sees_a_small_task_while_it_works_and_not_afterwards() -> None:
    stream = io.StringIO()
    report = Progress(stream, live=True, quiet=False)
    report(events.Progress("sending data", 10, 86, "B"))
    report(events.Done("sending data"))
    assert stream.getvalue() == "\r\x1b[Ksending data: 10 B of 86 B\r\x1b[K"
