"""``assay repro``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from assay.cli.wiring import Context

EXAMPLES = """\
  assay repro            run what changed
  assay repro train      one stage and what it needs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="stages to run, with what they need (all)")
    parser.add_argument("-f", "--force", action="store_true", help="run unchanged stages too")
    parser.add_argument("-s", "--single-item", action="store_true", help="only the given stages, nothing they need")
    parser.add_argument("--dry", action="store_true", help="tell what would run")


def would_run(stages: Sequence[str]) -> str:
    """What a dry run found, for a person."""
    return f"Would run: {', '.join(stages)}." if stages else "Nothing would run: all stages are up to date."


def run(args: argparse.Namespace, context: Context) -> int:
    """Reproduces the pipeline."""
    from assay.engine.pipeline.repro import reproduce
    from assay.engine.pipeline.spec import load
    from assay.engine.workspace.hold import hold

    project = context.project()
    with hold(project):
        targets = tuple(args.targets)
        done = reproduce(project, load(project), targets, force=args.force, dry=args.dry, single=args.single_item)
    context.report.clear()
    if not args.dry:
        ran, kept = len(done.ran), len(done.skipped)
        context.say(f"{ran} stage{'s' * (ran != 1)} ran, {kept} {'were' if kept != 1 else 'was'} up to date.")
    else:
        context.say(would_run(done.ran))
    return 0
