"""Where the programs are that judge assay: the real DVC, in an environment of its own, and bubblewrap."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_DVC = os.environ.get("ASSAY_TEST_DVC", "")  # read before any test clears the environment


def find_dvc() -> str | None:
    """The path of ``dvc``: ASSAY_TEST_DVC, else what `make check` installed, else on PATH."""
    made = ROOT / ".venv-dvc/bin/dvc"
    return _DVC or (str(made) if made.is_file() else shutil.which("dvc"))


def find_bubblewrap() -> str | None:
    """The path of ``bwrap``; None when it is not installed."""
    return shutil.which("bwrap")
