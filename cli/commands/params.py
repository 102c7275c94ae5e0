"""``assay params show`` and ``assay params diff``."""

from __future__ import annotations

import argparse

from assay.cli.commands.metrics import add_diff, add_show, extent, write_compared, write_shown
from assay.cli.wiring import Context

EXAMPLES = """\
  assay params show                      those of the workspace
  assay params show --rev bumpy-lion     those of an experiment
  assay params diff                      what differs between HEAD and the workspace
  assay params diff bumpy-lion --deps    only what stages read
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="show|diff", required=True)
    for action, add, text in (
        (actions.add_parser("show", help="the parameters of the workspace, or of revisions"), add_show, "show"),
        (actions.add_parser("diff", help="the parameters that differ between two revisions"), add_diff, "compare"),
    ):
        add(action)
        action.add_argument("--deps", action="store_true", help=f"{text} only what stages read")


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows or compares parameters."""
    from assay.engine.experiments.params import diff_params, show_params

    targets = [context.relative(path) for path in args.targets]
    if args.action == "show":
        found = show_params(context.project(), extent(args), targets, stages_only=args.deps)
        return write_shown(found, "params", args, context)
    compared = diff_params(context.project(), args.old, args.new, targets, unchanged=args.all, stages_only=args.deps)
    return write_compared(compared, "params", args, context)
