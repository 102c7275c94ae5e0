"""Which rows to show and in which order: ``--where``, ``--sort-by``, ``--top``.

Names are looked up among the rows at hand: a key that none of them has is an error (but not where there are no rows),
and so is one that they have in several files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from assay.engine.errors import UsageError
from assay.engine.experiments.index import Field, iso_time
from assay.engine.experiments.records import Records
from assay.engine.experiments.values import MISSING, comparable
from assay.engine.model import Oid

FIELDS = ("name", "state", "author", "created", "baseline")


class Candidate(NamedTuple):
    """An experiment that may be shown; ``number`` is that of its record, ``group`` the position of its baseline."""

    name: str
    commit: Oid
    number: int
    time: int
    group: int
    baseline: str
    state: str = "success"


@dataclass(frozen=True, slots=True)
class Selection:
    """What was asked for.

    Attributes:
        where: The text of a query; empty for all.
        sort_by: The name to sort by; empty for the time of the commit.
        descending: Largest or newest first; None for what fits: True for times and with ``top``, else False.
        top: How many to keep over all baselines; None for all.
    """

    where: str = ""
    sort_by: str = ""
    descending: bool | None = None
    top: int | None = None


def select(candidates: Sequence[Candidate], selection: Selection, records: Records) -> list[Candidate]:
    """The wanted rows in their order.

    Raises:
        UsageError: The query is none, or names something that no row has or that several files have.
    """
    names = _Names(candidates, records)
    rows = sorted(candidates, key=lambda row: (row.time, row.commit), reverse=True)
    if selection.where:
        from assay.engine.experiments import query

        wanted = query.parse(selection.where)
        values = {name.text: names.getter(name.text, "--where") for name in query.names(wanted)}
        rows = [row for row in rows if query.matches(wanted, partial(_value, values, row))]
    if selection.sort_by:
        descending = selection.top is not None if selection.descending is None else selection.descending
        rows = _sorted(rows, names.getter(selection.sort_by, "--sort-by"), descending=descending)
    elif selection.descending is False:
        rows.reverse()
    return rows if selection.top is None else rows[: selection.top]


def _value(getters: Mapping[str, Callable[[Candidate], Any]], row: Candidate, name: str) -> Any:
    return getters[name](row)


def _sorted(rows: list[Candidate], value_of: Callable[[Candidate], Any], *, descending: bool) -> list[Candidate]:
    """Ordered by a value, equal ones as they were; rows without one, or with one that is no number, come last."""
    keyed, rest = [], []
    for row in rows:
        value = value_of(row)
        key = None if value is MISSING else comparable(value)
        if key is None or key[1] != key[1]:
            rest.append(row)
        else:
            keyed.append((key, row))
    keyed.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in keyed] + rest


class _Names:
    """What names mean for these rows."""

    def __init__(self, rows: Sequence[Candidate], records: Records) -> None:
        self._rows = rows
        self._records = records

    def getter(self, name: str, option: str) -> Callable[[Candidate], Any]:
        """A function that gives a row's value for a name."""
        if name in FIELDS:
            return self._built_in(name)
        found = self._fields(name)
        if len(found) > 1:
            ways = " or ".join(f"{field.file}:{field.key}" for field in found)
            raise UsageError(f"{option}: {name!r} is in several files.", f"Say which: {ways}.")
        if not found:
            if self._rows:
                raise UsageError(f"{option}: no experiment shown here has {name!r}.", self._near(name))
            return lambda _: MISSING
        values = found.popitem()[1]
        return lambda row: values.get(row.number, MISSING)

    def _built_in(self, name: str) -> Callable[[Candidate], Any]:
        if name == "author":
            authors = self._records.authors()
            return lambda row: authors[row.number]
        if name == "created":
            return lambda row: iso_time(row.time)
        return lambda row: getattr(row, name)

    def _fields(self, name: str) -> dict[Field, Any]:
        """The fields that some row has and that the name may mean; metrics win where a file is both."""
        numbers = {row.number for row in self._rows}
        found: dict[Field, Any] = {}
        for field in sorted(self._records.fields()):
            if name in spellings(field) and not any(field[1:] == known[1:] for known in found):
                values = self._records.values(field)
                if not numbers.isdisjoint(values):
                    found[field] = values
        return found

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        known = {field.key or field.file for field in self._records.fields()} | set(FIELDS)
        near = sorted(key for key in known if key.endswith(f".{name}"))
        near = near or get_close_matches(name, sorted(known), 3, 0.5)
        if not near:
            return "`assay show --json` has every name; text goes in quotes."
        return f"Did you mean {' or '.join(near[:3])}? Text goes in quotes."


def spellings(field: Field) -> tuple[str, ...]:
    """How a field may be named: its key, and its key after its file; its file, where that is one value."""
    return (field.key, f"{field.file}:{field.key}") if field.key else (field.file,)
