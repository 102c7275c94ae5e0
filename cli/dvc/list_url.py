"""``assay-dvc list-url``."""

from __future__ import annotations

import argparse
import os

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_level, add_settings

    parser.add_argument("url", metavar="URL", help="a URL, remote://NAME/PATH, or a path")
    add_level(parser)
    add_settings(parser, "--fs-config", "settings of the URL, as a remote has them")


def run(args: argparse.Namespace, context: Context) -> int:
    """Says what is in a folder elsewhere."""
    from assay.cli.dvc.elsewhere import check_numbers, say_entries, settings_here
    from assay.remotes.imports.listing import Node, list_url
    from assay.remotes.imports.places import place_at
    from assay.remotes.registry import is_proxied

    check_numbers(args)
    place = place_at(
        args.url, context.here, settings_here(context), args.fs_config, proxied=is_proxied(context.environment)
    )
    found = list_url(place)
    if args.tree:
        say_entries(context, args, args.url if place.is_here else found.name, found.node)
        return 0
    if args.level == 0 or not found.node.is_folder:
        name = os.path.join(context.here, args.url) if place.is_here else found.name
        found = found._replace(node=Node({name: Node()}))
    say_entries(context, args, found.name, found.node)
    return 0
