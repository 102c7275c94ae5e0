"""Parameters and metrics of shown rows as columns: their titles, their cells, and which of them differ."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from assay.engine.errors import UsageError
from assay.engine.experiments.index import Field, fields_of
from assay.engine.experiments.values import MISSING

TAKEN = ("Experiment", "Commit", "State", "Created", "Baseline", "Tags", "Note")
"""Titles of the columns that are no parameters; a parameter of that name is shown with its file."""

UNREADABLE: Any = object()
"""The cell of a file that has an error."""


class Column(NamedTuple):
    """One parameter or metric.

    Attributes:
        field: Which one.
        title: Its dotted key; its file and key where the key alone says too little.
        cells: One value per row; MISSING, or UNREADABLE.
        differs: Whether not all rows have the same.
    """

    field: Field
    title: str
    cells: tuple[Any, ...]
    differs: bool


def columns(bodies: Sequence[str]) -> list[Column]:
    """The columns of rows, metrics first, each kind in the order in which it is met.

    Args:
        bodies: The records' JSON texts, see `index.body_of`.
    """
    found: dict[str, dict[Field, dict[int, Any]]] = {"metrics": {}, "params": {}}
    errors: dict[str, list[int]] = {}
    for at, body in enumerate(bodies):
        members = json.loads("{" + body)
        for field, value in fields_of(members["metrics"], members["params"]):
            found[field.kind].setdefault(field, {})[at] = value
        for file in members["errors"]:
            errors.setdefault(file, []).append(at)
    cells = {**found["metrics"], **found["params"]}
    titles = _titles(cells)
    return [_column(field, titles[field], cells[field], errors.get(field.file, ()), len(bodies)) for field in cells]


def _column(field: Field, title: str, values: dict[int, Any], unreadable: Iterable[int], count: int) -> Column:
    for at in unreadable:
        values.setdefault(at, UNREADABLE)
    cells = tuple(values.get(at, MISSING) for at in range(count))
    first = cells[0] if cells else None
    differs = any(cell is not first and (type(cell) is not type(first) or cell != first) for cell in cells)
    return Column(field, title, cells, differs)


def _titles(fields: Iterable[Field]) -> dict[Field, str]:
    fields = list(fields)
    short = {field: field.key or field.file for field in fields}
    count = Counter({*((title, field.file) for field, title in short.items())})
    files = Counter(title for title, _ in count)
    return {
        field: f"{field.file}:{field.key}" if field.key and (files[title] > 1 or title in TAKEN) else title
        for field, title in short.items()
    }


def chosen(
    found: Sequence[Column], *, only_changed: bool = False, drop: Sequence[str] = (), keep: Sequence[str] = ()
) -> list[Column]:
    """The columns that remain.

    Args:
        found: All of them.
        only_changed: Leave out those that are the same in every row.
        drop: Regular expressions, matched from the start of a title; what matches goes.
        keep: As ``drop``; what matches stays in any case.

    Raises:
        UsageError: One of them is no regular expression.
    """
    dropped, kept = _pattern("--drop", drop), _pattern("--keep", keep)

    def stays(column: Column) -> bool:
        if kept and kept.match(column.title):
            return True
        return (column.differs or not only_changed) and not (dropped and dropped.match(column.title))

    return [column for column in found if stays(column)]


def _pattern(option: str, texts: Sequence[str]) -> re.Pattern[str] | None:
    if not texts:
        return None
    try:
        for text in texts:
            re.compile(text)
        return re.compile("|".join(f"(?:{text})" for text in texts))
    except re.error as error:
        raise UsageError(f"{option}: {text!r} is no regular expression: {error}.") from error
