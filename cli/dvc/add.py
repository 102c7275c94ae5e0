"""``assay-dvc add``."""

from __future__ import annotations

import argparse
import os

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument("--no-commit", action="store_true", help="write the .dvc file, but put nothing into the cache")
    parser.add_argument("--glob", action="store_true", help="expand wildcards in the paths")
    parser.add_argument("-o", "--out", metavar="PATH", help="copy the data to this path and track it there")
    parser.add_argument("-f", "--force", action="store_true", help="replace what is at --out")
    parser.add_argument("--no-relink", action="store_true", help="do not replace files by links into the cache")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tracks data."""
    from assay.cli.dvc.words import tell_git
    from assay.engine.data.add import How, add, add_copy
    from assay.engine.errors import UsageError

    project = context.project()
    how = How("", not args.no_commit, not args.no_relink)
    if args.out is None:
        added = add(project, [context.relative(path) for path in args.targets], how, glob=args.glob)
    else:
        if len(args.targets) != 1 or args.glob:
            raise UsageError("--out takes one path, without --glob.")
        source = os.path.normpath(os.path.join(context.here, args.targets[0]))
        into = args.out.endswith("/") or os.path.isdir(os.path.join(context.here, args.out))
        out = os.path.join(args.out, os.path.basename(source)) if into else args.out
        added = add_copy(project, source, context.relative(out), how, force=args.force)
    context.report.clear()
    tell_git({*added.data_files, *added.written}, context, staged=added.staged)
    return 0
