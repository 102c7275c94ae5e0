"""``assay show``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.nocycles import nothing_collected
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.engine.experiments.columns import Column
    from assay.engine.experiments.show import Table

EXAMPLES = """\
  assay show                                    the experiments of the current commit
  assay show --sort-by acc --top 10             the ten best
  assay show --where "acc > 0.9 and train.lr < 0.01"
  assay show main v1.0 --only-changed           those of other commits, what tells them apart
  assay show -A --json                          everything, for a program
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_scope(parser)
    parser.add_argument("revisions", nargs="*", metavar="REV", help="whose experiments (HEAD)")
    parser.add_argument("-a", "--all-branches", action="store_true", help="those of every branch's tip too")
    parser.add_argument("-T", "--all-tags", action="store_true", help="those of every tag too")
    rows = parser.add_argument_group("which rows")
    rows.add_argument("--where", default="", metavar="QUERY", help="only experiments for which this is true")
    rows.add_argument("--sort-by", default="", metavar="NAME", help="what to sort by (newest first)")
    rows.add_argument("--sort-order", choices=("asc", "desc"), help="smallest or largest first (asc; desc with --top)")
    rows.add_argument("--top", type=int, metavar="N", help="only the first N over all commits shown")
    rows.add_argument("--hide-queued", action="store_true", help="leave out what is queued")
    rows.add_argument("--hide-failed", action="store_true", help="leave out what failed")
    rows.add_argument("--hide-workspace", action="store_true", help="leave out the workspace")
    columns = parser.add_argument_group("which columns")
    columns.add_argument("--only-changed", action="store_true", help="only those that are not the same in every row")
    columns.add_argument("--drop", action="append", default=[], metavar="REGEX", help="hide columns; repeatable")
    columns.add_argument("--keep", action="append", default=[], metavar="REGEX", help="show in any case; repeatable")
    columns.add_argument("--wide", action="store_true", help="all of them, wider than the screen or not")
    columns.add_argument("--precision", type=int, metavar="DIGITS", help="significant digits (5; in --csv all)")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="strict JSON, see docs/formats.md")
    forms.add_argument("--csv", action="store_true", help="comma-separated values")
    forms.add_argument("--md", action="store_true", help="Markdown")
    parser.add_argument("--no-pager", action="store_true", help="never a page at a time")


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that say whose experiments are meant; `assay list` has them too."""
    parser.add_argument("-A", "--all-commits", action="store_true", help="every experiment of the repository")
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="whose experiments; repeatable")
    parser.add_argument("-n", "--num", type=int, default=1, metavar="N", help="so many commits back (1; negative: all)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows experiments side by side."""
    from assay.engine.errors import UsageError

    if args.top is not None and args.top < 1:
        raise UsageError("--top takes a number from 1 upwards.")
    if args.precision is not None and not 1 <= args.precision <= 17:
        raise UsageError("--precision takes a number from 1 to 17.")
    with nothing_collected():
        found = context.lab.show(
            args.where,
            sort_by=args.sort_by,
            descending=None if args.sort_order is None else args.sort_order == "desc",
            top=args.top,
            rev=(*args.revisions, *args.rev),
            num=args.num,
            all=args.all_commits,
            branches=args.all_branches,
            tags=args.all_tags,
            workspace=not args.hide_workspace,
            hidden=[state for state in ("queued", "failed") if getattr(args, f"hide_{state}")],
        )
        table = found.table
        if args.json:
            from assay.cli.render import json

            json.write(table, context.out)
        else:
            _write(table, args, context)
    return 0


def _write(table: Table, args: argparse.Namespace, context: Context) -> None:
    """Writes the forms that have columns."""
    from assay.engine.events import Warned
    from assay.engine.experiments.columns import chosen, columns

    found = columns([row.body for row in table.rows()])
    found = chosen(found, only_changed=args.only_changed, drop=args.drop, keep=args.keep)
    now, _ = context.world.clock.now()
    precision = args.precision or 5
    if args.csv:
        from assay.cli.render import csv

        csv.write(table, found, context.out, args.precision)
    elif args.md:
        from assay.cli.render import markdown

        markdown.write(table, found, context.out, now, precision)
    else:
        _write_table(table, found, args, context, now)
        return
    from assay.cli.render.table import explanations

    for line in explanations(table.rows()):
        context.report(Warned(line))


def _write_table(table: Table, found: Sequence[Column], args: argparse.Namespace, context: Context, now: int) -> None:
    """Writes the form for people, fitted to a terminal and a page at a time where it is longer than the screen."""
    from assay.cli.render.table import Style, lines
    from assay.engine.experiments.columns import chosen

    kept = chosen(found, drop=[".*"], keep=args.keep) if args.keep else []
    pinned = frozenset([args.sort_by, *(column.title for column in kept)])
    screen = context.screen[0] if context.is_terminal and not args.wide else None
    written = lines(table, found, Style(now, screen, context.colour, args.precision or 5, pinned))
    context.write_paged("".join(line + "\n" for line in written), whole=args.no_pager)
