"""Tables for notebooks: plain HTML that needs no style sheet, everything in it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from assay.engine.experiments.values import MISSING, text_of

if TYPE_CHECKING:
    from assay.api.comparison import Diff
    from assay.engine.experiments.compare import Change
    from assay.engine.experiments.show import Table

_ROWS = 500
"""More rows than this are not drawn; a browser would be long about them."""

_DIGITS = 5


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """An HTML table."""
    lines = ["<table>", f"<thead><tr>{_cells('th', head)}</tr></thead>", "<tbody>"]
    lines += [f"<tr>{_cells('td', row)}</tr>" for row in rows[:_ROWS]]
    lines.append("</tbody></table>")
    if len(rows) > _ROWS:
        lines.append(f"<p>and {len(rows) - _ROWS:,} more rows</p>")
    return "\n".join(lines)


def experiments(found: Table) -> str:
    """The table of `show`, baselines and workspace included."""
    from assay.engine.experiments.columns import UNREADABLE, columns
    from assay.engine.experiments.index import iso_time

    rows = found.rows()
    shown = columns([row.body for row in rows])
    cells = [[("!" if cell is UNREADABLE else cell) for cell in column.cells] for column in shown]
    body = []
    for at, row in enumerate(rows):
        created = (iso_time(row.time) or "") if row.time else ""
        name = row.name or "workspace"
        label = f"\u00a0\u00a0{name}" if row.state not in ("workspace", "baseline") else name
        body.append([label, created, *(column[at] for column in cells)])
    return table(["Experiment", "Created", *(column.title for column in shown)], body)


def difference(found: Diff) -> str:
    """What differs between two sides, section by section."""
    names = [found.old.name, found.new.name]
    parts: list[str] = []
    for title, changes in (("Metric", found.metrics), ("Param", found.params)):
        rows = [_change(key, change) for key, change in changes.items()]
        parts += _titled([title, *names, "Change", "Percent"], rows)
    parts += _titled(["Data", ""], [[change.path, change.status] for change in found.data])
    parts += _titled(["Code", ""], [[change.path, change.letter] for change in found.code])
    parts += _titled(["Package", *names], [list(change) for change in found.packages])
    return "\n".join(parts) or "<p>Nothing differs.</p>"


def _titled(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterable[str]:
    return [table(head, rows)] if rows else []


def _change(key: str, change: Change) -> list[Any]:
    percent = "" if change.percent is None else f"{change.percent:+.3g}%"
    return [key, change.old, change.new, change.change, percent]


def _cells(tag: str, values: Iterable[Any]) -> str:
    return "".join(f"<{tag}>{escape(_text(value))}</{tag}>" for value in values)


def _text(value: Any) -> str:
    if value is None or value is MISSING:
        return ""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else text_of(value)
