"""``assay-dvc init``."""

from __future__ import annotations

import argparse
import os

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("directory", nargs="?", default=".", metavar="FOLDER", help="which folder (this one)")
    parser.add_argument("--no-scm", action="store_true", help="without Git, and so without experiments")
    parser.add_argument("-f", "--force", action="store_true", help="begin with new settings; the cache stays")
    parser.add_argument("--subdir", action="store_true", help="below the root of the Git repository")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes a folder a DVC project."""
    from assay.engine import disk
    from assay.engine.errors import UsageError
    from assay.engine.experiments.init import init
    from assay.engine.layout import dvc

    if args.no_scm and args.subdir:
        raise UsageError("--subdir and --no-scm exclude each other.")
    folder = os.path.realpath(os.path.join(context.here, args.directory))
    disk.make_folders(folder)
    init(folder, context.world, dvc(), subdir=args.subdir, without_git=args.no_scm, anew=args.force)
    context.say("Initialized DVC repository.\n")
    if not args.no_scm:
        context.say("You can now commit the changes to git.\n")
    return 0
