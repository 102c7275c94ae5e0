"""``assay tag``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context
from assay.engine.words import first_of

if TYPE_CHECKING:
    from assay.engine.model import Oid

EXAMPLES = """\
  assay tag bumpy-lion best v2           put tags on an experiment
  assay tag -d bumpy-lion best           take one off
  assay tag bumpy-lion                   the tags that it has
  assay tag                              every tag, and the experiments that have it
  assay tag --where "acc > 0.9" good     tag what `assay show --where` shows
  assay show --where "tag = 'best'"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the experiment; with --where there is none")
    parser.add_argument("tags", nargs="*", metavar="TAG", help="its tags")
    parser.add_argument("-d", "--delete", action="store_true", help="take the tags off")
    parser.add_argument("--where", default="", metavar="QUERY", help="every experiment for which this is true")
    parser.add_argument("-A", "--all-commits", action="store_true", help="with --where: of the whole repository")


def run(args: argparse.Namespace, context: Context) -> int:
    """Puts tags on experiments, takes them off, or lists them."""
    from assay.engine.errors import UsageError
    from assay.engine.experiments.remark import commit_named
    from assay.engine.experiments.tag import tag

    words = [args.name, *args.tags] if args.name is not None else []
    if args.all_commits and not args.where:
        raise UsageError("-A says where --where looks, and there is no --where.", "`assay tag --help` has examples.")
    if args.where:
        targets, tags = _matching(args, context), words
    elif words:
        targets, tags = {words[0]: commit_named(context.project(), words[0])}, words[1:]
    elif not args.delete:
        return _list(context)
    else:
        targets, tags = {}, []
    if not tags:
        if args.where or args.delete:
            raise UsageError("Say which tags.", "`assay tag --help` has examples.")
        return _list_one(context, targets[words[0]])
    changed = tag(context.project(), targets.values(), tags, on=not args.delete, what=_told(args, words))
    context.report.clear()
    _say(context, args, tags, list(targets), changed)
    return 0


def _matching(args: argparse.Namespace, context: Context) -> dict[str, Oid]:
    from assay.engine.experiments.chosen import Which, chosen

    return chosen(context.project(), Which(where=args.where, everything=args.all_commits))


def _list_one(context: Context, commit: Oid) -> int:
    from assay.engine.notes.ledger import remarks_on
    from assay.engine.notes.remarks import shown

    for name in shown(remarks_on(context.project(), [commit])[commit]).tags:
        context.say(name)
    return 0


def _list(context: Context) -> int:
    from assay.engine.experiments.chosen import every
    from assay.engine.notes.ledger import all_shown

    project = context.project()
    names: dict[Oid, list[str]] = {}
    for refname, commit in every(project).items():
        names.setdefault(commit, []).append(refname.rpartition("/")[2])
    found: dict[str, list[str]] = {}
    for commit, now in all_shown(project).items():
        for name in now.tags:
            found.setdefault(name, []).extend(names.get(commit, [commit.hex()[:7]]))
    for name in sorted(found):
        context.say(f"{name}: {first_of(sorted(found[name]))}")
    return 0


def _told(args: argparse.Namespace, words: list[str]) -> str:
    """The command for the list of what can be undone."""
    where = [f"--where {args.where!r}"] if args.where else []
    return " ".join(["tag", *(["-d"] if args.delete else []), *where, *words])


def _say(context: Context, args: argparse.Namespace, tags: list[str], names: list[str], changed: int) -> None:
    who = first_of(name.rpartition("/")[2] for name in names)
    if not names:
        context.say("There is no such experiment.")
    elif not changed:
        context.say(f"Nothing to change: {who} had {', '.join(tags)} already.")
    elif args.delete:
        context.say(f"Took {', '.join(tags)} off {who}; `assay undo` puts {'it' if len(tags) == 1 else 'them'} back.")
    else:
        context.say(f"Tagged {who}: {', '.join(tags)}.")
