"""A head and rows of text as aligned lines or as Markdown: what every comparison is written with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from assay.cli.render.cells import padded, shortened, width

_GAP = "  "
_NARROWEST = 8
"""Columns of the screen below which no cell is shortened."""


def lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = (), screen: int | None = None
) -> list[str]:
    """The table as lines of text.

    Args:
        head: The titles; all empty for a table without any.
        rows: The cells, as many in each row as there are titles.
        right: Positions of columns that are aligned to the right.
        screen: Columns of the screen; wide cells are shortened to fit. None for any width.
    """
    written = [list(head), *map(list, rows)] if any(head) else [list(row) for row in rows]
    widths = _fitting([max(map(width, column)) for column in zip(*written, strict=True)], screen)
    found = []
    for row in written:
        cells = [
            padded(shortened(text, columns), columns, right=at in right)
            for at, (text, columns) in enumerate(zip(row, widths, strict=True))
        ]
        found.append(_GAP.join(cells).rstrip())
    return found


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The table in GitHub's Markdown."""
    written = [[text.replace("\\", "\\\\").replace("|", "\\|") for text in row] for row in [head, *rows]]
    widths = [max(map(width, column)) for column in zip(*written, strict=True)]
    found = [f"| {' | '.join(map(padded, row, widths))} |" for row in written]
    return [found[0], f"|{'|'.join('-' * (columns + 2) for columns in widths)}|", *found[1:]]


def _fitting(widths: Sequence[int], screen: int | None) -> list[int]:
    """The widths, the widest ones made smaller until all fit."""
    found = list(widths)
    room = (screen or 0) - len(_GAP) * (len(found) - 1)
    while screen is not None and sum(found) > room and max(found) > _NARROWEST:
        widest = max(found)
        at = found.index(widest)
        next_widest = max([_NARROWEST, *(columns for columns in found if columns < widest)])
        found[at] = max(next_widest, widest - (sum(found) - room))
    return found
