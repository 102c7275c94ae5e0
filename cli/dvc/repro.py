"""``assay-dvc repro``."""

from __future__ import annotations

import argparse

from assay.cli.stageflags import add_flags, choice_of, manner_of, refuse_failures
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("-f", "--force", action="store_true", help="run unchanged stages too")
    parser.add_argument("--pull", action="store_true", help="get missing data and the run cache from the remote first")
    parser.add_argument("--no-commit", action="store_true", help="do not put what is written into the cache")
    parser.add_argument("--no-run-cache", action="store_true", help="run even what ran before on the same inputs")


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings the pipeline up to date."""
    from assay.cli.dvc.status import UP_TO_DATE
    from assay.cli.dvc.words import tell_git
    from assay.cli.pulling import pull_first
    from assay.cli.render.stages import StageLines
    from assay.engine.errors import BadInput
    from assay.engine.pipeline.repro import reproduce
    from assay.engine.pipeline.spec import load
    from assay.engine.workspace.autostage import autostage
    from assay.engine.workspace.hold import hold
    from assay.engine.workspace.replaced import Replaced

    lines = StageLines(context.out, context.report)
    context.report = lines  # before the project is opened, which then reports to it
    lines.folder = context.current()
    project = context.project()
    choice, manner = choice_of(args, context), manner_of(args, context)
    if args.pull and not manner.dry:
        pull_first(context, load(project), choice)
    with hold(project):
        pipeline = load(project)
        if not pipeline.stages and not pipeline.files and not choice.targets:
            raise BadInput("dvc.yaml", "does not exist")
        manner = manner._replace(replacing=Replaced(project, "repro").outs)
        done = reproduce(project, pipeline, choice, manner)
        written = [*done.locks_written, *done.ignores_written, *done.data_written]
        staged = autostage(project, written)
    context.report.clear()
    tell_git(written, context, staged=staged)
    refuse_failures(done, choice.folder)
    worked = done.ran or done.restored or done.data_written
    context.say("Use `dvc push` to send your updates to remote storage." if worked else UP_TO_DATE)
    return 0
