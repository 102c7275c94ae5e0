"""Experiments as values: what a table shows of them, for programs and notebooks.

A record is read when something of it is first asked for, and never changes after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from assay.api.keyed import Keyed, natural
from assay.engine.errors import Refused
from assay.engine.words import counted

if TYPE_CHECKING:
    from datetime import datetime

    from assay.engine.experiments.show import Row, Table

WORKSPACE = "workspace"
FIXED = ("name", "commit", "state", "created", "author", "message", "baseline", "tags", "note")
"""What every row has before its metrics and parameters."""


class Record:
    """What is known about one experiment, a baseline, or the workspace.

    Args:
        name: What it is called.
        state: ``success``, ``baseline`` or ``workspace``.
        commit: The commit as 40 hexadecimal digits; None for the workspace.
        baseline: The commit that it starts from, likewise; None where it has none.
        body: The record as JSON text, see `index.body_of`, or what reads it.
        message: The message of its commit, where it is known already.
        tags: Its tags.
        note: Its note.
    """

    __slots__ = ("_baseline", "_body", "_commit", "_members", "_message", "_name", "_note", "_state", "_tags")

    def __init__(
        self,
        name: str,
        state: str,
        commit: str | None,
        baseline: str | None,
        body: str | Callable[[], str],
        *,
        message: str | None = None,
        tags: tuple[str, ...] = (),
        note: str | None = None,
    ) -> None:
        self._name, self._state, self._commit, self._baseline = name, state, commit, baseline
        self._body, self._message, self._tags, self._note = body, message, tags, note
        self._members: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """What it is called; a baseline goes by its branch, its tag or the first digits of its commit."""
        return self._name

    @property
    def state(self) -> str:
        """``success``, ``baseline`` or ``workspace``."""
        return self._state

    @property
    def commit(self) -> str | None:
        """Its commit as 40 hexadecimal digits; None for the workspace."""
        return self._commit

    @property
    def baseline(self) -> str | None:
        """The commit that it starts from, as 40 hexadecimal digits; None for a baseline."""
        return self._baseline

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that people gave it."""
        return self._tags

    @property
    def note(self) -> str | None:
        """The note that people wrote about it; None where there is none."""
        return self._note

    @property
    def created(self) -> datetime | None:
        """When its commit was made, in UTC; None for the workspace."""
        from datetime import datetime, timezone

        text = self._member("created")
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) if text else None

    @property
    def author(self) -> str:
        """Who made it, ``Name <address>``; empty for the workspace."""
        return self._member("author") or ""

    @property
    def message(self) -> str:
        """The message of its commit as its author wrote it, without what assay adds below; empty for the workspace."""
        if self._message is None:
            from assay.engine.experiments.publish import without_trailers

            self._message = without_trailers(self._member("message"))
        return self._message

    @property
    def params(self) -> Keyed[Any]:
        """Its parameters by dotted key; ``params.files`` has each file as it is nested."""
        return _keyed(self._member("params"))

    @property
    def metrics(self) -> Keyed[Any]:
        """Its metrics by dotted key; ``metrics.files`` has each file as it is nested."""
        return _keyed(self._member("metrics"))

    @property
    def deps(self) -> Mapping[str, Mapping[str, Any]]:
        """What its stages read, by path: ``hash``, ``digest``, ``size`` in bytes, ``nfiles`` for a folder."""
        found: Mapping[str, Mapping[str, Any]] = self._member("deps")
        return found

    @property
    def outs(self) -> Mapping[str, Mapping[str, Any]]:
        """What its stages wrote, by path, as in ``deps``."""
        found: Mapping[str, Mapping[str, Any]] = self._member("outs")
        return found

    @property
    def errors(self) -> Mapping[str, str]:
        """By file, why it is not shown."""
        found: Mapping[str, str] = self._member("errors")
        return found

    def to_dict(self) -> dict[str, Any]:
        """One row of a table: name, commit, state and so on, then every metric and parameter under its column's title.

        A title is the dotted key, with the file before it where the key alone says too little; None is what is missing.
        """
        (row,) = _rows([self])
        return row

    def text(self) -> str:
        """The record as JSON text, see `index.body_of`."""
        if not isinstance(self._body, str):
            self._body = self._body()
        return self._body

    def _member(self, name: str) -> Any:
        if self._members is None:
            import json

            self._members = json.loads("{" + self.text())
        return self._members[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or self._commit is None:
            return self is other
        return (self._name, self._commit) == (other._name, other._commit)

    def __hash__(self) -> int:
        return hash((self._name, self._commit))

    def __repr__(self) -> str:
        commit = f" {self._commit[:7]}" if self._commit else ""
        return f"<Record {self._name}{commit}>"

    def _repr_html_(self) -> str:
        from assay.api.html import table

        rows = [["metric", key, value] for key, value in self.metrics.items()]
        rows += [["param", key, value] for key, value in self.params.items()]
        return table(["", self.name, ""], rows)


def _keyed(files: Mapping[str, Any]) -> Keyed[Any]:
    from assay.engine.experiments.values import leaves

    return Keyed(
        {file: {key: natural(value) for key, value in leaves(document)} for file, document in files.items()}, files
    )


def _rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Records as dictionaries with the same keys."""
    from assay.engine.experiments.columns import UNREADABLE, columns
    from assay.engine.experiments.values import MISSING

    rows: list[dict[str, Any]] = [{name: getattr(record, name) for name in FIXED} for record in records]
    for column in columns([record.text() for record in records]):
        field = column.field
        title = f"{field.file}:{field.key}" if column.title in FIXED else column.title
        for row, cell in zip(rows, column.cells, strict=True):
            row[title] = None if cell is MISSING or cell is UNREADABLE else natural(cell)
    return rows


def record_of(row: Row, baseline: str | None) -> Record:
    """A row of a table as a record."""
    commit = row.commit.hex() if row.commit else None
    return Record(row.name or WORKSPACE, row.state, commit, baseline, row.body, tags=row.tags, note=row.note)


class Experiments(Sequence[Record]):
    """The experiments of a table, from top to bottom; the rows of their baselines and of the workspace stand apart.

    Args:
        table: What `show` found.
    """

    __slots__ = ("_records", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        """The table as the engine has it."""
        self._records: list[Record] | None = None

    @property
    def workspace(self) -> Record | None:
        """The workspace; None when it was not asked for."""
        return record_of(self.table.workspace, None) if self.table.workspace else None

    @property
    def baselines(self) -> list[Record]:
        """The commits that the experiments start from."""
        return [record_of(group.baseline, None) for group in self.table.groups]

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary per experiment, all with the same keys, see `Record.to_dict`."""
        return _rows(self)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with one row per experiment and its name as index.

        Raises:
            Refused: pandas is not installed.
        """
        try:
            from importlib import import_module

            pandas = import_module("pandas")
        except ImportError as error:
            raise Refused(
                "pandas is not installed beside this Python.",
                "Install it with `pip install pandas`, or take to_dicts(), which needs nothing.",
            ) from error
        rows = self.to_dicts()
        return pandas.DataFrame(rows, columns=list(rows[0]) if rows else FIXED).set_index("name")

    def _all(self) -> list[Record]:
        if self._records is None:
            self._records = [
                record_of(row, group.baseline.commit.hex() if group.baseline.commit else None)
                for group in self.table.groups
                for row in group.experiments
            ]
        return self._records

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> list[Record]: ...

    def __getitem__(self, at: int | slice) -> Record | list[Record]:
        return self._all()[at]

    def __iter__(self) -> Iterator[Record]:
        return iter(self._all())

    def __len__(self) -> int:
        return sum(len(group.experiments) for group in self.table.groups)

    def __repr__(self) -> str:
        names = ", ".join(record.name for record in self[:5])
        return f"<{counted(len(self), 'experiment')}: {names}" + (", ...>" if len(self) > 5 else ">")

    def _repr_html_(self) -> str:
        from assay.api.html import experiments

        return experiments(self.table)
