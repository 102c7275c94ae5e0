"""``assay switch``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay switch main
  assay switch HEAD~2         look at an older commit
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("revision", help="a branch, or any revision")


def run(args: argparse.Namespace, context: Context) -> int:
    """Goes to a branch or commit."""
    from assay.engine.experiments.switch import switch

    done = switch(context.project(), args.revision)
    context.report.clear()
    if done.branch:
        context.say(f"On branch {done.branch} at {done.commit.hex()[:7]}.")
    else:
        context.say(f"At {done.commit.hex()[:7]}, on no branch; `assay switch BRANCH` goes back.")
    return 0
