"""``assay-dvc check-ignore``."""

from __future__ import annotations

import argparse
import os
import sys

from assay.cli.wiring import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="*", metavar="PATH", help="files and folders, there or not")
    parser.add_argument("-d", "--details", action="store_true", help="the line that decides, and where it stands")
    parser.add_argument("-a", "--all", action="store_true", help="with -d: every line that matches")
    parser.add_argument("-n", "--non-matching", action="store_true", help="with -d: paths that no line matches too")
    parser.add_argument("--stdin", action="store_true", help="read paths from the standard input, line by line")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tells which paths .dvcignore files ignore; the exit code is 1 when it is none of them."""
    from assay.engine.errors import UsageError

    if bool(args.targets) == args.stdin:
        raise UsageError("check-ignore needs paths, or --stdin, and not both.")
    for name, given in (("--non-matching", args.non_matching), ("--all", args.all)):
        if given and not args.details:
            raise UsageError(f"{name} needs --details.")
    if args.quiet and args.details:
        raise UsageError("--details and --quiet exclude each other.")
    words = (line.rstrip("\n") for line in sys.stdin) if args.stdin else iter(args.targets)
    found = [_tell(word, args, context) for word in iter(lambda: next(words, ""), "")]
    return 0 if any(found) else 1


def _tell(word: str, args: argparse.Namespace, context: Context) -> bool:
    """Writes what there is to say of one path, and returns whether a line speaks about it."""
    from assay.engine.data.ignored import explain

    full = os.path.join(context.here, word)
    found = explain(context.project(), context.relative(word), is_dir=os.path.isdir(full))
    if not args.details:
        if found.ignored:
            context.say(word)
        return found.ignored
    texts = [f"{line.file}:{line.number}:{line.text}" if line.file else f":{line.text}" for line in found.lines]
    if not texts and args.non_matching:
        texts = ["::"]
    for text in texts if args.all else texts[-1:]:
        context.say(f"{text}\t{word}")
    return bool(found.lines)
