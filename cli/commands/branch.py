"""``assay branch``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay branch bumpy-lion              makes the branch bumpy-lion-branch
  assay branch bumpy-lion release-2
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", help="an experiment's name, or any revision")
    parser.add_argument("branch", nargs="?", help="the branch's name (EXPERIMENT-branch)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes the branch."""
    from assay.engine.experiments.branch import branch

    name, commit = branch(context.project(), args.experiment, args.branch)
    context.report.clear()
    context.say(f"The branch {name} is at {commit.hex()[:7]}; `assay switch {name}` goes there.")
    return 0
