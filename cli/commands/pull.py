"""``assay pull``."""

from __future__ import annotations

import argparse

from assay.cli import sharing
from assay.cli.wiring import Context

EXAMPLES = """\
  assay pull                     HEAD's experiments and the workspace's data
  assay pull bumpy-lion
  assay pull --where "acc > 0.9" those of HEAD's that are good enough, as the remote has them
  assay pull --rev main          those of a commit
  assay pull data/images         tracked data alone
  assay pull -A -r backup        everything, from another remote
  assay pull --dry               what would come, in numbers
"""


def add_arguments(parser: argparse.ArgumentParser, verb: str = "pull") -> None:
    """Declares the arguments, of fetch too."""
    sharing.add_arguments(parser, verb)
    parser.add_argument(
        "--branch", action=argparse.BooleanOptionalAction, help="look at branches too, or not (if nothing is chosen)"
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names here")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches experiments and data; non-zero when any part of it could not be done."""
    return transfer(args, context, checkout=True)


def transfer(args: argparse.Namespace, context: Context, *, checkout: bool) -> int:
    """Fetches, and with ``checkout`` brings data into the workspace."""
    from assay.remotes.data import fetch_data, pull_data
    from assay.remotes.pull import pull_chosen

    how = sharing.how_of(args)
    data, names = sharing.split_words(args, context)
    project, reports = context.project(), []
    if data is not None and checkout:
        fetched, done = pull_data(
            project, data, remote=how.remote, jobs=how.jobs, run_cache=how.run_cache, force=how.force
        )
        reports.append(fetched.report._replace(failed={**done.missing, **fetched.failed}))
    elif data is not None:
        reports.append(fetch_data(project, data, remote=how.remote, jobs=how.jobs, run_cache=how.run_cache).report)
    if names or not args.names:
        which = sharing.which_of(args, names)
        reports.append(pull_chosen(project, which, how, branch=args.branch, checkout=checkout).report)
    context.report.clear()
    return max(sharing.tell(report, "Pulled" if checkout else "Fetched", context) for report in reports)
