"""``assay-dvc remote default``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels, change, place
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)
    parser.add_argument("-u", "--unset", action="store_true", help="let none be the default")
    parser.add_argument("name", nargs="?", type=str.lower, help="the remote to make the default")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells or changes the default remote."""
    from assay.engine.config import Config
    from assay.engine.errors import ConfigError
    from assay.engine.settings import layer

    config = context.project().config
    if args.unset:
        if layer("", place(args.level, context), context.home).get("core", "remote"):
            change("core.remote", None, args.level, context)
        return 0
    if args.name:
        if args.name not in config.named("remote"):
            raise ConfigError("default remote must be present in remote list.")
        change("core.remote", args.name, args.level, context)
        return 0
    chosen = Config([one for one in config.layers if args.level in (None, one.name)]).get("core", "remote")
    context.say(chosen or "No default remote set")
    return 0 if chosen else 1
