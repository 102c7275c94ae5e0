"""``assay-dvc exp save``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.autopush import push_as_dvc
from assay.cli.dvc.words import say_conflict
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.publish import Made

FAILURE_CODE = 1
"""DVC's exit code where saving fails."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="record only these stages and .dvc files")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means the stages and data below it")
    parser.add_argument("-f", "--force", action="store_true", help="replace an experiment of that name")
    parser.add_argument("--json", action="store_true", help="print the commit as JSON")
    parser.add_argument("-n", "--name", help="the experiment's name (made up)")
    parser.add_argument(
        "-I", "--include-untracked", action="append", default=[], metavar="PATH", help="take it although untracked"
    )
    parser.add_argument("-m", "--message", help="the commit's message (the parameters that differ)")
    parser.add_argument("-M", dest="message", help=argparse.SUPPRESS)


def run(args: argparse.Namespace, context: Context) -> int:
    """Keeps the workspace as an experiment."""
    from assay.engine.errors import AssayError

    try:
        made = _save(args, context)
    except AssayError as error:
        error.message = f"failed to save experiment - {error.message}"
        raise
    push_as_dvc(context, made.ref)
    context.report.clear()
    if args.json:
        context.say(f'{{"ref": "{made.commit.hex()}"}}')
    else:
        context.say(f"Experiment has been saved as: {made.ref.name}")
    return 0


def _save(args: argparse.Namespace, context: Context) -> Made:
    from assay.cli.targets import perhaps_outside, target_words
    from assay.engine.errors import NameTaken
    from assay.engine.experiments.save import save
    from assay.engine.pipeline.choice import EVERYTHING, Choice

    folder, targets = target_words(context, args.targets)
    choice = Choice(tuple(targets), folder, recursive=args.recursive) if targets else EVERYTHING
    try:
        return save(
            context.project(),
            name=args.name,
            message=args.message,
            include=[perhaps_outside(context, path) for path in args.include_untracked],
            force=args.force,
            choice=choice,
        )
    except NameTaken as error:
        say_conflict(error, args.name)
        raise
