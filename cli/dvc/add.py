"""``assay-dvc add``."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.data.add import Added

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("targets", nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument("--no-commit", action="store_true", help="write the .dvc file, but put nothing into the cache")
    parser.add_argument("--glob", action="store_true", help="expand wildcards in the paths")
    parser.add_argument("-o", "--out", metavar="PATH", help="copy the data to this path and track it there")
    parser.add_argument("--to-remote", action="store_true", help="send the data to a remote, past the cache")
    parser.add_argument("-r", "--remote", metavar="NAME", help="with --to-remote: which one")
    parser.add_argument(
        "--remote-jobs", type=int, metavar="NUMBER", help="with --to-remote: how many transfers at once"
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace what is at --out")
    parser.add_argument("--no-relink", action="store_true", help="do not replace files by links into the cache")


def run(args: argparse.Namespace, context: Context) -> int:
    """Tracks data."""
    from assay.cli.dvc.words import tell_git
    from assay.engine.data.add import How, add, add_copy
    from assay.engine.errors import UsageError

    _check(args)
    project = context.project()
    how = How("", not args.no_commit, not args.no_relink)
    if args.to_remote:
        added = _to_remote(args, context)
    elif args.out is None:
        added = add(project, [context.relative(path) for path in args.targets], how, glob=args.glob)
    else:
        if len(args.targets) != 1 or args.glob:
            raise UsageError("--out takes one path, without --glob.")
        source = os.path.normpath(os.path.join(context.here, args.targets[0]))
        added = add_copy(project, source, context.relative(_out(args, context)), how, force=args.force)
    context.report.clear()
    tell_git({*added.data_files, *added.written}, context, staged=added.staged)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raises UsageError for flags that do not go together."""
    from assay.engine.errors import UsageError

    if not args.to_remote:
        for flag, value in (("--remote", args.remote), ("--remote-jobs", args.remote_jobs)):
            if value is not None:
                raise UsageError(f"{flag} can't be used without --to-remote.")
        return
    if len(args.targets) != 1:
        raise UsageError("Multiple targets can't be used with --to-remote.")
    for flag, given in (("--no-commit", args.no_commit), ("--glob", args.glob)):
        if given:
            raise UsageError(f"{flag} option can't be used with --to-remote.")
    if args.remote_jobs is not None and args.remote_jobs < 1:
        raise UsageError(f"--remote-jobs takes a number from 1 upwards, not {args.remote_jobs}.")


def _out(args: argparse.Namespace, context: Context) -> str:
    """The path that the data is to have: --out, or in it when that is a folder; else where it is, or its name, here."""
    name, out = os.path.basename(os.path.normpath(args.targets[0])), str(args.out or "")
    if out and not out.endswith("/") and not os.path.isdir(os.path.join(context.here, out)):
        return out
    return os.path.join(out, name)


def _to_remote(args: argparse.Namespace, context: Context) -> Added:
    from assay.engine.errors import AssayError, ConfigError
    from assay.remotes.straight import add_to_remote

    source: str = args.targets[0]
    if "://" not in source:
        source = os.path.normpath(os.path.join(context.here, source))
    out = source if args.out is None and _is_inside(source, context) else _out(args, context)
    try:
        return add_to_remote(
            context.project(), source, context.relative(out), remote=args.remote, jobs=args.remote_jobs
        )
    except ConfigError as error:  # the exit code that DVC has for the rest of what goes wrong here
        raise AssayError(error.message, error.hint) from error


def _is_inside(source: str, context: Context) -> bool:
    """Whether a path, or a URL, is one of the project's."""
    return "://" not in source and os.path.realpath(source).startswith(context.project().root + "/")
