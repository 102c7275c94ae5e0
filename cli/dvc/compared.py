"""What `metrics` and `params` share: values and changes in DVC's shape, as JSON, text or Markdown."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from assay.cli.dvc.words import spelled
from assay.cli.wiring import Context

if TYPE_CHECKING:
    from assay.engine.experiments.metrics import Compared
    from assay.engine.experiments.sides import Documents

DIGITS = 5


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Declares what both `diff` verbs take."""
    parser.add_argument("a_rev", nargs="?", default="HEAD", metavar="A", help="a revision (HEAD)")
    parser.add_argument("b_rev", nargs="?", default="workspace", metavar="B", help="another (workspace)")
    parser.add_argument("--targets", nargs="*", default=[], metavar="PATH", help="only these files")
    parser.add_argument("--all", action="store_true", help="also what is the same")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--md", action="store_true", help="as Markdown")
    parser.add_argument("--no-path", action="store_true", help="leave out the column of files")


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Declares what both `metrics` verbs take."""
    parser.add_argument("-R", "--recursive", action="store_true", help="files in folders below too (always so)")
    parser.add_argument("--precision", type=int, metavar="N", help=f"digits after the point ({DIGITS})")


def native(value: Any) -> Any:
    """A value of a record as Python has it: the words for numbers that JSON lacks become those numbers."""
    from assay.engine.experiments.values import SPECIAL

    if isinstance(value, dict):
        return {key: native(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [native(inner) for inner in value]
    return SPECIAL.get(value, value) if isinstance(value, str) else value


def text_of(value: Any, precision: int | None) -> str:
    """One cell: a fraction is rounded to so many digits after the point."""
    if value is None:
        return "-"
    return str(round(value, precision) if isinstance(value, float) and precision else value)


def write_diff(found: Compared, title: str, args: argparse.Namespace, context: Context, *, changes: bool) -> int:
    """Writes what differs between two sides, and returns the exit code.

    Args:
        found: What differs.
        title: The title of the column of keys.
        args: What was typed.
        context: The command's context.
        changes: Whether there is a column of differences, and fractions are rounded.
    """
    from assay.engine.experiments.values import MISSING

    members: dict[str, dict[str, dict[str, Any]]] = {}
    for file, keys in found.changes.items():
        rows = members.setdefault(spelled(file, context), {})
        for key, change in keys.items():
            old, new = (None if side is MISSING else native(side) for side in (change.old, change.new))
            if old is None and new is None and not args.all:
                continue  # a key that is new and null looks in DVC's shape as if nothing had changed
            rows[key] = {"old": old, "new": new}
            if change.change is not None:
                rows[key]["diff"] = native(change.change)
    if args.json:
        context.say(json.dumps(members))
    else:
        _write_changes(members, title, args, context, changes=changes)
    return tell_unreadable([(found.old, found.old_documents), (found.new, found.new_documents)], context)


def _write_changes(
    members: Mapping[str, Mapping[str, Mapping[str, Any]]],
    title: str,
    args: argparse.Namespace,
    context: Context,
    *,
    changes: bool,
) -> None:
    precision = (args.precision or DIGITS) if changes else None
    head = ["Path"] * (not args.no_path) + [title, args.a_rev, args.b_rev] + ["Change"] * changes
    rows = [
        [file] * (not args.no_path)
        + [key, *(text_of(change.get(side), precision) for side in ("old", "new", "diff")[: 2 + changes])]
        for file, keys in members.items()
        for key, change in sorted(keys.items())
    ]
    write_table(head, rows, context, markdown=args.md)


def is_without_commits(args: argparse.Namespace, context: Context) -> bool:
    """Whether there is nothing to compare with, and that was said: no commit at all is no mistake in DVC."""
    if context.project().repo.head() is not None:
        return False
    if args.json:
        context.say("{}")
    return True


def write_table(head: list[str], rows: list[list[str]], context: Context, *, markdown: bool) -> None:
    """Writes a table; without rows only its Markdown, as in DVC."""
    from assay.cli.render import dvctable

    if rows or markdown:
        context.out.write("".join(f"{line}\n" for line in dvctable.lines(head, rows, markdown=markdown)))


def tell_unreadable(found: Iterable[tuple[str, Documents]], context: Context) -> int:
    """Names what cannot be read on stderr, and returns the exit code: 1 where that is a file of the workspace.

    What a commit says wrongly, and what was never fetched, must not stop a script that DVC would let go on.
    """
    from assay.engine.events import Warned
    from assay.engine.experiments.sides import WORKSPACE

    code = 0
    for name, documents in found:
        for text in dict.fromkeys(documents.errors.values()):
            context.report(Warned(f"{name}: {text}"))
        if name == WORKSPACE and any(os.path.exists(context.project().path(path)) for path in documents.errors):
            code = 1
    return code
