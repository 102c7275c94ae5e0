"""``assay remote``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay remote add -d team s3://bucket/team
  assay remote add backup /mnt/share/experiments
  assay remote list
  assay remote default backup
  assay config --local remote.team.endpointurl https://s3.example.com
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="add|list|default", required=True)
    add = actions.add_parser("add", help="give a place to share through a name")
    add.add_argument("name")
    add.add_argument("url", help="s3://bucket/prefix, or a folder")
    add.add_argument("-d", "--default", action="store_true", help="make it the one that push and pull use")
    add.add_argument("-f", "--force", action="store_true", help="replace the URL of a remote of that name")
    actions.add_parser("list", help="names and URLs")
    default = actions.add_parser("default", help="which remote push and pull use")
    default.add_argument("name", nargs="?", help="make it this one")


def run(args: argparse.Namespace, context: Context) -> int:
    """Adds, lists, or chooses the default."""
    from assay.engine.errors import Refused
    from assay.remotes import registry

    project = context.project()
    if args.action == "add":
        remote = registry.add(project, args.name, args.url, folder=context.here, default=args.default, force=args.force)
        context.say(f"{remote.name} is {registry.shown(remote.url)}" + (", the default." if args.default else "."))
    elif args.action == "list":
        for name, url in registry.remotes(project).items():
            context.say(f"{name}\t{url}")
    elif args.name:
        registry.make_default(project, args.name)
    else:
        name = registry.default_name(project)
        if not name:
            raise Refused("No remote is the default.", "Choose one: `assay remote default NAME`.")
        context.say(name)
    return 0
