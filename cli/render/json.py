"""`show --json`: strict JSON, one row a line (docs/formats.md, "JSON of show").

The records are finished text already; here they are only put together.
"""

from __future__ import annotations

from itertools import islice
from typing import TextIO

from assay.engine.experiments.show import Row, Table
from assay.engine.experiments.values import encode

_TOGETHER = 1_000
_UNSAID = '"tags":[],"note":null'


def write(table: Table, out: TextIO) -> None:
    """Writes the whole table as one JSON document."""
    workspace = line(table.workspace) if table.workspace else "null"
    out.write(f'{{"schema":1,"workspace":{workspace},\n"baselines":[')
    separator = "\n"
    for group in table.groups:
        out.write(f'{separator}{line(group.baseline)[:-1]},"experiments":[\n')
        rows, between = iter(group.experiments), ""
        while lines := [line(row) for row in islice(rows, _TOGETHER)]:
            out.write(between + ",\n".join(lines))
            between = ",\n"
        out.write("\n]}" if group.experiments else "]}")
        separator = ",\n"
    out.write("\n]}\n")


def line(row: Row) -> str:
    """One row as a JSON object."""
    commit = f'"{row.commit.hex()}"' if row.commit else "null"
    said = f'"tags":{encode(row.tags)},"note":{encode(row.note)}' if row.tags or row.note else _UNSAID
    return f'{{"name":{encode(row.name)},"commit":{commit},"state":"{row.state}",{said},{row.body}'
