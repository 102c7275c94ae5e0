"""``assay-dvc exp branch``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", help="an experiment's name, ref or commit")
    parser.add_argument("branch", nargs="?", help="the branch's name (EXPERIMENT-branch)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes a branch of an experiment; a commit that is none is refused, where DVC takes any experiment of it."""
    from assay.engine.errors import NameTaken, Refused
    from assay.engine.experiments.branch import branch
    from assay.engine.experiments.chosen import meant

    project = context.project()
    refname, _ = meant(project, args.experiment)
    name = args.branch or f"{refname.rpartition('/')[2]}-branch"
    try:
        branch(project, refname, name)
    except NameTaken as error:
        raise Refused(f"Git branch '{name}' already exists.", error.hint) from error
    context.report.clear()
    context.say(f"Git branch '{name}' has been created from experiment '{refname.rpartition('/')[2]}'.")
    context.say(f"To switch to the new branch run:\n\n\tgit checkout {name}")
    return 0
