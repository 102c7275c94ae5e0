"""``assay clone``."""

from __future__ import annotations

import argparse
import os

from assay.cli.wiring import Context

EXAMPLES = """\
  assay clone s3://bucket/team
  assay clone /mnt/share/experiments digits
  assay clone s3://bucket/team --depth 1
  assay clone git@example.com:team/digits.git
  assay clone s3://bucket/team --option endpointurl=https://s3.example.com
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("url", help="a Git repository, a folder, s3://bucket/prefix, sftp://host/path ...")
    parser.add_argument("folder", nargs="?", help="the new project's folder (the last part of the URL)")
    parser.add_argument("--depth", type=int, metavar="N", help="N commits of history, and their experiments")
    parser.add_argument("--no-cache", dest="cache", action="store_false", help="no data; `assay pull` brings it later")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the remote, kept in config.local",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Gets a project; a failed clone leaves nothing behind."""
    from assay.cli.sharing import depth_of, tell
    from assay.engine.errors import UsageError
    from assay.remotes.cloning import clone
    from assay.remotes.git.clone import folder_name

    name = args.folder or folder_name(args.url)
    settings = dict(option.partition("=")[::2] for option in args.option)
    if not name or not all(settings.values()):
        raise UsageError("assay clone needs a folder to clone into, and options of the form key=value.")
    depth = depth_of(args)
    folder = os.path.join(context.here, name)
    done = clone(
        args.url, folder, context.world, context.report, typed_in=context.here, settings=settings, depth=depth,
        artifacts=args.cache,
    )  # fmt: skip
    context.report.clear()
    code = tell(done.report, "Cloned", context)
    context.say(f"The project is in {done.root}.")
    return code
