"""``assay-dvc repro``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.reproducing import add_arguments, reproduce_chosen
from assay.cli.stageflags import refuse_failures
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.pipeline.choice import Choice
    from assay.engine.pipeline.spec import Pipeline

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings the pipeline up to date."""
    from assay.cli.dvc.status import UP_TO_DATE
    from assay.cli.dvc.words import tell_git
    from assay.cli.render.stages import StageLines

    lines = StageLines(context.out, context.report, dry=args.dry)
    context.report = lines  # before the project is opened, which then reports to it
    lines.folder = context.current()
    done, choice, written, staged = reproduce_chosen(args, context, _refuse_nothing)
    tell_git({*written, *(() if args.dry else lines.recorded)}, context, staged=staged)
    refuse_failures(done, choice.folder)
    worked = done.ran or done.restored or done.data_written
    context.say("Use `dvc push` to send your updates to remote storage." if worked else UP_TO_DATE)
    return 0


def _refuse_nothing(pipeline: Pipeline, choice: Choice) -> None:
    from assay.engine.errors import BadInput

    if not pipeline.stages and not pipeline.files and not choice.targets:
        raise BadInput("dvc.yaml", "does not exist")
