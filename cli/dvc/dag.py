"""``assay-dvc dag``."""

from __future__ import annotations

from assay.cli.drawing import add_arguments, run

__all__ = ["add_arguments", "run"]
