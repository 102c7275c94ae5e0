"""The first column of a table: experiments as branches of their baselines."""

from __future__ import annotations

from assay.cli.render.cells import printable
from assay.engine.experiments.show import Table


def labels(table: Table) -> list[str]:
    """What each row is called, from top to bottom."""
    found = ["workspace"] if table.workspace else []
    for group in table.groups:
        found.append(printable(group.baseline.name or ""))
        last = len(group.experiments) - 1
        for at, row in enumerate(group.experiments):
            found.append(f"{'└──' if at == last else '├──'} {printable(row.name or '')}")
    return found
