"""``assay pull``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay pull                     HEAD's experiments and the workspace's data
  assay pull bumpy-lion
  assay pull -A -r backup        everything, from another remote
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="experiments (those of HEAD)")
    parser.add_argument("-r", "--remote", help="the remote (the default one)")
    parser.add_argument("-A", "--all", action="store_true", help="the experiments of all commits")
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names here")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches experiments and data; non-zero when any part of it could not be done."""
    from assay.cli.commands.push import tell
    from assay.remotes.pull import pull

    done = pull(context.project(), args.experiments, remote=args.remote, everything=args.all, force=args.force)
    context.report.clear()
    return tell(done.report, "Pulled", context)
