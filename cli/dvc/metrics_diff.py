"""``assay-dvc metrics diff``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.compared import add_diff, add_precision, is_without_commits, write_diff
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_diff(parser)
    add_precision(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Compares the metrics of two revisions."""
    from assay.engine.experiments.metrics import diff_metrics

    if is_without_commits(args, context):
        return 0
    targets = [context.relative(path) for path in args.targets]
    found = diff_metrics(context.project(), args.a_rev, args.b_rev, targets, unchanged=args.all)
    return write_diff(found, "Metric", args, context, changes=True)
