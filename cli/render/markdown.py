"""`show --md`: a table for pull requests and notes, in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from assay.cli.render import grid
from assay.cli.render.cells import cell, moment
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
    if any(row.tags for row in table.rows()):
        texts.append(["Tags", *(" ".join(row.tags) for row in table.rows())])
    texts += [[column.title, *(cell(value, precision) for value in column.cells)] for column in columns]
    rows = list(zip(*texts, strict=True))
    out.write("".join(line + "\n" for line in grid.markdown(rows[0], rows[1:])))
