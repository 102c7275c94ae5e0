"""``assay-dvc import-url``."""

from __future__ import annotations

import argparse
from typing import Any

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_jobs, add_settings

    parser.add_argument("url", metavar="URL", help="a URL, remote://NAME/PATH, or a path")
    parser.add_argument("out", nargs="?", metavar="PATH", help="where the data goes (here, under its own name)")
    parser.add_argument("--to-remote", action="store_true", help="send the data to a remote, past the cache")
    parser.add_argument("-r", "--remote", metavar="<name>", help="with --to-remote: which one")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--no-exec", action="store_true", help="write the .dvc file and ask nobody anything")
    only.add_argument("--no-download", action="store_true", help="note what the source says, and bring nothing")
    add_jobs(parser)
    parser.add_argument("-f", "--force", action="store_true", help="replace what is there")
    parser.add_argument("--version-aware", action="store_true", help="know the data by the versions that S3 keeps")
    add_settings(parser, "--fs-config", "settings of the URL, as a remote has them")


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings data from a URL and tracks it."""
    from assay.cli.dvc.elsewhere import as_failure, destination, telling
    from assay.cli.dvc.words import tell_git
    from assay.remotes.imports.importing import How, Part, import_to_remote, import_url

    _check(args)
    source, project = args.url, context.project()
    out = context.relative(destination(source, args.out, context, force=args.force))
    settings = _settings(args, context)
    part: Part = "none" if args.no_exec else "said" if args.no_download else "all"
    how = How(part, args.force, settings, args.jobs, telling(context))
    with as_failure():
        if args.to_remote:
            done = import_to_remote(project, source, out, how, folder=context.here, remote=args.remote)
        else:
            done = import_url(project, source, out, how, folder=context.here)
    context.report.clear()
    tell_git(done.written, context, staged=done.staged)
    return 0


def _check(args: argparse.Namespace) -> None:
    from assay.cli.dvc.elsewhere import check_numbers
    from assay.engine.errors import UsageError

    check_numbers(args)
    if args.to_remote and (args.no_exec or args.no_download or args.version_aware):
        raise UsageError("--no-exec/--no-download/--version-aware cannot be combined with --to-remote")
    if args.remote is not None and not args.to_remote:
        raise UsageError("--remote can't be used without --to-remote")


def _settings(args: argparse.Namespace, context: Context) -> dict[str, Any]:
    """What the .dvc file says of the way to its source."""
    from assay.cli.dvc.elsewhere import warn_of_secrets

    settings = dict(args.fs_config or {})
    warn_of_secrets(context, "--fs-config", settings)
    return {**settings, "version_aware": True} if args.version_aware else settings
