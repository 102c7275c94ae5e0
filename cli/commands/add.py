"""``assay add``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from assay.cli.wiring import Context
from assay.engine.words import counted

if TYPE_CHECKING:
    from assay.engine.data.add import Added

EXAMPLES = """\
  assay add data                       track a folder
  assay add images labels.csv          several things at once
  assay add data/new.png               one more file of a folder that is tracked
  assay add --glob 'raw/*.csv'
  assay add /mnt/archive/set1 -o data  copy it into the project and track it there
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="PATH", help="files and folders to track")
    parser.add_argument("--glob", action="store_true", help="expand wildcards in the paths")
    parser.add_argument("-o", "--out", metavar="PATH", help="copy the data to this path and track it there")
    parser.add_argument("--file", metavar="FILE", help="the .dvc file to write (the path and .dvc)")
    parser.add_argument("-f", "--force", action="store_true", help="replace what is at --out")
    parser.add_argument("--no-commit", action="store_true", help="write the .dvc file, but put nothing into the cache")
    parser.add_argument("--no-relink", action="store_true", help="do not replace files by links into the cache")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tracks data."""
    from assay.engine.data.add import How, add, add_copy
    from assay.engine.errors import UsageError

    project = context.project()
    how = How(context.relative(args.file) if args.file else "", not args.no_commit, not args.no_relink)
    if args.out is None:
        if args.force:
            raise UsageError("-f replaces what is at --out, and there is no --out.")
        added = add(project, [context.relative(path) for path in args.targets], how, glob=args.glob)
    else:
        if len(args.targets) != 1 or args.glob:
            raise UsageError("--out takes one path.", "Add them one by one.")
        source = os.path.normpath(os.path.join(context.here, args.targets[0]))
        out = os.path.join(args.out, os.path.basename(source)) if args.out.endswith("/") else args.out
        added = add_copy(project, source, context.relative(out), how, force=args.force)
    context.report.clear()
    _tell(context, added, kept=how.keep)
    return 0


def _tell(context: Context, added: Added, *, kept: bool) -> None:
    for path, artifact in added.artifacts.items():
        files = counted(1 if artifact.nfiles is None else artifact.nfiles, "file")
        context.say(
            f"{path}: {files}, {counted(artifact.size or 0, 'byte')}" + ("" if kept else ", not in the cache yet") + "."
        )
    tell_written(context, added.written, staged=added.staged)


def tell_written(context: Context, written: Iterable[str], *, staged: bool = False) -> None:
    """Tells on stderr which small files changed and belong into a commit."""
    from assay.engine.events import Note

    names = ", ".join(written)
    if names and context.project().has_git:
        what = "in the index" if staged else 'commit with `assay baseline -m "..."` or Git'
        context.report(Note(f"Changed: {names} ({what})."))
