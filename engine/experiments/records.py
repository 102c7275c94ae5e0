"""Records of many commits: from the index where it has them, else from the commits, and then kept in the index.

The index may fail at any moment; what it had is then read from the commits again, so that it never changes what is
shown, only how soon.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha1
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from assay.engine.events import Done, Progress
from assay.engine.experiments.index import (
    Field,
    Header,
    Kept,
    RecordIndex,
    Unusable,
    fields_of,
    kept,
    open_index,
)
from assay.engine.experiments.record import options, read_records
from assay.engine.model import Oid
from assay.engine.project import Project

_TOGETHER = 4_000
"""Records that are read and then written in one transaction."""

_TASK = "reading experiments"
_WORTH_TELLING, _TELL_EVERY = 500, 250
K = TypeVar("K")
V = TypeVar("V")


def remember(project: Project, commits: Sequence[Oid]) -> None:
    """Puts the records of new experiments into the index, so that the first `show` finds them there."""
    with Records(project) as records:
        records.headers(commits)


class Form(NamedTuple):
    """What is kept of each commit.

    Attributes:
        file: The name of the file that such records are kept in.
        options: Everything but the commit that a record depends on, as text.
        read: Reads commits; each record comes with whether it holds for good.
    """

    file: str
    options: Callable[[Project], str]
    read: Callable[[Project, Iterable[Oid]], Iterator[tuple[Kept, bool]]]


def _read_own(project: Project, commits: Iterable[Oid]) -> Iterator[tuple[Kept, bool]]:
    return ((kept(experiment), is_final) for experiment, is_final in read_records(project, commits))


OWN = Form("records.db", options, _read_own)
"""What `show` shows."""


class Records:
    """The records of a project in one form, each known by a number that is good while this object lives."""

    def __init__(self, project: Project, form: Form = OWN) -> None:
        self._project = project
        self._form = form
        self._index: RecordIndex | None = open_index(places(project, form.file), form.options(project))
        self._headers: dict[Oid, Header] = {}
        self._loose: dict[int, Kept] = {}  # what the index does not have
        self._leaves: dict[Field, dict[int, Any]] | None = {}
        self._next = -1

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the index."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def headers(self, commits: Collection[Oid]) -> Mapping[Oid, Header]:
        """The headers of these commits; what the index lacks is read, and added to it."""
        self._headers = self._ask(lambda index: index.headers(commits))
        missing = [commit for commit in commits if commit not in self._headers]
        if missing:
            self._read(missing)
        return self._headers

    def add_loose(self, record: Kept) -> int:
        """A record that comes from no commit alone, so that no index keeps it; returns its number."""
        self._keep_loose(self._next, record)
        self._next -= 1
        return self._next + 1

    def bodies(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """The JSON texts of records, see `index.body_of`."""
        kept = [number for number in numbers if number > 0]
        found = self._ask(lambda index: index.bodies(kept))
        return {**found, **{number: record.body for number, record in self._loose.items()}} if self._loose else found

    def authors(self) -> Mapping[int, str]:
        """Who made each record's commit."""
        found = self._ask(lambda index: index.authors())
        return {**found, **{number: record.author for number, record in self._loose.items()}}

    def fields(self) -> set[Field]:
        """Every field that some record has."""
        return {*self._ask(lambda index: index.fields()), *self._loose_values()}

    def values(self, field: Field) -> Mapping[int, Any]:
        """The values of a field, by the numbers of the records that have it."""
        found = self._ask(lambda index: index.values(index.fields().get(field, 0)))
        loose = self._loose_values().get(field)
        return {**found, **loose} if loose else found

    def _read(self, commits: Sequence[Oid]) -> None:
        reads = self._reported(self._form.read(self._project, commits), len(commits))
        while chunk := list(islice(reads, _TOGETHER)):
            final = [record for record, is_final in chunk if is_final]
            added = self._ask(partial(RecordIndex.add, records=final))
            self._headers.update(added)
            for record, _ in chunk:
                if record.commit not in self._headers:
                    self._headers[record.commit] = (record.commit, self._next, record.time)
                    self._keep_loose(self._next, record)
                    self._next -= 1

    def _reported(self, reads: Iterable[tuple[Kept, bool]], total: int) -> Iterator[tuple[Kept, bool]]:
        """The same, with progress told now and then where there is much to read."""
        for count, read in enumerate(reads, 1):
            if total >= _WORTH_TELLING and count % _TELL_EVERY == 0:
                self._project.report(Progress(_TASK, count, total, "experiments"))
            yield read
        if total >= _WORTH_TELLING:
            self._project.report(Done(_TASK))

    def _keep_loose(self, number: int, record: Kept) -> None:
        self._loose[number] = record
        self._leaves = None

    def _loose_values(self) -> dict[Field, dict[int, Any]]:
        if self._leaves is None:
            self._leaves = {}
            for number, record in self._loose.items():
                for field, value in fields_of(record.metrics, record.params):
                    self._leaves.setdefault(field, {})[number] = value
        return self._leaves

    def _ask(self, question: Callable[[RecordIndex], dict[K, V]]) -> dict[K, V]:
        """What the index says, nothing without one; when it fails, its records are read again and count as loose."""
        if self._index is not None:
            try:
                return question(self._index)
            except Unusable:
                self.close()
                lost = {commit: number for commit, number, _ in self._headers.values() if number > 0}
                for record, _ in self._form.read(self._project, list(lost)):
                    self._keep_loose(lost[record.commit], record)
        return {}


def places(project: Project, file: str = OWN.file) -> list[str]:
    """Where an index may lie, best first: with the repository, else in the user's own cache folder."""
    found = [f"{project.state}/{file}"]
    if project.world.user_cache:
        name = sha1(os.fsencode(project.state)).hexdigest()[:16]
        found.append(f"{project.world.user_cache}/records/{name}-{file}")
    return found
