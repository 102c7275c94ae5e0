"""Bringing stages up to date: the words of both ``repro`` commands, and what they do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from assay.cli.stageflags import add_flags, choice_of, manner_of
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from assay.engine.pipeline.choice import Choice
    from assay.engine.pipeline.repro import Reproduced
    from assay.engine.pipeline.spec import Pipeline


class Done(NamedTuple):
    """What came of it.

    Attributes:
        reproduced: What the stages did.
        choice: The stages that were asked for.
        written: Paths that a commit should have.
        staged: Whether they are in Git's index already.
    """

    reproduced: Reproduced
    choice: Choice
    written: Sequence[str]
    staged: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)
    parser.add_argument("-f", "--force", action="store_true", help="run unchanged stages too")
    parser.add_argument("--pull", action="store_true", help="get missing data and the run cache from the remote first")
    parser.add_argument("--no-commit", action="store_true", help="do not put what is written into the cache")
    parser.add_argument("--no-run-cache", action="store_true", help="run even what ran before on the same inputs")


def reproduce_chosen(args: argparse.Namespace, context: Context, check: Callable[[Pipeline, Choice], None]) -> Done:
    """Runs what changed of the stages that were asked for, in a project that nobody else changes meanwhile.

    Args:
        args: The words.
        context: The surroundings.
        check: Raises when there is nothing that could be run.
    """
    from assay.cli.pulling import pull_first
    from assay.engine.pipeline.repro import reproduce
    from assay.engine.pipeline.spec import load
    from assay.engine.workspace.autostage import autostage
    from assay.engine.workspace.hold import hold
    from assay.engine.workspace.replaced import Replaced

    project = context.project()
    choice, manner = choice_of(args, context), manner_of(args, context)
    if args.pull and not manner.dry:
        pull_first(context, load(project), choice, run_cache=not manner.no_run_cache)
    with hold(project):
        pipeline = load(project)
        check(pipeline, choice)
        manner = manner._replace(replacing=Replaced(project, "repro").outs)
        done = reproduce(project, pipeline, choice, manner)
        written = [*done.locks_written, *done.ignores_written, *done.data_written]
        staged = autostage(project, written)
    context.report.clear()
    return Done(done, choice, written, staged)
