"""``assay rename``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay rename bumpy-lion deep-forest
  assay rename -f bumpy-lion best      even if there is a "best" of the same commit
  assay undo                           gives the old name back
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("old", metavar="OLD", help="the experiment's name")
    parser.add_argument("new", metavar="NEW", help="the name it will have")
    parser.add_argument("-f", "--force", action="store_true", help="replace an experiment of that name")


def run(args: argparse.Namespace, context: Context) -> int:
    """Gives the experiment another name; says how it gets it where it was pushed, too."""
    from shlex import join

    from assay.engine.events import Note

    renamed = context.lab.rename(args.old, args.new, force=args.force)
    context.report.clear()
    old = args.old.rpartition("/")[2]
    context.say(f"Renamed {old} to {renamed.name}; `assay undo` takes it back.")
    config = context.project().config
    if config.named("remote") or config.get("exp", "git_remote"):
        push, remove = join(["assay", "push", renamed.name]), join(["assay", "remove", "--remote", old])
        context.out.flush()
        context.report(Note(f"Where it was pushed it is called {old} as before; `{push}` and `{remove}` change that."))
    return 0
