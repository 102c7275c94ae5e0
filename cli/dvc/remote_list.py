"""``assay-dvc remote list``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.config import add_levels
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_levels(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Lists names and URLs."""
    from assay.engine.config import Config
    from assay.remotes.registry import shown

    layers = [layer for layer in context.project().config.layers if args.level in (None, layer.name)]
    config = Config(layers)
    chosen = config.get("core", "remote")
    for name, keys in config.named("remote").items():
        if "url" in keys:
            line = f"{name}\t{shown(keys['url'])}" + ("\t(default)" if name == chosen else "")
            context.say(line.expandtabs(8))
    return 0
