"""The table for pull requests."""

from __future__ import annotations

import io

from assay.cli.render import markdown
from assay.engine.experiments.columns import columns
from tests.unit.cli.render.conftest import NOW


def test_cells_are_padded_and_bars_are_escaped(table):
    out = io.StringIO()
    markdown.write(table, columns([row.body for row in table.rows()]), out, NOW)
    assert (
        out.getvalue()
        == """\
| Experiment     | Created    | acc     | note | train.lr | opt     | layers | aug  |
|----------------|------------|---------|------|----------|---------|--------|------|
| workspace      | -          | 0.5     | same | 0.1      | -       | -      | -    |
| main           | 2023-11-13 | 0.5     | same | 0.1      | -       | -      | -    |
| ├── brave-lynx | 22:12      | 0.12346 | same | 1e-05    | adam\\|w | [1, 2] | -    |
| └── calm-wolf  | 2022-10-10 | NaN     | same | null     | -       | -      | true |
| v1             | 2023-11-13 | !       | !    | -        | -       | -      | -    |
"""
    )
