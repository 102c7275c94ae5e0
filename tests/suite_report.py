"""Prints the time of each suite; in CI, fails the run when a skip is not named in tests/allowed-skips.txt."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

STRICT = bool(os.environ.get("CI"))  # elsewhere a missing program is told, not an error
ALLOWED = Path(__file__).with_name("allowed-skips.txt")


class SuiteReport:
    """Collects durations and skips from the reports of all processes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.counts: dict[str, int] = defaultdict(int)
        self.skips: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        suite = report.nodeid.split("/")[1] if report.nodeid.startswith("tests/") else "other"
        self.seconds[suite] += report.duration
        self.counts[suite] += report.when == "call"
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skips[reason.removeprefix("Skipped: ")].append(report.nodeid)

    def refused(self) -> dict[str, list[str]]:
        """Skips that are not allowed, by their reason."""
        allowed = [line.strip() for line in ALLOWED.read_text().splitlines() if line.strip() and line[0] != "#"]
        return {why: tests for why, tests in self.skips.items() if why not in allowed}

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == 0 and STRICT and self.refused():
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("time per suite")
        for suite, seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            terminalreporter.line(f"{suite:<14}{self.counts[suite]:>6} tests {seconds:>8.1f} s")
        for why, tests in self.refused().items():
            terminalreporter.line(
                f"skipped, but not allowed in tests/allowed-skips.txt ({len(tests)}): {why}", red=True
            )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the report where the results come together."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SuiteReport())
