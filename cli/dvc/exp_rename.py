"""``assay-dvc exp rename``."""

from __future__ import annotations

import argparse

from assay.cli.dvc.words import say_conflict
from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", nargs="?", help="the experiment's name")
    parser.add_argument("name", help="the name it will have")
    parser.add_argument("-f", "--force", action="store_true", help="replace an experiment of that name")
    parser.add_argument("-g", "--git-remote", metavar="REMOTE", help="rename it on this Git remote instead")


def run(args: argparse.Namespace, context: Context) -> int:
    """Gives an experiment another name."""
    from assay.engine.errors import AssayError, NameTaken
    from assay.engine.experiments.rename import rename

    if not args.experiment:
        raise AssayError("An experiment to rename and a new experiment name are required.")
    if args.experiment == args.name:
        context.say("No experiments to rename.")
        return 0
    try:
        if args.git_remote:
            _elsewhere(args, context)
        else:
            rename(context.project(), args.experiment, args.name, force=args.force)
    except NameTaken as error:
        say_conflict(error, args.name)
        raise
    context.report.clear()
    context.say(f"Renamed experiments: '{args.experiment}'")
    return 0


def _elsewhere(args: argparse.Namespace, context: Context) -> None:
    from assay.remotes.git.experiments import rename

    rename(
        context.project(),
        args.git_remote,
        args.experiment,
        args.name,
        force=args.force,
        typed_in=context.here,
    )
