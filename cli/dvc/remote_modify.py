"""``assay-dvc remote modify``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels, change, place
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("-u", "--unset", action="store_true", help="take the setting away")
    parser.add_argument("name", type=str.lower, help="a remote")
    parser.add_argument("option", type=str.lower, help="a setting of it")
    parser.add_argument("value", nargs="?", help="its new value")


def run(args: argparse.Namespace, context: Context) -> int:
    """Changes a setting of a remote."""
    from assay.engine.errors import ConfigError, UsageError
    from assay.engine.settings import layer

    if args.value is None and not args.unset:
        raise UsageError("A value is needed, or --unset.")
    if args.name not in context.project().config.named("remote"):
        raise ConfigError(f"remote '{args.name}' doesn't exist.", "`remote list` shows those that there are.")
    present = layer("", place(args.level, context), context.home).named("remote").get(args.name, {})
    if not args.unset or args.option in present:
        change(f"remote.{args.name}.{args.option}", None if args.unset else args.value, args.level, context)
    return 0
