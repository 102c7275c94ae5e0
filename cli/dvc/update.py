"""``assay-dvc update``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

FAILURE_CODE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    from assay.cli.dvc.elsewhere import add_jobs

    parser.add_argument("targets", nargs="+", metavar="TARGET", help=".dvc files of imports, or their data")
    parser.add_argument("--rev", nargs="?", metavar="<commit>", help="the revision that is followed from now on")
    parser.add_argument("-R", "--recursive", action="store_true", help="every import below a folder")
    parser.add_argument("--no-download", action="store_true", help="note what the source says, and bring nothing")
    parser.add_argument("--to-remote", action="store_true", help="send the data to a remote, past the cache")
    parser.add_argument("-r", "--remote", metavar="<name>", help="with --to-remote: which one")
    add_jobs(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    """Brings imports up to date."""
    from assay.cli.dvc.elsewhere import as_failure, check_numbers, telling
    from assay.cli.dvc.words import spelled
    from assay.cli.targets import target_words
    from assay.engine.errors import UsageError
    from assay.engine.events import Warned
    from assay.remotes.imports.importing import Part
    from assay.remotes.imports.updating import How, Straight, update

    check_numbers(args)
    if args.to_remote and args.no_download:
        raise UsageError("--to-remote can't be used with --no-download")
    if args.remote is not None and not args.to_remote:
        raise UsageError("--remote can't be used without --to-remote")
    folder, targets = target_words(context, args.targets)
    straight = Straight(args.remote) if args.to_remote else None
    part: Part = "said" if args.no_download else "all"
    how = How(folder, args.recursive, args.rev or "", part, straight, args.jobs, telling(context))
    project = context.project()
    with as_failure():
        done = update(project, targets, how)
    context.report.clear()
    for path in done.same:
        context.say(f"'{spelled(path, context)}' didn't change, skipping")
    for path in done.others:
        text = f"Could not update '{spelled(path, context)}', it was never pushed to a remote that keeps versions"
        context.report(Warned(f"{text}."))
    return 0
