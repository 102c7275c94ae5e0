"""``assay remove``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay remove bumpy-lion shiny-frog
  assay remove -A                      all of them
  assay undo                           brings them back
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="names of experiments")
    parser.add_argument("-A", "--all", action="store_true", help="every experiment of the repository")


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes experiments away."""
    from assay.engine.experiments.remove import remove

    removed = remove(context.project(), args.experiments, everything=args.all)
    context.report.clear()
    if not removed:
        context.say("There are no experiments to remove.")
        return 0
    names = ", ".join(name.rpartition("/")[2] for name in removed[:10])
    more = f" and {len(removed) - 10} more" if len(removed) > 10 else ""
    context.say(f"Removed {names}{more}; `assay undo` brings {'it' if len(removed) == 1 else 'them'} back.")
    return 0
