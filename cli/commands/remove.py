"""``assay remove``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context
from assay.engine.words import counted, first_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.experiments.chosen import Which

EXAMPLES = """\
  assay remove bumpy-lion shiny-frog
  assay remove --where "acc < 0.5"     those of the current commit that `assay show --where` shows
  assay remove --rev main -n 3         those of a commit and of the two before it
  assay remove -A                      all of them
  assay remove --keep --where "tag = 'best'"
                                       every other one, whatever its commit
  assay remove --remote bumpy-lion     take it from the remote; it stays here, and how to push it again is said
  assay undo                           brings them back
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="names of experiments")
    parser.add_argument("-A", "--all-commits", action="store_true", help="every experiment of the repository")
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="those of this commit; repeatable")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="N", help="so many commits back (1; negative: all)")
    parser.add_argument("--where", default="", metavar="QUERY", help="only those for which this is true")
    parser.add_argument("--keep", action="store_true", help="remove every experiment of the repository except these")
    parser.add_argument("--dry", action="store_true", help="tell what would go")
    parser.add_argument("--remote", action="store_true", help="remove them from the remote instead; those here stay")
    parser.add_argument("-r", dest="where_from", metavar="REMOTE", help="which remote (the default one)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Takes experiments away."""
    from assay.engine.events import Note
    from assay.engine.experiments.chosen import Which
    from assay.engine.experiments.remove import doomed, remove

    project = context.project()
    which = Which(args.experiments, args.rev, args.num, args.all_commits, args.where)
    if args.remote or args.where_from is not None:
        return _elsewhere(args, which, context)
    refs = doomed(project, which, keep=args.keep)
    if args.dry:
        context.report.clear()
        for refname in refs:
            context.say(f"would remove {_labelled(refname)}")
        return 0
    if args.keep and refs:
        baselines = len({refname[:51] for refname in refs})
        context.report(Note(f"--keep removes {counted(len(refs), 'experiment')} of {counted(baselines, 'commit')}."))
    remove(project, refs, _told(args))
    context.report.clear()
    if not refs:
        context.say("There are no experiments to remove.")
        return 0
    names = first_of(name.rpartition("/")[2] for name in refs)
    context.say(f"Removed {names}; `assay undo` brings {'it' if len(refs) == 1 else 'them'} back.")
    return 0


def _elsewhere(args: argparse.Namespace, which: Which, context: Context) -> int:
    """Takes experiments from a remote; non-zero when some are left."""
    from assay.remotes.removal import doomed, remove, ways_back

    done = (doomed if args.dry else remove)(context.project(), which, args.where_from, keep=args.keep)
    context.report.clear()
    if args.dry:
        for refname in done.refs:
            context.say(f"would remove {_labelled(refname)} from {done.remote}")
    elif done.refs:
        names = first_of(f"{_leaf(name)} ({oid.hex()[:7]})" for name, oid in done.refs.items())
        words, gone = ways_back(context.project(), done)
        context.say(f"Removed {names} from {done.remote}{_way_back(words, len(done.refs))}.")
        if gone:
            context.say(
                f"Not here: {first_of(map(_leaf, gone))}. Whoever has {_them(gone)} can push {_them(gone)} again."
            )
    elif not done.failed:
        context.say(f"There are no experiments to remove on {done.remote}.")
    context.out.flush()
    for name, why in done.failed.items():
        context.err.write(f"error: {_leaf(name)}: {why}\n")
    return 255 if done.failed else 0


def _way_back(words: Sequence[str], count: int) -> str:
    """How a sentence goes on that says what is gone."""
    if not words:
        return ""
    from shlex import join

    return f"; `{join(words)}` brings {'it' if count == 1 else 'what is here'} back"


def _them(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _leaf(refname: str) -> str:
    return refname.rpartition("/")[2]


def _labelled(refname: str) -> str:
    return f"{refname[10:12]}{refname[13:18]} {refname[52:]}"


def _told(args: argparse.Namespace) -> str:
    """The command for the list of what can be undone."""
    words = ["remove", first_of(args.experiments, separator=" ")] if args.experiments else ["remove"]
    words += ["-A"] if args.all_commits else []
    words += [f"--rev {rev}" for rev in args.rev]
    words += [f"-n {args.num}"] if args.num != 1 else []
    words += [f"--where {args.where!r}"] if args.where else []
    return " ".join([*words, "--keep"] if args.keep else words)
