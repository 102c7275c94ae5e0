"""``assay-dvc exp diff``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.dvcdiff import Changes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("a_rev", nargs="?", default="", help="an experiment or any revision (HEAD)")
    parser.add_argument("b_rev", nargs="?", default="", help="another (the workspace)")
    parser.add_argument("--all", action="store_true", help="also what is the same")
    parser.add_argument("--param-deps", action="store_true", help="only parameters that stages read")
    parser.add_argument("--json", action="store_true", help="JSON")
    parser.add_argument("--md", action="store_true", dest="markdown", help="Markdown")
    parser.add_argument("--no-path", action="store_true", help="without the column of files")
    parser.add_argument("--precision", type=int, metavar="<n>", help="significant digits of metrics (5)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Shows what differs, as DVC does."""
    from assay.engine.errors import Refused, UnknownRevision
    from assay.engine.experiments.dvcdiff import exp_diff

    try:
        found = exp_diff(context.project(), args.a_rev, args.b_rev, unchanged=args.all, stages_only=args.param_deps)
    except UnknownRevision as error:
        context.fail(Refused(f"failed to show experiments diff - {error.message}", error.hint))
        return 1
    if args.json:
        from assay.engine.experiments.dvcdata import encode

        context.out.write(encode(found) + "\n")
    elif found:
        metrics = _table(found["metrics"], "Metric", args, args.precision or 5)
        params = _table(found["params"], "Param", args, None)
        context.out.write(f"{metrics}\n{params}")
    return 0


def _table(changes: Changes, title: str, args: argparse.Namespace, digits: int | None) -> str:
    """One table as text; empty where nothing differs, but for Markdown."""
    from assay.cli.render import dvctable
    from assay.cli.render.cells import printable
    from assay.cli.render.dvccolumns import written

    def cell(value: object) -> str:
        return "-" if value is None else printable(written(value, digits))

    head = ["Path", title, args.a_rev or "HEAD", args.b_rev or "workspace", "Change"]
    rows = [
        [path, key, cell(change["old"]), cell(change["new"]), cell(change.get("diff", "diff not supported"))]
        for path, keys in changes.items()
        for key, change in sorted(keys.items())
    ]
    if args.no_path:
        head, rows = head[1:], [row[1:] for row in rows]
    if not rows and not args.markdown:
        return ""
    return "".join(line + "\n" for line in dvctable.lines(head, rows, markdown=args.markdown))
