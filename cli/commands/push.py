"""``assay push``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli import sharing
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.remotes.selection import Scope

EXAMPLES = """\
  assay push                     HEAD's experiments, their data, and the current branch
  assay push bumpy-lion          one experiment
  assay push --where "acc > 0.9" those of HEAD's that are good enough
  assay push --rev main -n 3     those of a commit and of the two before it
  assay push data/images         tracked data alone
  assay push -A -r backup        everything, to another remote
  assay push --dry               what would go, in numbers
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    sharing.add_arguments(parser, "push")
    parser.add_argument(
        "--branch",
        action=argparse.BooleanOptionalAction,
        help="the current branch too, or not (where nothing is chosen)",
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names there")


def run(args: argparse.Namespace, context: Context) -> int:
    """Publishes experiments and data; non-zero when any part of it could not be done."""
    from assay.remotes.choose import is_own_choice
    from assay.remotes.push import push_chosen

    how = sharing.how_of(args)
    data, names = sharing.split_words(args, context)
    if args.dry:
        return _rehearse(args, data, names, context)
    project, reports = context.project(), []
    if data is not None:
        from assay.remotes.data import push_data  # a tenth of what a push imports, and most are about experiments

        sent = push_data(project, data, remote=how.remote, jobs=how.jobs, run_cache=how.run_cache)
        reports.append((sent.report, False))
    if names or data is None:
        which = sharing.which_of(args, names)
        pushed = push_chosen(project, which, how, branch=args.branch)
        reports.append((pushed.report, is_own_choice(which)))
    context.report.clear()
    return max(sharing.tell(report, "Pushed", context, chosen=chosen) for report, chosen in reports)


def _rehearse(args: argparse.Namespace, data: Scope | None, names: Sequence[str], context: Context) -> int:
    """Says what would be sent."""
    from assay.remotes import rehearsal
    from assay.remotes.choose import is_own_choice

    how, project = sharing.how_of(args), context.project()
    forecasts = [(rehearsal.push_data(project, data, how), False)] if data is not None else []
    if names or data is None:
        which = sharing.which_of(args, names)
        forecasts.append((rehearsal.push(project, which, how, branch=args.branch), is_own_choice(which)))
    context.report.clear()
    return max(sharing.tell_forecast(one, "push", context, chosen=chosen) for one, chosen in forecasts)
