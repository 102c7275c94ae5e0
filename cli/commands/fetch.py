"""``assay fetch``."""

from __future__ import annotations

import argparse

from assay.cli.commands import pull
from assay.cli.wiring import Context

EXAMPLES = """\
  assay fetch                    what `assay pull` would get, without touching the workspace
  assay fetch data/images        tracked data, into the cache
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    pull.add_arguments(parser, "fetch")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches experiments, and data into the cache; non-zero when any part of it could not be done."""
    return pull.transfer(args, context, checkout=False)
