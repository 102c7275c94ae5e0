"""What of a command's events reaches a person."""

from __future__ import annotations

import io

import pytest

from assay.cli.render import progress
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


class Clock:
    """The time is what the test says."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def seen(clock: Clock, *, live: bool, quiet: bool = False, seconds: int = 12) -> str:
    """What is written while one file of 120 MB travels with 10 MB in a second."""
    stream = io.StringIO()
    report = Progress(stream, live=live, quiet=quiet)
    report(events.Progress("sending data", 0, 120_000_000, "B"))
    for _ in range(seconds):
        for _ in range(8):
            clock.now += 0.125
            report(events.Passed(1_250_000))
    return stream.getvalue()


def test_a_terminal_sees_bytes_on_their_way_the_rate_and_the_time_left(clock: Clock) -> None:
    lines = seen(clock, live=True).split("\r\x1b[K")
    assert "sending data: 60.0 MB of 120 MB, 10.0 MB/s, 6 s left" in lines
    assert len(lines) > 80


def test_a_log_has_a_line_every_few_seconds(clock: Clock) -> None:
    assert seen(clock, live=False, seconds=11).splitlines() == [
        "sending data: 50.0 MB of 120 MB, 10.0 MB/s, 7 s left",
        "sending data: 100 MB of 120 MB, 10.0 MB/s, 2 s left",
    ]


def test_whoever_wants_quiet_sees_nothing_of_it(clock: Clock) -> None:
    assert seen(clock, live=True, quiet=True) == seen(clock, live=False, quiet=True) == ""


def test_of_many_files_their_number_tells_the_time_left_and_the_bytes_the_rate(clock: Clock) -> None:
    stream = io.StringIO()
    report = Progress(stream, live=True, quiet=False)
    for number in range(11):
        report(events.Progress("fetching data", number, 40, "files"))
        report(events.Passed(2_000_000))
        clock.now += 1
    assert stream.getvalue().endswith("fetching data: 10 of 40 files, 20.0 MB, 2.0 MB/s, 30 s left")


def test_a_transfer_that_begins_again_goes_back(clock: Clock) -> None:
    stream = io.StringIO()
    report = Progress(stream, live=True, quiet=False)
    report(events.Progress("sending data", 0, 100_000_000, "B"))
    clock.now += 1
    report(events.Passed(50_000_000))
    clock.now += 1
    report(events.Passed(-50_000_000))
    assert stream.getvalue().endswith("\r\x1b[Ksending data: 0 B of 100 MB")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "1 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3599, "59 min"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, told: str) -> None:
    assert progress.duration(seconds) == told
