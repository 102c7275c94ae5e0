"""What push, fetch and pull share: the arguments by which data is chosen, and what is told in the end."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.remotes.selection import Scope

FAILURE_CODE = 1


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that say which data is meant, and through which remote it goes."""
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="tracked paths, .dvc files, stages (everything)")
    parser.add_argument("-j", "--jobs", type=int, metavar="<number>", help="so many transfers at once")
    parser.add_argument("-r", "--remote", metavar="<name>", help="the remote (the default one)")
    parser.add_argument("-a", "--all-branches", action="store_true", help="also of the tips of all branches")
    parser.add_argument("-T", "--all-tags", action="store_true", help="also of all tags")
    parser.add_argument("-A", "--all-commits", action="store_true", help="also of all commits")
    parser.add_argument("-d", "--with-deps", action="store_true", help="also what the targets need")
    parser.add_argument("-R", "--recursive", action="store_true", help="a folder means everything tracked below it")
    parser.add_argument(
        "--run-cache", action=argparse.BooleanOptionalAction, default=False, help="also what stages did before"
    )
    parser.add_argument("--glob", action="store_true", help="targets are patterns")


def scope_of(args: argparse.Namespace, context: Context) -> Scope:
    """Which data is meant. Raises UsageError."""
    from assay.cli.targets import target_words
    from assay.remotes.selection import Scope

    folder, targets = target_words(context, args.targets)
    return Scope(
        tuple(targets), folder, args.recursive, args.with_deps, args.glob,
        branches=args.all_branches, tags=args.all_tags, commits=args.all_commits,
    )  # fmt: skip


def tell(context: Context, counts: Iterable[tuple[int, str]], failed: Mapping[str, str]) -> int:
    """Says in DVC's words what a transfer did, and by name what is left; returns the exit code.

    Args:
        context: Where to say it.
        counts: Numbers of files, and what became of them.
        failed: What is left, with a sentence each.
    """
    context.report.clear()
    parts = [f"{number} file{'s' if number > 1 else ''} {word}" for number, word in counts if number]
    if parts:
        context.say(" and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts))
    elif not failed:
        context.say("Everything is up to date.")
    context.out.flush()
    for name, why in failed.items():
        context.err.write(f"ERROR: {name}: {why}\n")
    return FAILURE_CODE if failed else 0
