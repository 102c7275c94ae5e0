"""``assay metrics show`` and ``assay metrics diff``; what ``assay params`` has in common with them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.targets import add_extent
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assay.cli.render.changes import Cells
    from assay.engine.experiments.metrics import Compared, Shown
    from assay.engine.experiments.sides import Documents, Extent

EXAMPLES = """\
  assay metrics show                      those of the workspace
  assay metrics show --rev main --rev bumpy-lion
  assay metrics diff                      HEAD and the workspace
  assay metrics diff bumpy-lion shy-fox   two experiments
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="show|diff", required=True)
    show = actions.add_parser("show", help="the metrics of the workspace, or of revisions")
    add_show(show)
    show.add_argument("-R", "--recursive", action="store_true", help="files in folders below too (always so)")
    show.add_argument("--precision", type=int, metavar="DIGITS", help="significant digits (5)")
    diff = actions.add_parser("diff", help="the metrics that differ between two revisions")
    add_diff(diff)
    diff.add_argument("-R", "--recursive", action="store_true", help="files in folders below too (always so)")
    diff.add_argument("--precision", type=int, metavar="DIGITS", help="significant digits (5)")


def add_show(parser: argparse.ArgumentParser) -> None:
    """Declares what `show` takes."""
    add_extent(parser)
    parser.add_argument("--rev", action="append", default=[], metavar="REV", help="at this revision; repeatable")
    add_forms(parser)


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Declares what `diff` takes."""
    add_sides(parser)
    parser.add_argument("--targets", nargs="+", default=[], metavar="PATH", help="only these files")
    parser.add_argument("--all", action="store_true", help="also what is the same")
    parser.add_argument("--no-path", action="store_true", help="leave out the column of files")
    add_forms(parser)


def add_sides(parser: argparse.ArgumentParser) -> None:
    """Declares the two sides of a comparison."""
    parser.add_argument("old", nargs="?", default="HEAD", metavar="A", help="an experiment or any revision (HEAD)")
    parser.add_argument("new", nargs="?", default="workspace", metavar="B", help="another (workspace)")


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Declares the forms of the result."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="strict JSON, see docs/formats.md")
    forms.add_argument("--md", action="store_true", help="Markdown")


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows or compares metrics."""
    from assay.engine.experiments.metrics import diff_metrics, show_metrics

    precision = digits(args)
    targets = [context.relative(path) for path in args.targets]
    if args.action == "show":
        found = show_metrics(context.project(), extent(args), targets)
        return write_shown(found, "metrics", args, context, precision)
    compared = diff_metrics(context.project(), args.old, args.new, targets, unchanged=args.all)
    return write_compared(compared, "metrics", args, context, precision)


def digits(args: argparse.Namespace) -> int:
    """The number of significant digits. Raises UsageError."""
    from assay.engine.errors import UsageError

    if args.precision is not None and not 1 <= args.precision <= 17:
        raise UsageError("--precision takes a number from 1 to 17.")
    return args.precision or 5


def extent(args: argparse.Namespace) -> Extent:
    """The revisions that `show` was asked for."""
    from assay.engine.experiments.sides import Extent

    return Extent(tuple(args.rev), args.all_branches, args.all_tags, args.all_commits)


def write_shown(
    found: Sequence[Shown], kind: str, args: argparse.Namespace, context: Context, precision: int = 5
) -> int:
    """Writes the metrics or parameters of revisions, and returns the exit code."""
    if args.json:
        from assay.engine.experiments.values import encode

        rows = [_member(shown, kind) for shown in found]
        context.out.write(encode({"schema": 1, "revisions": rows}) + "\n")
    else:
        from assay.cli.render.changes import revision_cells, value_cells

        if len(found) == 1:
            cells = value_cells(found[0].documents.found, kind.title().rstrip("s"), precision=precision)
        else:
            cells = revision_cells([(shown.name, shown.documents.found) for shown in found], precision=precision)
        write_cells(cells, context, markdown=args.md)
    return tell_errors(((shown.name, shown.documents) for shown in found), context)


def _member(shown: Shown, kind: str) -> dict[str, object]:
    commit = shown.commit.hex() if shown.commit else None
    return {"name": shown.name, "commit": commit, kind: shown.documents.found, "errors": shown.documents.errors}


def write_compared(
    compared: Compared, kind: str, args: argparse.Namespace, context: Context, precision: int = 5
) -> int:
    """Writes what differs between two sides, and returns the exit code."""
    from assay.cli.render.changes import change_cells, members

    if args.json:
        from assay.engine.experiments.values import encode

        context.out.write(encode(members(compared.changes)) + "\n")
    elif compared.changes:
        names = (compared.old, compared.new)
        title = kind.title().rstrip("s")
        cells = change_cells(compared.changes, title, names, precision=precision, path=not args.no_path)
        write_cells(cells, context, markdown=args.md)
    both = (compared.old, compared.old_documents), (compared.new, compared.new_documents)
    return tell_errors(both, context)


def write_cells(cells: Cells, context: Context, *, markdown: bool) -> None:
    """Writes a table, if it has rows."""
    from assay.cli.render import grid

    if not cells.rows:
        return
    if markdown:
        lines = grid.markdown(cells.head, cells.rows)
    else:
        screen = context.screen[0] if context.is_terminal else None
        lines = grid.lines(cells.head, cells.rows, right=cells.right, screen=screen)
    context.out.write("".join(line + "\n" for line in lines))


def tell_errors(found: Iterable[tuple[str, Documents]], context: Context) -> int:
    """Names what cannot be read on stderr, and returns the exit code: 1 when there is something."""
    from assay.engine.events import Warned

    code = 0
    for name, documents in found:
        for text in dict.fromkeys(documents.errors.values()):  # a file that dvc.yaml needs is told once
            context.report(Warned(f"{name}: {text}"))
            code = 1
    return code
