"""``assay repro``."""

from __future__ import annotations

import argparse

from assay.cli.stageflags import add_flags, choice_of, manner_of, refuse_failures, would_run
from assay.cli.wiring import Context

EXAMPLES = """\
  assay repro                     run what changed
  assay repro train               one stage and what it needs
  assay repro sub/dvc.yaml:train  a stage of another folder
  assay repro -P --dry            what would run anywhere in the project
  assay repro --downstream split  a stage and all that follows from it
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("-f", "--force", action="store_true", help="run unchanged stages too")
    parser.add_argument("--pull", action="store_true", help="get missing data and the run cache from the remote first")
    parser.add_argument("--no-commit", action="store_true", help="do not put what is written into the cache")
    parser.add_argument("--no-run-cache", action="store_true", help="run even what ran before on the same inputs")


def run(args: argparse.Namespace, context: Context) -> int:
    """Reproduces the pipeline."""
    from assay.cli.pulling import pull_first
    from assay.engine.errors import UsageError
    from assay.engine.pipeline.repro import reproduce
    from assay.engine.pipeline.spec import load
    from assay.engine.words import counted
    from assay.engine.workspace.autostage import autostage
    from assay.engine.workspace.hold import hold
    from assay.engine.workspace.replaced import Replaced

    project = context.project()
    choice, manner = choice_of(args, context), manner_of(args, context)
    if args.pull and not manner.dry:
        pull_first(context, load(project), choice)
    with hold(project):
        pipeline = load(project)
        if not pipeline.stages and not pipeline.files:
            raise UsageError("There is nothing to run: the project has no dvc.yaml.", "`assay stage add` begins one.")
        manner = manner._replace(replacing=Replaced(project, "repro").outs)
        done = reproduce(project, pipeline, choice, manner)
        autostage(project, [*done.locks_written, *done.ignores_written, *done.data_written])
    context.report.clear()
    if manner.dry:
        context.say(would_run(done.ran, choice.folder))
        return 0
    ran, restored = len(done.ran), len(done.restored)
    kept = len(done.skipped) - restored
    back = f"{counted(restored, 'was', 'were')} restored, " if restored else ""
    context.say(f"{counted(ran, 'stage')} ran, {back}{counted(kept, 'was', 'were')} up to date.")
    refuse_failures(done, choice.folder)
    return 0
