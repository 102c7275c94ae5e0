"""``assay-dvc exp show``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.dvc.exp_list import add_scope, wanted
from assay.cli.nocycles import nothing_collected
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.experiments.dvcshow import Base


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_scope(parser)
    parser.add_argument("-a", "--all-branches", action="store_true", help="those of the tips of all branches")
    parser.add_argument("-T", "--all-tags", action="store_true", help="those of all tags")
    parser.add_argument("--sha", action="store_true", help="ids of commits instead of names of branches and tags")
    parser.add_argument("--hide-failed", action="store_true", help="without failed experiments")
    parser.add_argument("--hide-queued", action="store_true", help="without queued experiments")
    parser.add_argument("--hide-workspace", action="store_true", help="without the workspace")
    parser.add_argument("--param-deps", action="store_true", help="only parameters that stages read")
    parser.add_argument("--sort-by", metavar="<metric/param>", help="what each commit's experiments are sorted by")
    parser.add_argument("--sort-order", choices=("asc", "desc"), default="asc", help="smallest or largest first (asc)")
    parser.add_argument("--only-changed", action="store_true", help="only columns that are not the same in every row")
    parser.add_argument("--drop", action="append", default=[], metavar="<regex>", help="hide columns; repeatable")
    parser.add_argument("--keep", action="append", default=[], metavar="<regex>", help="never hide these; repeatable")
    parser.add_argument("--precision", type=int, metavar="<n>", help="significant digits, with --csv")
    parser.add_argument("--json", action="store_true", help="JSON")
    parser.add_argument("--csv", action="store_true", help="comma-separated values")
    parser.add_argument("--md", action="store_true", dest="markdown", help="Markdown")
    parser.add_argument("--no-pager", action="store_true", help="never a page at a time")
    parser.add_argument("-f", "--force", action="store_true", help="accepted; what is shown is never out of date")
    parser.add_argument("--no-fetch", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows experiments as DVC does."""
    from assay.engine.errors import Refused, UnknownRevision
    from assay.engine.experiments.dvcshow import Hidden, exp_show

    scope = wanted(args)._replace(branches=args.all_branches, tags=args.all_tags)
    hidden = Hidden(args.hide_workspace, args.hide_queued, args.hide_failed)
    with nothing_collected():
        try:
            found = exp_show(context.project(), scope, hidden, ids_only=args.sha, stages_only=args.param_deps)
        except UnknownRevision as error:
            context.fail(Refused(f"failed to show experiments - {error.message}", error.hint))
            return 1
        if args.json:
            from assay.cli.render import dvcjson

            dvcjson.write(found, context.out)
        else:
            _write(found, args, context)
    return 0


def _write(found: Sequence[Base], args: argparse.Namespace, context: Context) -> None:
    """Writes the forms that have columns."""
    from assay.cli.render import dvccolumns
    from assay.cli.render.dvccolumns import Form, Picked, tabulated

    digits = (args.precision or None) if args.csv else 5
    form = Form(fill="" if args.csv else "-", digits=digits, iso=args.csv, now=context.world.clock.now()[0])
    table = tabulated(found, form, args.sort_by, descending=args.sort_order == "desc")
    picked = Picked(tuple(args.keep), tuple(args.drop), only_changed=args.only_changed)
    shown = dvccolumns.chosen(table, picked, is_tree=not args.csv)
    if args.csv:
        context.out.write(dvccolumns.csv(shown))
        return
    text = dvccolumns.markdown(shown) if args.markdown else dvccolumns.lines(shown)
    context.write_paged(text, whole=args.no_pager or args.markdown)
