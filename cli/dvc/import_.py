"""``assay-dvc import``; the module's name has an underscore, as Python keeps the word for itself."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_repository

    add_repository(parser, "a file or folder in it")
    parser.add_argument("-o", "--out", nargs="?", metavar="<path>", help="where the data goes (here, under its name)")
    parser.add_argument("-f", "--force", action="store_true", help="replace what is there")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--no-exec", action="store_true", help="write the .dvc file and ask nobody anything")
    only.add_argument("--no-download", action="store_true", help="note the commit, and bring nothing")


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings data from another Git repository and tracks it."""
    from assay.cli.dvc.elsewhere import (
        as_failure,
        check_numbers,
        destination,
        repository_said,
        telling,
        warn_of_secrets,
    )
    from assay.cli.dvc.words import tell_git
    from assay.engine.errors import UsageError
    from assay.remotes.imports.importing import How, Part, import_path

    check_numbers(args)
    if args.path.endswith(".dvc"):
        raise UsageError(f"{args.path} says what is tracked and is no data.", "Name the data itself.")
    origin = repository_said(args, context)._replace(url=args.url)
    origin = origin._replace(config=args.config) if isinstance(origin.config, str) else origin
    warn_of_secrets(context, "--remote-config", args.remote_config or {})
    if ":" in args.url.partition("://")[2].partition("/")[0].rpartition("@")[0]:
        warn_of_secrets(context, "The URL's", {"password": ""})
    project = context.project()
    out = context.relative(destination(args.path, args.out, context, force=args.force))
    part: Part = "none" if args.no_exec else "said" if args.no_download else "all"
    how = How(part, args.force, {}, args.jobs, telling(context))
    with as_failure():
        done = import_path(project, origin, out, how, folder=context.here)
    context.report.clear()
    tell_git(done.written, context, staged=done.staged)
    return 0
