"""``assay-dvc stage add``."""

from __future__ import annotations

import argparse

from assay.cli.newstage import add_flags, new_stage
from assay.cli.wiring import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_flags(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Adds a stage to the dvc.yaml of this folder."""
    import os

    from assay.cli.dvc.words import tell_git
    from assay.engine.stages.add import add

    folder = context.current()
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    done = add(context.project(), new_stage(args, words), folder=folder, replace=args.force, run=args.run)
    context.report.clear()
    file = os.path.relpath(done.stage.file, folder or ".")
    address = done.stage.name if file == "dvc.yaml" else f"{file}:{done.stage.name}"
    context.say(f"Added stage '{address}' in '{file}'")
    tell_git(done.written, context, staged=done.staged)
    return 0
