"""Parameters and metrics of one or two sides: as a table, as Markdown, as JSON (docs/formats.md, "JSON of diff").

Old, new, the change and the change in percent stand side by side; ``-`` is what is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from assay.cli.render.cells import cell, is_number, printable
from assay.engine.experiments.compare import Change, Changes, flattened
from assay.engine.experiments.values import MISSING

_PERCENT_DIGITS = 3
_HUGE = 1e9  # percent; beyond it an exponent says more than digits


class Cells(NamedTuple):
    """A table's head, its rows, and which columns are aligned to the right."""

    head: list[str]
    rows: list[list[str]]
    right: frozenset[int]


def change_cells(
    changes: Changes, kind: str, names: tuple[str, str], *, precision: int | None = 5, path: bool = True
) -> Cells:
    """One row per change.

    Args:
        changes: What differs.
        kind: The title of the column of keys, "Metric" or "Param".
        names: What the two sides are called.
        precision: Significant digits of fractions; None for all.
        path: Whether there is a column for the file.
    """
    head = ["Path"] * path + [kind, *map(printable, names), "Change", "Percent"]
    rows = []
    for file, keys in changes.items():
        for key, change in keys.items():
            about = [printable(file), printable(key)] if path else [printable(key or file)]
            rows.append([*about, *_words(change, precision)])
    values = [(change.old, change.new) for keys in changes.values() for change in keys.values()]
    first = len(head) - 4
    right = {first + at for at in (0, 1) if any(is_number(pair[at]) for pair in values)}
    return Cells(head, rows, frozenset({*right, len(head) - 2, len(head) - 1}))


def _words(change: Change, precision: int | None) -> list[str]:
    return [cell(change.old, precision), cell(change.new, precision), difference(change, precision), percent(change)]


def difference(change: Change, precision: int | None = 5) -> str:
    """By how much a number changed, with its sign."""
    if change.change is None:
        return "-"
    text = cell(change.change, precision)
    return f"+{text}" if is_number(change.change) and change.change > 0 else text


def percent(change: Change) -> str:
    """The same in percent: three digits of it, and all of those before the point of a large one."""
    value = change.percent
    if value is None:
        return "-"
    digits = ",.0f" if 1000 <= abs(value) < _HUGE else f".{_PERCENT_DIGITS}g"
    return f"{value:+{digits}}%" if value else "0%"


def members(changes: Changes) -> dict[str, dict[str, dict[str, Any]]]:
    """The changes as JSON has them: DVC's shape, strict, with ``percent``."""
    return {file: {key: _member(change) for key, change in keys.items()} for file, keys in changes.items()}


def _member(change: Change) -> dict[str, Any]:
    found = {"old": _null(change.old), "new": _null(change.new)}
    if change.change is not None:
        found["diff"] = change.change
    if change.percent is not None:
        found["percent"] = change.percent
    return found


def _null(value: Any) -> Any:
    return None if value is MISSING else value


def value_cells(documents: Mapping[str, Any], kind: str, *, precision: int | None = 5) -> Cells:
    """One row per parameter or metric of one side."""
    rows, numbers = [], []
    for file, document in documents.items():
        for key, value in flattened(document).items():
            rows.append([printable(file), printable(key), cell(value, precision)])
            numbers.append(is_number(value))
    return Cells(["Path", kind, "Value"], rows, frozenset({2} if all(numbers) else ()))


def revision_cells(found: Sequence[tuple[str, Mapping[str, Any]]], *, precision: int | None = 5) -> Cells:
    """One row per revision, one column per parameter or metric."""
    rows = [
        {(file, key): value for file, document in documents.items() for key, value in flattened(document).items()}
        for _, documents in found
    ]
    fields = list(dict.fromkeys(field for row in rows for field in row))
    count = Counter(key for _, key in fields)
    titles = [printable(key if key and count[key] == 1 else f"{file}:{key}".rstrip(":")) for file, key in fields]
    cells = [
        [printable(name), *(cell(row.get(field, MISSING), precision) for field in fields)]
        for (name, _), row in zip(found, rows, strict=True)
    ]
    right = {at for at, field in enumerate(fields, 1) if any(is_number(row.get(field)) for row in rows)}
    return Cells(["Revision", *titles], cells, frozenset(right))
