"""A process that publishes experiments one by one, as fast as it can: ``python -m tests.pusher FOLDER NAME...``.

It says "ready", waits for a line, pushes each experiment alone, then everything with the branch, and says what failed.
"""

from __future__ import annotations

import sys

import assay


def main(folder: str, names: list[str]) -> int:
    """Publishes; 1 when anything was left."""
    with assay.open(folder) as lab:
        _say("ready")
        sys.stdin.readline()
        failed = {}
        for name in names:
            failed.update(lab.push([name]).report.failed)
        failed.update(lab.push().report.failed)
    for ref, why in failed.items():
        _say(f"{ref}: {why}")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
