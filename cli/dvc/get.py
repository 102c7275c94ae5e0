"""``assay-dvc get``."""

from __future__ import annotations

import argparse
import os

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_repository

    add_repository(parser, "a file or folder in it")
    parser.add_argument("-o", "--out", nargs="?", metavar="<path>", help="where it goes (here, under its own name)")
    parser.add_argument("--show-url", action="store_true", help="only say where the remote has the data")
    parser.add_argument("-f", "--force", action="store_true", help="replace what is there")


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings a file or folder of a Git repository, and tracks nothing."""
    from assay.cli.dvc.elsewhere import as_failure, check_numbers, destination, repository_said
    from assay.engine.errors import UsageError
    from assay.remotes.imports.repositories import get, scratch

    check_numbers(args)
    origin = repository_said(args, context)
    if args.show_url:
        return _show_url(args, context)
    target = destination(args.path, args.out, context, force=args.force)
    if target.endswith(".dvc"):
        raise UsageError("the given path is a DVC file, you must specify a data file or a directory")
    with as_failure(), scratch(_nearest(target), context.world, context.report) as project:
        get(project, origin, target, args.jobs)
    context.report.clear()
    return 0


def _nearest(target: str) -> str:
    """The nearest folder above a path that is there."""
    above = os.path.dirname(target)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    return above


def _show_url(args: argparse.Namespace, context: Context) -> int:
    from assay.cli.dvc.elsewhere import repository_said, temporary
    from assay.engine.errors import AssayError, ConfigError
    from assay.remotes.imports.repositories import scratch, url_of

    try:
        with scratch(temporary(context), context.world, context.report) as project:
            context.say(url_of(project, repository_said(args, context)))
    except ConfigError:
        raise
    except AssayError as error:  # the code that DVC has for this alone
        context.fail(error)
        return 255
    return 0
