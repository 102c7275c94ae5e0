"""``assay unfreeze``."""

from __future__ import annotations

import argparse

from assay.cli.commands.freeze import add_arguments, set_frozen
from assay.cli.wiring import Context

__all__ = ["EXAMPLES", "add_arguments", "run"]

EXAMPLES = """\
  assay unfreeze prepare           run it again when something changes
  assay unfreeze data.csv.dvc
"""


def run(args: argparse.Namespace, context: Context) -> int:
    """Unfreezes."""
    return set_frozen(args, context, frozen=False)
