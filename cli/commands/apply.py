"""``assay apply``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context
from assay.engine.words import counted

if TYPE_CHECKING:
    from assay.engine.workspace.restore import Restored

EXAMPLES = """\
  assay apply bumpy-lion
  assay undo                  goes back to what was there before
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", help="an experiment's name, or any revision")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes the workspace what the experiment was."""
    done = context.lab.apply(args.experiment)
    context.report.clear()
    context.say(f"The workspace is now {args.experiment} ({done.commit.hex()[:7]}): {told(done.restored)}.")
    return 0


def told(restored: Restored) -> str:
    """What a restore changed, for a person."""
    if not restored.files and not restored.outs:
        return "nothing had to change"
    kinds = ", ".join(f"{count} by {kind}" for kind, count in restored.links.items())
    parts = [counted(restored.files, "file")] if restored.files else []
    if restored.outs:
        parts.append(counted(restored.outs, "output") + (f" ({kinds})" if kinds else ""))
    return " and ".join(parts) + " changed"
