"""``assay undo``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay undo                  takes back the last apply, remove, rename, tag ...
  assay undo --list           what can be undone
  assay undo 12               a certain one
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("number", nargs="?", type=int, help="the record's number (the newest)")
    parser.add_argument("--list", action="store_true", help="list what can be undone, newest first")


def run(args: argparse.Namespace, context: Context) -> int:
    """Restores what a record holds."""
    from assay.engine.workspace import undo

    if args.list:
        for record in undo.records(context.project()):
            context.say(f"{record.number}  {record.what}")
        return 0
    what = context.lab.undo(args.number)
    context.report.clear()
    again = what.removeprefix("undo of ")
    context.say(f"Undid {what}." if again == what else f"Did {again} again.")
    return 0
