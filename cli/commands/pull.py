"""``assay pull``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay pull                     HEAD's experiments and the workspace's data
  assay pull bumpy-lion
  assay pull data/images         tracked data alone
  assay pull -A -r backup        everything, from another remote
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments (those of HEAD), or tracked data")
    parser.add_argument("-r", "--remote", help="the remote (the default one)")
    parser.add_argument("-A", "--all", action="store_true", help="the experiments of all commits")
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names here")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches experiments and data; non-zero when any part of it could not be done."""
    return transfer(args, context, checkout=True)


def transfer(args: argparse.Namespace, context: Context, *, checkout: bool) -> int:
    """Fetches, and with ``checkout`` brings data into the workspace."""
    from assay.cli.commands.push import split_words, tell
    from assay.remotes.data import fetch_data, pull_data

    project = context.project()
    data, names = split_words(args.names, context)
    reports = []
    if data is not None and checkout:
        fetched, done = pull_data(project, data, remote=args.remote, force=args.force)
        reports.append(fetched.report._replace(failed={**done.missing, **fetched.failed}))
    elif data is not None:
        reports.append(fetch_data(project, data, remote=args.remote).report)
    if names or not args.names:
        pulled = context.lab.pull(names, remote=args.remote, everything=args.all, force=args.force, checkout=checkout)
        reports.append(pulled.report)
    context.report.clear()
    return max(tell(report, "Pulled" if checkout else "Fetched", context) for report in reports)
