"""``assay pull``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli import sharing
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.remotes.selection import Scope

EXAMPLES = """\
  assay pull                     HEAD's experiments and the workspace's data
  assay pull bumpy-lion
  assay pull --where "acc > 0.9" those of HEAD's that are good enough, as the remote has them
  assay pull --rev main          those of a commit
  assay pull --ff                the same, and the current branch goes on to where it is there
  assay pull --merge             and where both sides went on, they are joined in a new commit
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
    if verb == "pull":
        parser.add_argument(
            "--ff", action="store_true", help="first move the current branch on, and the workspace along"
        )
        parser.add_argument(
            "--merge", action="store_true", help="the same; and if it has gone another way, join it with the one there"
        )
    parser.add_argument("-f", "--force", action="store_true", help="replace other experiments of the same names here")


def run(args: argparse.Namespace, context: Context) -> int:
    """Fetches experiments and data; non-zero when any part of it could not be done."""
    return transfer(args, context, checkout=True)


def transfer(args: argparse.Namespace, context: Context, *, checkout: bool) -> int:
    """Fetches, and with ``checkout`` brings data into the workspace."""
    from assay.remotes.choose import is_own_choice
    from assay.remotes.data import fetch_data, pull_data
    from assay.remotes.pull import pull_chosen

    how = sharing.how_of(args)
    data, names = sharing.split_words(args, context)
    if args.dry:
        return _rehearse(args, data, names, "pull" if checkout else "fetch", context)
    project, reports = context.project(), []
    if data is not None and checkout:
        fetched, done = pull_data(
            project, data, remote=how.remote, jobs=how.jobs, run_cache=how.run_cache, force=how.force
        )
        reports.append((fetched.report._replace(failed={**done.missing, **fetched.failed}), False, False))
    elif data is not None:
        fetched = fetch_data(project, data, remote=how.remote, jobs=how.jobs, run_cache=how.run_cache)
        reports.append((fetched.report, False, False))
    if names or data is None:
        which = sharing.which_of(args, names)
        pulled = pull_chosen(
            project, which, how, branch=args.branch, checkout=checkout, **_moving(args, checkout=checkout)
        )
        reports.append((pulled.report, is_own_choice(which), pulled.is_behind))
    context.report.clear()
    did = "Pulled" if checkout else "Fetched"
    return max(
        sharing.tell(report, did, context, chosen=chosen, is_behind=is_behind) for report, chosen, is_behind in reports
    )


def _moving(args: argparse.Namespace, *, checkout: bool) -> dict[str, bool]:
    """What becomes of the current branch."""
    return {"ff": args.ff, "merge": args.merge} if checkout else {}


def _rehearse(args: argparse.Namespace, data: Scope | None, names: Sequence[str], verb: str, context: Context) -> int:
    """Says what would be fetched."""
    from assay.remotes import rehearsal
    from assay.remotes.choose import is_own_choice

    how, project = sharing.how_of(args), context.project()
    forecasts = [(rehearsal.fetch_data(project, data, how), False)] if data is not None else []
    if names or data is None:
        which = sharing.which_of(args, names)
        forecasts.append((rehearsal.pull(project, which, how, branch=args.branch), is_own_choice(which)))
    context.report.clear()
    return max(sharing.tell_forecast(one, verb, context, chosen=chosen) for one, chosen in forecasts)
