"""``assay stage``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.newstage import add_flags, new_stage
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.pipeline.datafile import DataFile
    from assay.engine.pipeline.stage import Stage

TAKES_COMMAND = True  # what follows `--` is not for argparse
_WIDEST = 80  # characters of a line about a stage

EXAMPLES = """\
  assay stage add -n train -d train.py -d data -p train.lr -o model.pkl -M metrics.json python train.py
  assay stage add -f -n train -d train.py -o model.pkl python train.py --fast
  assay stage list --all
  assay stage remove train --outs
  assay undo
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="add|list|remove", required=True)
    add_flags(actions.add_parser("add", help="add a stage to the dvc.yaml of this folder"))
    listing = actions.add_parser("list", help="stages, with a line about each")
    listing.add_argument("targets", nargs="*", metavar="TARGET", help="stages and files of stages (this folder's)")
    listing.add_argument("--all", action="store_true", help="every stage and .dvc file of the project")
    listing.add_argument("-R", "--recursive", action="store_true", help="a folder means the stages below it")
    listing.add_argument("--fail", action="store_true", help="end with an error when any file cannot be understood")
    listing.add_argument("--name-only", "--names-only", action="store_true", help="just the names")
    listing.add_argument("--json", action="store_true", help="for programs")
    remove = actions.add_parser("remove", help="take stages away; `assay undo` brings them back")
    remove.add_argument("targets", nargs="+", metavar="STAGE")
    remove.add_argument("--outs", action="store_true", help="remove what they wrote too")


def run(args: argparse.Namespace, context: Context) -> int:
    """Adds, lists or removes."""
    return {"add": _add, "list": _list, "remove": _remove}[args.action](args, context)


def _add(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.targets import target_words
    from assay.engine.stages.add import add

    project = context.project()
    folder, _ = target_words(context, ())
    done = add(project, new_stage(args, _command(args)), folder=folder, replace=args.force, run=args.run)
    context.report.clear()
    context.say(f"Added stage {done.stage.name!r} to {done.stage.file}.")
    if not done.staged and len(done.written) > 1:
        context.say(f"Changed: {', '.join(done.written)}.")
    return 0


def _command(args: argparse.Namespace) -> list[str]:
    """The words of the command; a ``--`` may stand before it, and one inside it is its own."""
    if args.command is None:
        return list(args.words)
    return [*args.words, "--", *args.command] if args.words else list(args.command)


def _list(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.render import grid
    from assay.cli.render.cells import shortened
    from assay.cli.targets import target_words
    from assay.engine.events import Warned
    from assay.engine.experiments.values import encode
    from assay.engine.stages.listing import Which, listing, summary

    project = context.project()
    folder, targets = target_words(context, [*args.targets, *(args.command or ())])
    found = listing(project, Which(targets, folder, args.all, args.recursive), strict=args.fail)
    context.report.clear()
    for error in found.errors.values():
        context.report(Warned(f"{error.message} Its stages are left out."))
    owners = [found.names.stages.get(node) or found.names.data[node] for node in found.nodes]
    seen = [found.names.seen_from(node, folder) for node in found.nodes]
    if args.json:
        rows = [encode(_row(name, owner)) for name, owner in zip(seen, owners, strict=True)]
        context.out.write('{"schema":1,"stages":[\n' + ",\n".join(rows) + "\n]}\n")
    elif args.name_only:
        context.out.write("".join(f"{name}\n" for name in seen))
    elif seen:
        lines = [[name, shortened(summary(owner), _WIDEST)] for name, owner in zip(seen, owners, strict=True)]
        context.out.write("".join(f"{line}\n" for line in grid.lines(["", ""], lines)))
    return 0


def _row(name: str, owner: Stage | DataFile) -> dict[str, object]:
    from assay.engine.pipeline.stage import Stage
    from assay.engine.stages.listing import summary

    file = owner.file if isinstance(owner, Stage) else owner.path
    return {"name": name, "file": file, "frozen": owner.frozen, "description": summary(owner)}


def _remove(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.targets import target_words
    from assay.engine.stages.remove import remove
    from assay.engine.words import counted

    project = context.project()
    folder, targets = target_words(context, [*args.targets, *(args.command or ())])
    done = remove(project, targets, folder=folder, outs=args.outs)
    context.report.clear()
    what = ", ".join(done.stages) + (f" and {counted(len(done.outs), 'output')}" if done.outs else "")
    context.say(f"Removed {what}; `assay undo` brings {'it' if len(done.stages) == 1 else 'them'} back.")
    return 0
