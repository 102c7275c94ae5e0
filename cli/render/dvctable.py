"""Tables as DVC prints them: every column to the left, as wide as its head and two blanks more."""

from __future__ import annotations

from collections.abc import Sequence

from assay.cli.render.cells import padded, width

_BESIDE_HEAD = 2
"""Blanks by which a column is wider than its head, at least."""


def lines(head: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool = False) -> list[str]:
    """The table line by line.

    Args:
        head: The titles; none for a table without any.
        rows: The cells.
        markdown: In GitHub's Markdown; an empty line follows then.
    """
    cells = [[cell.strip() for cell in row] for row in rows]
    columns = len(head) or max(map(len, cells), default=0)
    widths = [
        max([*(width(title) + _BESIDE_HEAD for title in head[at : at + 1]), *(width(row[at]) for row in cells)])
        for at in range(columns)
    ]
    written = [list(head), *cells] if head else cells
    if not markdown:
        return ["  ".join(map(padded, row, widths)).rstrip() for row in written]
    found = [f"| {' | '.join(map(padded, row, widths))} |" for row in written]
    rule = f"|{'|'.join('-' * (columns + 2) for columns in widths)}|"
    return [*(found[:1] if head else []), rule, *found[1 if head else 0 :], ""]
