"""`show --csv`: every row and column, for other programs; full precision, UTC, nothing shortened."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any, TextIO

from assay.engine.experiments.columns import UNREADABLE, Column
from assay.engine.experiments.index import iso_time
from assay.engine.experiments.show import Row, Table
from assay.engine.experiments.values import MISSING, text_of

FIXED = ("Experiment", "Commit", "State", "Created", "Baseline")


def write(table: Table, columns: Sequence[Column], out: TextIO, precision: int | None = None) -> None:
    """Writes a header and one line per row; a value that is missing or cannot be read is empty.

    There are columns for tags and notes when any row has one.

    Args:
        table: What `show` found.
        columns: The columns, with one cell per row of the table.
        out: Where to.
        precision: Significant digits of fractions; None for all.
    """
    writer = csv.writer(out, lineterminator="\n")
    said = _said(table.rows())
    writer.writerow([*FIXED, *(cells[0] for cells in said), *(column.title for column in columns)])
    lines = [_fixed(row, "") for row in ([table.workspace] if table.workspace else [])]
    for group in table.groups:
        lines.append(_fixed(group.baseline, ""))
        lines += [_fixed(row, group.baseline.name or "") for row in group.experiments]
    for at, fixed in enumerate(lines):
        told = (cells[at + 1] for cells in said)
        writer.writerow([*fixed, *told, *(_cell(column.cells[at], precision) for column in columns)])


def _said(rows: Sequence[Row]) -> list[list[str]]:
    """The columns of what people said, each with its title."""
    found = [["Tags", *(" ".join(row.tags) for row in rows)], ["Note", *(row.note or "" for row in rows)]]
    return [column for column in found if any(column[1:])]


def _fixed(row: Row, baseline: str) -> list[str]:
    created = iso_time(row.time) if row.time else None
    return [row.name or "workspace", row.commit.hex() if row.commit else "", row.state, created or "", baseline]


def _cell(value: Any, precision: int | None) -> str:
    if value is MISSING or value is UNREADABLE:
        return ""
    if type(value) is float and precision is not None:
        return f"{value:.{precision}g}"
    return text_of(value)
