"""``assay-dvc unfreeze``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.freeze import FAILURE_CODE, add_arguments, set_frozen
from assay.cli.wiring import Context

__all__ = ["FAILURE_CODE", "add_arguments", "run"]


def run(args: argparse.Namespace, context: Context) -> int:
    """Unfreezes."""
    return set_frozen(args, context, frozen=False)
