"""``assay-dvc cache dir``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels, change, configured, place
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("-u", "--unset", action="store_true", help="use the usual folder again")
    parser.add_argument("value", nargs="?", metavar="FOLDER", help="the cache's folder; without one it is printed")


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints where the cache lies, or says where it is to lie."""
    from assay.engine.errors import ConfigError

    if args.value is not None or args.unset:
        change("cache.dir", None if args.unset else args.value, args.level, context)
        return 0
    if args.level is None:
        context.say(context.project().cache_folder)
        return 0
    found = configured("cache.dir", args.level, context)
    if found is None:
        raise ConfigError(f"cache.dir is not set in {place(args.level, context)}.")
    context.say(found[1])
    return 0
