"""``assay baseline``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context
from assay.engine.words import counted

EXAMPLES = """\
  assay baseline -m "first"
  assay baseline -m "the better forest" --from bumpy-lion
  assay baseline -m "only the code" src/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="what to commit (all that changed)")
    parser.add_argument("-m", "--message", required=True, help="the commit's message")
    parser.add_argument("--from", dest="experiment", metavar="EXP", help="commit an experiment's files instead")


def run(args: argparse.Namespace, context: Context) -> int:
    """Commits to the current branch."""
    from assay.engine.experiments.baseline import baseline

    paths = [context.relative(path) for path in args.paths]
    done = baseline(context.project(), args.message, paths=paths, experiment=args.experiment)
    context.report.clear()
    branch = done.ref.removeprefix("refs/heads/")
    context.say(f"{branch} is now {done.commit.hex()[:7]}: {counted(done.files, 'file')} committed.")
    return 0
