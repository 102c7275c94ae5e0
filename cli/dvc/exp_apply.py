"""``assay-dvc exp apply``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiment", help="an experiment's name, or any revision")
    parser.add_argument("--no-force", action="store_true", help="without effect, as in DVC")


def run(args: argparse.Namespace, context: Context) -> int:
    """Makes the workspace what an experiment was, its whole tree; what goes, `assay undo` gives back."""
    from assay.engine.errors import AssayError, UnknownRevision
    from assay.engine.experiments.apply import apply
    from assay.engine.experiments.dvctasks import waiting

    project = context.project()
    try:
        apply(project, args.experiment, whole=True)
    except UnknownRevision as error:
        commit = waiting(project, args.experiment)
        if commit is None:
            reason = f"'{args.experiment}' does not appear to be an experiment commit.: {error.message}"
            raise AssayError(reason, error.hint) from error
        apply(project, commit.hex(), whole=True)
    context.report.clear()
    context.say(f"Changes for experiment '{args.experiment}' have been applied to your current workspace.")
    return 0
