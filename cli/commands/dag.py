"""``assay dag``."""

from __future__ import annotations

from assay.cli.drawing import add_arguments, run

__all__ = ["EXAMPLES", "add_arguments", "run"]

EXAMPLES = """\
  assay dag                 what needs what, drawn
  assay dag train           a stage and what it needs
  assay dag --full train    everything that hangs together with it
  assay dag -o              outputs in place of stages
  assay dag --md > dag.md   for a README
"""
