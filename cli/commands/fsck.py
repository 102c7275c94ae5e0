"""``assay fsck``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context
from assay.engine.words import counted

if TYPE_CHECKING:
    from assay.engine.experiments.fsck import Bad, Checked

EXAMPLES = """\
  assay fsck               reads every byte of the cache and of Git's objects, and says what is damaged and whose it is
  assay fsck --repair      gets back what the trash, other copies or the workspace still have
  assay fsck --remote      reads every byte of the default remote, and says what is damaged or missing there and whose
  assay fsck --remote team --fast      names and sizes alone
  assay fsck --remote --repair         moves aside what is damaged there, and sends again what is here
"""
_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("--repair", action="store_true", help="get back what is at hand")
    parser.add_argument("--remote", nargs="?", const="", metavar="NAME", help="check a remote (the default one)")
    parser.add_argument("--fast", action="store_true", help="with --remote: names and sizes, not every byte")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")


def run(args: argparse.Namespace, context: Context) -> int:
    """Checks everything; 1 when something is wrong."""
    checked = _checked(args, context)
    context.report.clear()
    if args.json:
        import json

        bad = [
            {
                "kind": found.kind,
                "name": found.name,
                "text": found.text,
                "needed_by": [need._asdict() for need in found.needs],
                "repaired": found.is_repaired,
                "advice": found.advice,
            }
            for found in checked.bad
        ]
        context.say(json.dumps({"schema": 1, "bad": bad, "absent": checked.absent}))
        return 0 if checked.is_clean else 1
    for found in checked.bad:
        context.say(told(found))
    if checked.is_clean:
        context.say("Everything is in order." if not checked.bad else "Everything is in order now.")
    if checked.absent:
        what = counted(checked.absent, "artifact that something names is", "artifacts that something names are")
        where = "the cache; `assay pull` may have what is missing" if args.remote is None else "the remote"
        context.say(f"{what} not in {where}.")
    return 0 if checked.is_clean else 1


def _checked(args: argparse.Namespace, context: Context) -> Checked:
    if args.remote is None:
        from assay.engine.errors import UsageError
        from assay.engine.experiments.fsck import fsck

        if args.fast:
            raise UsageError("--fast goes with --remote.", "Here every byte is read.")
        return fsck(context.project(), repair=args.repair)
    from assay.remotes.repair.fsck import fsck_remote

    return fsck_remote(context.project(), args.remote or None, fast=args.fast, repair=args.repair)


def told(found: Bad) -> str:
    """One finding, with who needs it."""
    lines = [f"{found.kind} {found.name}{' (repaired)' if found.is_repaired else ''}: {found.text}"]
    shown = found.needs[:_NAMED]
    lines += [f"  needed by {need.name}" + (f": {need.path}" if need.path else "") for need in shown]
    if len(found.needs) > _NAMED:
        lines.append(f"  and {len(found.needs) - _NAMED} more")
    if found.advice:
        lines.append(f"  {found.advice}")
    return "\n".join(lines)
