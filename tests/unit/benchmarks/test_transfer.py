"""What is transferred has the sizes that were asked for; a family's memory is its processes' together."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.measure import measure
from benchmarks.transfer import Files


def test_files_have_the_number_and_the_size_of_their_word(tmp_path: Path) -> None:
    Files.parse("3x2K").write(tmp_path)
    assert [path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()] == [2048] * 3


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_memory_is_that_of_a_process_and_its_children_together(tmp_path: Path) -> None:
    child = "import time; held = b'x' * (60 << 20); time.sleep(0.3)"
    parent = f"import subprocess, sys; held = b'x' * (50 << 20); subprocess.run([sys.executable, '-c', {child!r}])"
    measured = measure([sys.executable, "-c", parent], tmp_path, dict(os.environ), repeat=1)
    assert 110 < measured.memory < 180
