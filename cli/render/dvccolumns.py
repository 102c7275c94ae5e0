"""``dvc exp show`` as a table: which columns there are, what stands in them, which of them are shown.

The rules are DVC's: a key that several files have is titled with its file, dependencies stand under their paths, and a
file that is one value alone has no column. What cannot be compared is sorted by its text, where DVC fails.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import localtime, strftime
from typing import Any, NamedTuple

from assay.cli.render import dvctable
from assay.cli.render.cells import padded, printable, width
from assay.cli.render.dvcjson import local_time
from assay.engine.errors import AssayError, UsageError
from assay.engine.experiments.dvcshow import Base, Executor, Range, Rev
from assay.engine.experiments.values import comparable

_FIXED = ("Experiment", "rev", "typ", "Created", "parent", "State", "Executor")
_TREE = {"branch_commit": "├── ", "branch_base": "└── ", "baseline": ""}
_BROKEN = "!"

Names = Mapping[str, Mapping[str, None]]
"""Keys by file, in the order in which they are met."""


class Form(NamedTuple):
    """How cells are written.

    Attributes:
        fill: What stands where there is nothing.
        digits: Significant digits of fractions; None for all.
        iso: Whether times are written in full.
        now: Seconds since 1970; times of today are shown as hours.
    """

    fill: str
    digits: int | None
    iso: bool
    now: int


class Picked(NamedTuple):
    """Which columns are shown: regular expressions of titles, matched from the start."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    only_changed: bool = False


class Columns(NamedTuple):
    """Columns by title; the titles of those that are aligned to the right; what an empty cell holds."""

    cells: Mapping[str, Sequence[str]]
    right: frozenset[str]
    fill: str


class _Row(NamedTuple):
    """A row's content, parsed."""

    rev: Rev
    data: Mapping[str, Any]


def tabulated(bases: Sequence[Base], form: Form, sort_by: str | None, *, descending: bool) -> Columns:
    """Everything as columns.

    Args:
        bases: What `exp_show` found.
        form: How cells are written.
        sort_by: A metric or parameter, with or without its file, to sort each baseline's experiments by.
        descending: Whether the largest comes first, and what has no value before it.

    Raises:
        AssayError: The name to sort by is not there, or means several.
    """
    rows = {id(rev): _Row(rev, json.loads(f"{{{rev.body}}}")) for base in bases for rev in _revs(base)}
    every = list(rows.values())
    metrics, params = _names(every, "metrics"), _names(every, "params")
    deps = sorted({path for row in every for path in row.data.get("deps", ())})
    count = Counter([*(key for keys in {**metrics, **params}.values() for key in keys), *_FIXED])
    titles = {
        kind: {(file, key): key if count[key] == 1 else f"{file}:{key}" for file in names for key in names[file]}
        for kind, names in (("metrics", metrics), ("params", params))
    }
    heads = [*_FIXED, *titles["metrics"].values(), *titles["params"].values(), *deps]
    cells: dict[str, list[str]] = {head: [] for head in heads}

    def add(found: Mapping[str, str], row: _Row) -> None:
        line = {**dict.fromkeys(cells, form.fill), **found}
        if row.data:
            line["Created"] = _moment(row.rev.time, form)
            for kind, known in titles.items():
                line.update(_values(row.data[kind], known, form))
            line.update({path: told["hash"] or form.fill for path, told in row.data["deps"].items()})
        for head, column in cells.items():
            column.append(line[head])

    for base in bases:
        add({"Experiment": "", "rev": _short(base.rev), "typ": "baseline", "parent": ""}, rows[id(base.rev)])
        experiments = list(base.experiments)
        if sort_by and experiments:
            experiments = _sorted(experiments, rows, _column(sort_by, metrics, params), descending=descending)
        for at, found in enumerate(experiments):
            typ = "branch_base" if at == len(experiments) - 1 else "branch_commit"
            first = found.revs[0]
            fixed = {"Experiment": first.name or "", "rev": first.rev[:7] if _is_id(first.rev) else first.rev}
            add({**fixed, "typ": typ, "parent": "", **_state(found.executor)}, rows[id(first)])
    return Columns(cells, frozenset(titles["metrics"].values()), form.fill)


def _revs(base: Base) -> Iterator[Rev]:
    yield base.rev
    for found in base.experiments:
        yield from found.revs


def _is_id(rev: str) -> bool:
    return len(rev) == 40


def _short(rev: Rev) -> str:
    return rev.name or (rev.rev[:7] if _is_id(rev.rev) else rev.rev)


def _state(executor: Executor | None) -> dict[str, str]:
    if executor is None:
        return {}
    found = {"State": executor.state.capitalize()}
    return {**found, "Executor": executor.name.capitalize()} if executor.name else found


def _names(rows: Iterable[_Row], kind: str) -> dict[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for file, told in row.data.get(kind, {}).items():
            document = told.get("data", {})
            if isinstance(document, dict):
                found.setdefault(file, {}).update(dict.fromkeys(flattened(document)))
    return found


def flattened(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A document's values by dotted key, a list being one value; empty maps have none."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            found.update(flattened(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found


def _values(files: Mapping[str, Any], titles: Mapping[tuple[str, str], str], form: Form) -> dict[str, str]:
    """The cells of parameters or metrics; every column of a broken file says so."""
    found = {}
    flat = {file: flattened(told["data"]) if isinstance(told.get("data"), dict) else {} for file, told in files.items()}
    for (file, key), title in titles.items():
        if file in flat:
            value = flat[file].get(key)
            empty = _BROKEN if files[file].get("error") else form.fill
            found[title] = empty if value is None else written(value, form.digits)
    return found


def written(value: Any, digits: int | None) -> str:
    """A value as Python spells it, fractions with so many digits, inside of lists too."""
    return str(_rounded(value, digits))


def _rounded(value: Any, digits: int | None) -> Any:
    if isinstance(value, float) and digits:
        return f"{value:.{digits}g}"
    if isinstance(value, dict):
        return {key: _rounded(item, digits) for key, item in value.items()}
    return [_rounded(item, digits) for item in value] if isinstance(value, list) else value


def _moment(seconds: int | None, form: Form) -> str:
    if seconds is None:
        return form.fill
    if form.iso:
        return local_time(seconds)
    return moment(seconds, form.now) or form.fill


def moment(seconds: int, now: int) -> str:
    """A time as DVC's tables have it: the hour today, else the day; empty when no calendar has it."""
    try:
        when, today = localtime(seconds), localtime(now)
    except (OverflowError, OSError, ValueError):
        return ""
    return strftime("%I:%M %p" if when[:3] == today[:3] else "%b %d, %Y", when)


def _column(name: str, metrics: Names, params: Names) -> tuple[str, str, str]:
    """Kind, file and key that a name to sort by means."""
    kinds = (("metrics", metrics), ("params", params))
    parts = name.split(":")
    ways = [(":".join(parts[:at]), ":".join(parts[at:])) for at in range(len(parts))]
    found = {(kind, file, key) for file, key in ways for kind, names in kinds if key in names.get(file, ())}
    if not found:
        key = name.removeprefix(":")
        found = {(kind, file, key) for kind, names in kinds for file in names if key in names[file]}
    if len(found) > 1:
        matched = ", ".join(sorted(f"{file}:{key}" for _, file, key in found))
        raise AssayError(f"Ambiguous sort column '{name}' matched '{matched}'")
    if not found:
        raise AssayError(f"Unknown sort column '{name}'")
    return found.pop()


def _sorted(
    experiments: Sequence[Range], rows: Mapping[int, _Row], column: tuple[str, str, str], *, descending: bool
) -> list[Range]:
    kind, file, key = column

    def value(found: Range) -> Any:
        told = rows[id(found.revs[0])].data.get(kind, {}).get(file, {}).get("data", {})
        return flattened(told).get(key) if isinstance(told, dict) else None

    keys = {id(found): value(found) for found in experiments}
    missing = [found for found in experiments if keys[id(found)] is None]
    known = [found for found in experiments if keys[id(found)] is not None]
    try:
        known.sort(key=lambda found: keys[id(found)], reverse=descending)
    except TypeError:  # numbers and words
        known.sort(key=lambda found: comparable(keys[id(found)]), reverse=descending)
    return [*missing, *known] if descending else [*known, *missing]


def chosen(found: Columns, picked: Picked, *, is_tree: bool) -> Columns:
    """The columns that are shown.

    Args:
        found: All of them.
        picked: Which.
        is_tree: Whether names and ids of experiments become one column with branches of a tree.

    Raises:
        UsageError: Something is no regular expression.
    """
    kept, dropped = _pattern("--keep", picked.keep), _pattern("--drop", picked.drop)
    cells = dict(found.cells)
    protected = {head for head in cells if kept and kept.match(head)}

    def leave_out(heads: Iterable[str]) -> None:
        for head in heads:
            if head not in protected:
                cells.pop(head, None)

    leave_out([head for head in ("State", "Executor") if all(cell == found.fill for cell in cells[head])])
    if is_tree:
        cells["Experiment"] = [
            _label(*about) for about in zip(cells["Experiment"], cells["rev"], cells["typ"], strict=True)
        ]
        leave_out(("rev", "typ", "parent"))
    if picked.only_changed:
        leave_out([head for head, column in cells.items() if len(set(column)) == 1])
    if dropped:
        leave_out([head for head in cells if dropped.match(head)])
    return found._replace(cells=cells)


def _label(name: str, rev: str, typ: str) -> str:
    return _TREE[typ] + (name or rev if typ == "baseline" or not name else f"{rev} [{name}]")


def _pattern(option: str, texts: Sequence[str]) -> re.Pattern[str] | None:
    try:
        return re.compile("|".join(texts)) if texts else None
    except re.error as error:
        raise UsageError(f"{option}: this is no regular expression: {error}.") from error


def csv(found: Columns) -> str:
    """Comma-separated values, lines ended as the format wants it."""
    import csv as writing
    from io import StringIO

    out = StringIO()
    writer = writing.writer(out)
    writer.writerow(found.cells)
    writer.writerows(zip(*found.cells.values(), strict=True))
    return out.getvalue()


def markdown(found: Columns) -> str:
    """GitHub's Markdown, and an empty line."""
    columns = [list(map(printable, column)) for column in found.cells.values()]
    rows = list(zip(*columns, strict=True))
    return "".join(line + "\n" for line in dvctable.lines(list(found.cells), rows, markdown=True))


def lines(found: Columns) -> str:
    """The table for people, between lines, as wide as it needs to be."""
    columns = [[printable(text) for text in (head, *cells)] for head, cells in found.cells.items()]
    if not columns or len(columns[0]) == 1:
        return ""
    right = [head in found.right for head in found.cells]
    widths = [max(map(width, column)) for column in columns]
    rule = f" {'─' * (sum(widths) + 3 * len(widths) - 1)} "
    rows = [
        "  "
        + "   ".join(padded(cell, wide, right=end) for cell, wide, end in zip(row, widths, right, strict=True))
        + "  "
        for row in zip(*columns, strict=True)
    ]
    return "".join(line + "\n" for line in (rule, rows[0], rule, *rows[1:], rule))
