"""`show` for people: aligned columns, the ones that tell experiments apart when not all fit on the screen.

Nothing is hidden silently: the footer says how many columns are not shown, and why a value reads ``!``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assay.cli.render.cells import cell, is_number, moment, padded, printable, shortened, width
from assay.cli.render.tree import labels
from assay.engine.experiments.columns import Column
from assay.engine.experiments.index import Field
from assay.engine.experiments.show import Row, Table

_GAP = "  "
_WIDEST = 40
"""Columns of the screen that one cell may take."""

_ERRORS_SHOWN = 10
_BOLD, _METRIC, _PARAM, _RED, _PLAIN = "\x1b[1m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[31m", "\x1b[0m"


class Style(NamedTuple):
    """How the table is written.

    Attributes:
        now: Seconds since 1970; times of today are shown as hours.
        screen: Columns of the screen; None where every column is wanted.
        colour: Whether escape sequences may be used.
        precision: Significant digits of fractions; None for all.
        pinned: Titles of columns that come first when not all fit: what was sorted by or asked for.
    """

    now: int
    screen: int | None = None
    colour: bool = False
    precision: int | None = 5
    pinned: frozenset[str] = frozenset()


class _Block(NamedTuple):
    """A column as text: its head, its cells, their width, how they are aligned and coloured."""

    head: str
    cells: tuple[str, ...]
    columns: int
    right: bool = False
    colour: str = _BOLD

    def padded_head(self) -> str:
        return padded(self.head, self.columns, right=self.right)

    def padded_cell(self, at: int) -> str:
        return padded(self.cells[at], self.columns, right=self.right)


def lines(table: Table, columns: Sequence[Column], style: Style) -> list[str]:
    """The table and its footer, line by line.

    Args:
        table: What `show` found.
        columns: The columns, with one cell per row of the table.
        style: How.
    """
    rows = table.rows()
    failed = [_errors(row) for row in rows]
    names = [f"{label} !" if errors else label for label, errors in zip(labels(table), failed, strict=True)]
    fixed = [
        _block("Experiment", names, _BOLD, widest=None),
        _block("Created", [moment(row.time, style.now) for row in rows], _BOLD),
    ]
    if any(row.state not in ("success", "baseline", "workspace") for row in rows):
        fixed.append(_block("State", [row.state for row in rows], _BOLD))
    if any(row.tags for row in rows):
        fixed.append(_block("Tags", [printable(" ".join(row.tags)) for row in rows], _BOLD))
    shown = _fitting(columns, sum(block.columns + len(_GAP) for block in fixed), style)
    blocks = fixed + [_value_block(column, style) for column in shown]
    head = _GAP.join(_coloured(block.padded_head(), block.colour, style) for block in blocks)
    found = [head.rstrip()]
    for at, row in enumerate(rows):
        text = _GAP.join(block.padded_cell(at) for block in blocks).rstrip()
        found.append(_coloured(text, _BOLD if row.state == "baseline" else "", style))
    return found + _hidden(columns, shown) + [_coloured(line, _RED, style) for line in _explained(rows, failed)]


def _block(
    head: str, cells: Sequence[str], colour: str, *, right: bool = False, widest: int | None = _WIDEST
) -> _Block:
    if widest:
        head, cells = shortened(head, widest), [shortened(text, widest) for text in cells]
    return _Block(head, tuple(cells), max(map(width, [head, *cells])), right, colour)


def _value_block(column: Column, style: Style) -> _Block:
    cells = [cell(value, style.precision) for value in column.cells]
    right = any(map(is_number, column.cells))
    return _block(printable(column.title), cells, _METRIC if column.field.kind == "metrics" else _PARAM, right=right)


def _fitting(columns: Sequence[Column], used: int, style: Style) -> list[Column]:
    """All columns when they fit; else those that differ; else as many of these as fit, pinned ones first."""
    if style.screen is None:
        return list(columns)
    room = style.screen - used
    widths = {column.field: _value_block(column, style).columns + len(_GAP) for column in columns}
    differing = [column for column in columns if column.differs or column.title in style.pinned]
    for candidates in (columns, differing):
        if sum(widths[column.field] for column in candidates) - len(_GAP) <= room:
            return list(candidates)
    chosen: set[Field] = set()
    for column in sorted(differing, key=lambda column: column.title not in style.pinned):
        room -= widths[column.field]
        if room < -len(_GAP) and chosen:
            break
        chosen.add(column.field)
    return [column for column in differing if column.field in chosen]


def _hidden(columns: Sequence[Column], shown: Sequence[Column]) -> list[str]:
    count = len(columns) - len(shown)
    if not count:
        return []
    same = sum(not column.differs for column in columns if column not in shown)
    why = f" ({same} the same in every row)" if 0 < same < count else ", all the same in every row" if same else ""
    plural = "s" if count > 1 else ""
    return ["", f"{count} column{plural} not shown{why}: `--wide` shows everything, `--keep REGEX` what you name."]


def _errors(row: Row) -> dict[str, str]:
    """Why files of a row are not shown; parsed only where there is something."""
    if row.body.endswith('"errors":{}}'):
        return {}
    errors: dict[str, str] = json.loads("{" + row.body)["errors"]
    return errors


def _explained(rows: Sequence[Row], failed: Sequence[dict[str, str]]) -> list[str]:
    found = list(explanations(rows, failed))
    more = len(found) - _ERRORS_SHOWN
    lines = [f"! {line}" for line in found[:_ERRORS_SHOWN]]
    if more > 0:
        lines.append(f"! and {more} more; `assay show --json` has them all.")
    return ["", *lines] if lines else []


def explanations(rows: Sequence[Row], failed: Sequence[dict[str, str]] | None = None) -> Iterator[str]:
    """One sentence per file that is not shown, with the name of its row."""
    for row, errors in zip(rows, failed or [_errors(row) for row in rows], strict=True):
        for text in dict.fromkeys(errors.values()):  # a file that dvc.yaml needs is told once
            yield f"{printable(row.name or 'workspace')}: {printable(text)}"


def _coloured(text: str, colour: str, style: Style) -> str:
    return f"{colour}{text}{_PLAIN}" if colour and style.colour and text else text
