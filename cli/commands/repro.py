"""``assay repro``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.reproducing import add_arguments, reproduce_chosen
from assay.cli.stageflags import refuse_failures, would_run
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.pipeline.choice import Choice
    from assay.engine.pipeline.spec import Pipeline

__all__ = ["EXAMPLES", "add_arguments", "run"]

EXAMPLES = """\
  assay repro                     run what changed
  assay repro train               one stage and what it needs
  assay repro sub/dvc.yaml:train  a stage of another folder
  assay repro -P --dry            what would run anywhere in the project
  assay repro --downstream split  a stage and all that follows from it
"""


def run(args: argparse.Namespace, context: Context) -> int:
    """Reproduces the pipeline."""
    from assay.engine.words import counted

    done, choice, _, _ = reproduce_chosen(args, context, _refuse_nothing)
    if args.dry:
        context.say(would_run(done.ran, choice.folder))
        return 0
    ran, restored = len(done.ran), len(done.restored)
    kept = len(done.skipped) - restored
    back = f"{counted(restored, 'was', 'were')} restored, " if restored else ""
    context.say(f"{counted(ran, 'stage')} ran, {back}{counted(kept, 'was', 'were')} up to date.")
    refuse_failures(done, choice.folder)
    return 0


def _refuse_nothing(pipeline: Pipeline, _choice: Choice) -> None:
    from assay.engine.errors import UsageError

    if not pipeline.stages and not pipeline.files:
        raise UsageError("There is nothing to run: the project has no dvc.yaml.", "`assay stage add` begins one.")
