"""Which rows to show and in which order: ``--where``, ``--sort-by``, ``--top``.

Names are looked up among the rows at hand: a key that none of them has is an error (but not where there are no rows),
and so is one that they have in several files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from heapq import nlargest, nsmallest
from types import MappingProxyType
from typing import Any, NamedTuple

from assay.engine.errors import UsageError
from assay.engine.experiments.index import Field, iso_time
from assay.engine.experiments.records import Records
from assay.engine.experiments.values import MISSING, comparable
from assay.engine.model import Oid
from assay.engine.notes.remarks import Shown

FIELDS = ("name", "state", "author", "created", "baseline", "tag", "note")
SUCCESS = "success"
"""The state of an experiment that is a commit."""

Getter = Callable[[int], Any]
"""Gives a row's value by the row's position; MISSING where it has none."""


class Candidates(NamedTuple):
    """The experiments that may be shown, column by column, for there may be a hundred thousand.

    Attributes:
        names: What each is called.
        commits: Their commits.
        numbers: The numbers of their records.
        times: The times of their commits, in seconds since 1970.
        groups: For each, which baseline it belongs to.
        labels: What the baselines are called.
        remarks: Tags and notes by commit, of those commits that have any.
        states: The states of those rows that are no commits of experiments, by position.
    """

    names: Sequence[str]
    commits: Sequence[Oid]
    numbers: Sequence[int]
    times: Sequence[int]
    groups: Sequence[int]
    labels: Sequence[str]
    remarks: Mapping[Oid, Shown]
    states: Mapping[int, str] = MappingProxyType({})


class Selection(NamedTuple):
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


def select(candidates: Candidates, selection: Selection, records: Records) -> list[int]:
    """The positions of the wanted rows, in their order.

    Raises:
        UsageError: The query is none, or names something that no row has or that several files have.
    """
    names = _Names(candidates, records)
    rows: Sequence[int] = range(len(candidates.names))
    if selection.where:
        from assay.engine.experiments import query

        wanted = query.parse(selection.where)
        values = {name.text: names.getter(name.text, "--where") for name in query.names(wanted)}
        rows = [row for row in rows if query.matches(wanted, partial(_value, values, row))]
    if not selection.sort_by:
        return _by_time(candidates, rows, selection.top, newest_first=selection.descending is not False)
    value_of = names.getter(selection.sort_by, "--sort-by")
    descending = selection.top is not None if selection.descending is None else selection.descending
    return _by_value(candidates, rows, value_of, selection.top, descending=descending)


def _value(getters: Mapping[str, Getter], row: int, name: str) -> Any:
    return getters[name](row)


def _by_time(candidates: Candidates, rows: Iterable[int], top: int | None, *, newest_first: bool = True) -> list[int]:
    """Ordered by (commit time, id)."""
    keys = list(zip(candidates.times, candidates.commits, strict=True))
    if top is not None:
        return (nlargest if newest_first else nsmallest)(top, rows, key=keys.__getitem__)
    return sorted(rows, key=keys.__getitem__, reverse=newest_first)


def _by_value(
    candidates: Candidates, rows: Iterable[int], value_of: Getter, top: int | None, *, descending: bool
) -> list[int]:
    """Ordered by a value, equal ones newest first; rows without one, or with one that is no number, come last."""
    keys: dict[int, tuple[int, Any]] = {}
    rest = []
    for row in rows:
        value = value_of(row)
        key = None if value is MISSING or value == () else comparable(value)
        if key is None or key[1] != key[1]:
            rest.append(row)
        else:
            keys[row] = key
    found: Iterable[int] = keys
    if top is not None and top < len(keys):  # only those as good as the last of the top ones need an order
        last = (nlargest if descending else nsmallest)(top, keys.values())[-1]
        found = [row for row, key in keys.items() if (key >= last if descending else key <= last)]
    ordered = sorted(_by_time(candidates, found, None), key=keys.__getitem__, reverse=descending)[:top]
    missing = None if top is None else top - len(ordered)
    return ordered if missing == 0 else ordered + _by_time(candidates, rest, missing)


class _Names:
    """What names mean for these rows."""

    def __init__(self, rows: Candidates, records: Records) -> None:
        self._rows = rows
        self._records = records

    def getter(self, name: str, option: str) -> Getter:
        """A function that gives a row's value for a name."""
        if name in FIELDS:
            return self._built_in(name)
        found = self._fields(name)
        if len(found) > 1:
            ways = " or ".join(f"{field.file}:{field.key}" for field in found)
            raise UsageError(f"{option}: {name!r} is in several files.", f"Say which: {ways}.")
        if not found:
            if self._rows.names:
                raise UsageError(f"{option}: no experiment shown here has {name!r}.", self._near(name))
            return lambda _: MISSING
        values, numbers = found.popitem()[1], self._rows.numbers
        return lambda row: values.get(numbers[row], MISSING)

    def _built_in(self, name: str) -> Getter:
        rows = self._rows
        if name == "author":
            authors = self._records.authors()
            return lambda row: authors[rows.numbers[row]]
        if name == "created":
            return lambda row: iso_time(rows.times[row])
        if name == "baseline":
            return lambda row: rows.labels[rows.groups[row]]
        if name in ("tag", "note"):
            return self._said(name)
        return (lambda row: rows.names[row]) if name == "name" else (lambda row: rows.states.get(row, SUCCESS))

    def _said(self, name: str) -> Getter:
        """The tags or the note of a row's commit; for sorting, several tags count as one text."""
        from assay.engine.experiments.query import Several

        rows, unsaid = self._rows, Several() if name == "tag" else MISSING
        found = {
            commit: Several(said.tags) if name == "tag" else MISSING if said.note is None else said.note
            for commit, said in rows.remarks.items()
        }
        return lambda row: found.get(rows.commits[row], unsaid)

    def _fields(self, name: str) -> dict[Field, Any]:
        """The fields that some row has and that the name may mean; metrics win where a file is both."""
        numbers = set(self._rows.numbers)
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
