"""``assay save``."""

from __future__ import annotations

import argparse

from assay.cli.autopush import push_if_asked
from assay.cli.commands.run import told
from assay.cli.targets import perhaps_outside
from assay.cli.wiring import Context

EXAMPLES = """\
  assay save -n by-hand -m "tuned in the notebook"
  assay save -I plots/           with a folder that Git ignores
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("-n", "--name", help="the experiment's name (made up)")
    parser.add_argument("-m", "--message", help="the commit's message (the parameters that differ)")
    parser.add_argument(
        "-I", "--include-untracked", action="append", default=[], metavar="PATH", help="take it although ignored"
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace an experiment of that name")


def run(args: argparse.Namespace, context: Context) -> int:
    """Keeps the workspace as an experiment."""
    from assay.engine.model import ExpRef, Oid

    saved = context.lab.save(
        name=args.name,
        message=args.message,
        include=[perhaps_outside(context, path) for path in args.include_untracked],
        force=args.force,
    )
    context.report.clear()
    context.say(told(saved))
    push_if_asked(context, ExpRef(Oid(bytes.fromhex(saved.baseline or "")), saved.name))
    return 0
