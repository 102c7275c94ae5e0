"""A typed program can use the API: mypy, strict, has nothing to say about one."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.sources import ROOT


def test_mypy_accepts_a_typed_program():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "tests/typing/use_of_api.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
