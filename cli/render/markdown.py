"""`show --md`: a table for pull requests and notes, in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from assay.cli.render.cells import cell, moment, padded, width
from assay.cli.render.tree import labels
from assay.engine.experiments.columns import Column
from assay.engine.experiments.show import Table


def write(table: Table, columns: Sequence[Column], out: TextIO, now: int, precision: int | None = 5) -> None:
    """Writes the table.

    Args:
        table: What `show` found.
        columns: The columns, with one cell per row of the table.
        out: Where to.
        now: Seconds since 1970; times of today are shown as hours.
        precision: Significant digits of fractions; None for all.
    """
    texts = [["Experiment", *labels(table)], ["Created", *(moment(row.time, now) for row in table.rows())]]
    texts += [[column.title, *(cell(value, precision) for value in column.cells)] for column in columns]
    escaped = [[text.replace("\\", "\\\\").replace("|", "\\|") for text in texts] for texts in texts]
    widths = [max(map(width, column)) for column in escaped]
    for at, line in enumerate(zip(*escaped, strict=True)):
        cells = (padded(text, columns) for text, columns in zip(line, widths, strict=True))
        out.write(f"| {' | '.join(cells)} |\n")
        if at == 0:
            out.write(f"|{'|'.join('-' * (columns + 2) for columns in widths)}|\n")
