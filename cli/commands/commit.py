"""``assay commit``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay commit             record all data and outputs as they are now
  assay commit data        edited data
  assay commit -f train    outputs of a stage, although its command changed
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="data, .dvc files or stages (everything)")
    parser.add_argument("-f", "--force", action="store_true", help="also where a stage's command or inputs changed")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means everything tracked below it")
    parser.add_argument("-d", "--with-deps", action="store_true", help="also what the targets need")


def run(args: argparse.Namespace, context: Context) -> int:
    """Records the present state."""
    from assay.cli.commands.add import tell_written
    from assay.cli.targets import target_words
    from assay.engine.data.commit import How, commit
    from assay.engine.events import Warned
    from assay.engine.words import counted

    folder, targets = target_words(context, args.targets)
    ask = context.ask if context.can_ask else None
    how = How(folder, args.force, ask, args.recursive, args.with_deps)
    done = commit(context.project(), targets, how)
    context.report.clear()
    for name in done.left:
        context.report(Warned(f"{name} is not all here; its record stays as it was."))
    files = counted(len(done.written), "file")
    context.say(f"Recorded in {files}." if done.written else "Everything was recorded already.")
    tell_written(context, done.written, staged=done.staged)
    return 0
