"""``assay-dvc commit``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="data, .dvc files or stages (everything)")
    parser.add_argument("-f", "--force", action="store_true", help="also where a stage's command or inputs changed")
    parser.add_argument("-d", "--with-deps", action="store_true", help="also what the targets need")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means everything tracked below it")
    parser.add_argument("--no-relink", action="store_true", help="do not replace files by links (never done)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Records data and outputs as they are."""
    from assay.cli.render.stages import StageLines
    from assay.cli.targets import target_words
    from assay.engine.data.commit import How, commit
    from assay.engine.events import Warned

    lines = StageLines(context.out, context.report)
    context.report = lines  # before the project is opened, which then reports to it
    lines.folder = context.current()
    folder, targets = target_words(context, args.targets)
    how = How(folder, args.force, context.ask if context.can_ask else None, args.recursive, args.with_deps)
    done = commit(context.project(), targets, how)
    context.report.clear()
    for name in done.left:
        context.report(Warned(f"{name} is not all here; its record stays as it was."))
    return 0
