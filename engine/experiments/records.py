"""Records of many commits: from the index where it has them, else from the commits, and then kept in the index.

The index may fail at any moment; what it had is then read from the commits again, so that it never changes what is
shown, only how soon.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha1
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

from assay.engine.events import Done, Progress
from assay.engine.experiments.index import (
    Field,
    Header,
    RecordIndex,
    Unusable,
    author_of,
    body_of,
    fields_of,
    open_index,
)
from assay.engine.experiments.record import Read, options, read_records
from assay.engine.model import Experiment, Oid
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


class Records:
    """The records of a project, each known by a number that is good while this object lives."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._index: RecordIndex | None = open_index(places(project), options(project))
        self._headers: dict[Oid, Header] = {}
        self._loose: dict[int, tuple[str, str]] = {}  # what the index does not have: author, body
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

    def bodies(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """The JSON texts of records, see `index.body_of`."""
        kept = [number for number in numbers if number > 0]
        found = self._ask(lambda index: index.bodies(kept))
        return {**found, **{number: body for number, (_, body) in self._loose.items()}} if self._loose else found

    def authors(self) -> Mapping[int, str]:
        """Who made each record's commit."""
        found = self._ask(lambda index: index.authors())
        return {**found, **{number: author for number, (author, _) in self._loose.items()}}

    def fields(self) -> set[Field]:
        """Every field that some record has."""
        return {*self._ask(lambda index: index.fields()), *self._loose_values()}

    def values(self, field: Field) -> Mapping[int, Any]:
        """The values of a field, by the numbers of the records that have it."""
        found = self._ask(lambda index: index.values(index.fields().get(field, 0)))
        loose = self._loose_values().get(field)
        return {**found, **loose} if loose else found

    def _read(self, commits: Sequence[Oid]) -> None:
        reads = self._reported(read_records(self._project, commits), len(commits))
        while chunk := list(islice(reads, _TOGETHER)):
            final = [experiment for experiment, is_final in chunk if is_final]
            added = self._ask(partial(RecordIndex.add, experiments=final))
            self._headers.update(added)
            for experiment, _ in chunk:
                if experiment.commit not in self._headers:
                    self._headers[experiment.commit] = (experiment.commit, self._next, experiment.time)
                    self._keep_loose(self._next, experiment)
                    self._next -= 1

    def _reported(self, reads: Iterable[Read], total: int) -> Iterator[Read]:
        """The same, with progress told now and then where there is much to read."""
        for count, read in enumerate(reads, 1):
            if total >= _WORTH_TELLING and count % _TELL_EVERY == 0:
                self._project.report(Progress(_TASK, count, total, "experiments"))
            yield read
        if total >= _WORTH_TELLING:
            self._project.report(Done(_TASK))

    def _keep_loose(self, number: int, experiment: Experiment) -> None:
        self._loose[number] = author_of(experiment), body_of(experiment)
        self._leaves = None

    def _loose_values(self) -> dict[Field, dict[int, Any]]:
        if self._leaves is None:
            self._leaves = {}
            for number, (_, body) in self._loose.items():
                members = json.loads("{" + body)
                for field, value in fields_of(members["metrics"], members["params"]):
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
                for experiment, _ in read_records(self._project, list(lost)):
                    self._keep_loose(lost[experiment.commit], experiment)
        return {}


def places(project: Project) -> list[str]:
    """Where the index may lie, best first: with the repository, else in the user's own cache folder."""
    found = [f"{project.state}/records.db"]
    if project.world.user_cache:
        name = sha1(os.fsencode(project.state)).hexdigest()[:16]
        found.append(f"{project.world.user_cache}/records/{name}.db")
    return found
