"""``assay-dvc remote add``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels, change, place
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("-d", "--default", action="store_true", help="make it the one that push and pull use")
    parser.add_argument("-f", "--force", action="store_true", help="replace one of that name, its settings too")
    parser.add_argument("name", type=str.lower, help="what to call it")
    parser.add_argument("url", help="where it is")


def run(args: argparse.Namespace, context: Context) -> int:
    """Writes a remote into a configuration file."""
    from assay.engine.errors import ConfigError
    from assay.engine.settings import layer
    from assay.remotes.registry import check_name

    check_name(args.name)
    path = place(args.level, context)
    present = layer("", path, context.home).named("remote").get(args.name)
    if present is not None and not args.force:
        raise ConfigError(f"remote '{args.name}' already exists. Use `-f|--force` to overwrite it.")
    change(f"remote.{args.name}.url", args.url, args.level, context)
    for option in present or ():
        if option != "url":
            change(f"remote.{args.name}.{option}", None, args.level, context)
    if args.default:
        context.say(f"Setting '{args.name}' as a default remote.")
        change("core.remote", args.name, args.level, context)
    return 0
