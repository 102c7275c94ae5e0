"""``assay log``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context
from assay.engine.words import counted

EXAMPLES = """\
  assay log
  assay log -n 5 main
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("revision", nargs="?", default="HEAD", help="where to start (HEAD)")
    parser.add_argument("-n", "--num", type=int, default=0, help="at most so many commits (all)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Lists commits, newest first."""
    from itertools import islice
    from time import gmtime, strftime

    from assay.engine.errors import UsageError
    from assay.engine.experiments.log import log

    if args.num < 0:
        raise UsageError(f"-n takes how many commits to show, and {args.num} is less than none.")
    for line in islice(log(context.project(), args.revision), args.num or None):
        when = strftime("%Y-%m-%d %H:%M", gmtime(line.author.time + 60 * line.author.offset))
        names = f" ({', '.join(line.names)})" if line.names else ""
        count = f"  [{counted(line.experiments, 'experiment')}]" if line.experiments else ""
        context.say(f"{line.commit.hex()[:7]} {when} {line.author.name}{names}: {line.subject}{count}")
    return 0
