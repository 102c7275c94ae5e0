"""``assay push``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.ports import Report
    from assay.remotes.selection import Scope

EXAMPLES = """\
  assay push                     HEAD's experiments, their data, and the current branch
  assay push bumpy-lion          one experiment
  assay push data/images         tracked data alone
  assay push -A -r backup        everything, to another remote
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments (those of HEAD), or tracked data")
    parser.add_argument("-r", "--remote", help="the remote (the default one)")
    parser.add_argument("-A", "--all", action="store_true", help="the experiments of all commits")
    parser.add_argument("--no-branch", action="store_true", help="leave the current branch at home")
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names there")


def run(args: argparse.Namespace, context: Context) -> int:
    """Publishes experiments and data; non-zero when any part of it could not be done."""
    from assay.remotes.data import push_data

    data, names = split_words(args.names, context)
    reports = []
    if data is not None:
        reports.append(push_data(context.project(), data, remote=args.remote).report)
    if names or not args.names:
        done = context.lab.push(
            names,
            remote=args.remote,
            everything=args.all,
            branch=not args.no_branch,
            force=args.force,
        )
        reports.append(done.report)
    context.report.clear()
    return max(tell(report, "Pushed", context) for report in reports)


def split_words(words: Sequence[str], context: Context) -> tuple[Scope | None, list[str]]:
    """The data that some of the words mean, None for none, and the other words, which mean experiments."""
    from assay.cli.targets import target_words
    from assay.engine.events import Note
    from assay.remotes.selection import Scope
    from assay.remotes.targets import split

    folder, targets = target_words(context, words)
    data, names = split(context.project(), targets, folder)
    for word in data:
        if context.project().repo.refs.named(word, "refs/exps/"):
            context.report(Note(f"{word} is tracked here, and that is meant; the experiment has a full ref name too."))
    return Scope(tuple(data), folder) if data else None, names


def tell(report: Report, did: str, context: Context) -> int:
    """Says what a transfer did, and returns the exit code."""
    from assay.cli.render.progress import size
    from assay.engine.words import counted

    names = _some(report.refs)
    if report.refs or report.objects or report.artifacts:
        amount = (
            f"{counted(report.objects, 'Git object')} and {counted(report.artifacts, 'artifact')}, {size(report.size)}"
        )
        context.say(f"{did} {names or 'data'}: {amount}.")
    elif not report.failed and not report.remarks:
        context.say("Everything is up to date.")
    if report.remarks:
        context.say(f"{did} tags and notes of {_some(report.remarks)}.")
    for name, why in report.failed.items():
        context.err.write(f"error: {short(name)}: {why}\n")
    return 255 if report.failed else 0


def _some(refs: Sequence[str]) -> str:
    return ", ".join(short(ref) for ref in refs[:10]) + (" ..." if len(refs) > 10 else "")


def short(ref: str) -> str:
    """A ref's name for a person: an experiment's own name, a branch without its prefix."""
    if ref.startswith("refs/exps/"):
        return ref.rpartition("/")[2]
    return ref.removeprefix("refs/heads/").removeprefix("refs/")
