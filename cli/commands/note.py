"""``assay note``."""

from __future__ import annotations

import argparse
import re

from assay.cli.wiring import Context

EXAMPLES = """\
  assay note bumpy-lion -m "trained on the cleaned data"
  assay note bumpy-lion                what it says
  assay note bumpy-lion --all          every text that it ever had
  assay note bumpy-lion --remove
  assay show --where "note ~ 'cleaned'"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("name", metavar="NAME", help="the experiment")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("-m", "--message", metavar="TEXT", help="what the note says from now on")
    ways.add_argument("--remove", action="store_true", help="take the note away")
    ways.add_argument("--all", action="store_true", help="print every text that it had, newest first")


def run(args: argparse.Namespace, context: Context) -> int:
    """Writes, prints or removes an experiment's note."""
    from assay.engine.errors import Refused
    from assay.engine.experiments.note import note
    from assay.engine.experiments.remark import commit_named
    from assay.engine.notes.ledger import remarks_on
    from assay.engine.notes.remarks import shown

    project = context.project()
    commit = commit_named(project, args.name)
    if args.message is not None:
        changed = note(project, commit, args.message, f"note {args.name}")
        context.report.clear()
        context.say(f"Noted on {args.name}." if changed else f"{args.name} has that note already.")
        return 0
    said = remarks_on(project, [commit])[commit]
    if args.all:
        for entry in reversed(said.notes):
            told = "(removed)" if entry.text is None else _harmless(entry.text)
            context.say(f"{_time(entry.time)} {_harmless(entry.by)}: {told}")
        return 0
    text = shown(said).note
    if args.remove:
        if text is None:
            raise Refused(f"{args.name} has no note.")
        note(project, commit, None, f"note --remove {args.name}")
        context.report.clear()
        context.say(f"Removed the note on {args.name}; `assay undo` brings it back.")
    elif text is not None:
        context.say(_harmless(text))
    return 0


def _harmless(text: str) -> str:
    """What others may have written, with its lines and tabs, and nothing else that a terminal would obey."""
    from assay.cli.render.cells import printable

    return "".join(part if part in "\n\t" else printable(part) for part in re.split("([\n\t])", text))


def _time(seconds: int) -> str:
    from assay.engine.experiments.index import iso_time

    return iso_time(seconds) or "-"
