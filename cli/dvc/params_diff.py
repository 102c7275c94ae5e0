"""``assay-dvc params diff``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.compared import add_diff, is_without_commits, write_diff
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_diff(parser)
    parser.add_argument("--deps", action="store_true", help="only what stages read")


def run(args: argparse.Namespace, context: Context) -> int:
    """Compares the parameters of two revisions."""
    from assay.engine.experiments.params import diff_params

    if is_without_commits(args, context):
        return 0
    targets = [context.relative(path) for path in args.targets]
    project = context.project()
    found = diff_params(project, args.a_rev, args.b_rev, targets, unchanged=args.all, stages_only=args.deps)
    return write_diff(found, "Param", args, context, changes=False)
