"""The record index: what commits say, kept ready in one sqlite file.

Each record is kept as the finished JSON text that `show --json` joins (docs/formats.md, "Record index"), and once
more as (field, record, value) rows for sorting and filtering. A record is known by its commit and by a text that
names everything else it depends on, so nothing is ever out of date.

It is a cache: it can be deleted at any moment, and a file that is damaged, locked, not writable or on a network
file system is not used. The next place is tried then, and with none left there is no index and every record is
read from its commit. Readers do not wait for writers (write-ahead log); a writer that meets another one gives up.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice, repeat
from types import MappingProxyType
from typing import Any, NamedTuple

from assay.engine import disk
from assay.engine.experiments.values import encode, leaves
from assay.engine.model import Experiment, Oid

_SCHEMA = 1
_PATIENCE = 0.25
"""Seconds until a locked file counts as unusable; only another process's start or end can lock out a reader."""

_CHUNK = 500
"""Variables in one statement; sqlite's own limit was 999 for long."""

_INT64 = 1 << 63

_TABLES = """
CREATE TABLE scope (id INTEGER PRIMARY KEY, options TEXT NOT NULL UNIQUE);
CREATE TABLE record (scope INTEGER, commit_id BLOB, id INTEGER NOT NULL, time INTEGER NOT NULL, author BLOB NOT NULL,
                     PRIMARY KEY (scope, commit_id)) WITHOUT ROWID;
CREATE TABLE body (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE field (id INTEGER PRIMARY KEY, spec TEXT NOT NULL UNIQUE);
CREATE TABLE value (field INTEGER, record INTEGER, value, PRIMARY KEY (field, record)) WITHOUT ROWID;
"""


class Field(NamedTuple):
    """A column of records: ``kind`` is "metrics" or "params", ``key`` is dotted, "" where the file is one value."""

    kind: str
    file: str
    key: str


Header = tuple[Oid, int, int]
"""What sorting needs: the commit, the record's number in this index, the commit's time in seconds since 1970."""


class Kept(NamedTuple):
    """One record in one form, ready to be kept.

    Attributes:
        commit: Whose it is.
        time: The commit's, in seconds since 1970.
        author: Who made the commit.
        body: The finished text.
        metrics: What can be sorted and filtered by, each file's plain document; empty in a form that is only shown.
        params: Likewise.
    """

    commit: Oid
    time: int
    author: str
    body: str
    metrics: Mapping[str, Any] = MappingProxyType({})
    params: Mapping[str, Any] = MappingProxyType({})


class Unusable(Exception):
    """The index failed while it was in use; what it had is to be read from the commits instead."""


class RecordIndex:
    """An opened index.

    Args:
        path: The sqlite file; made when there is none.
        options: Names everything but the commit that the records depend on.

    Raises:
        Unusable: This file cannot be used, now or at all.
    """

    def __init__(self, path: str, options: str) -> None:
        self.path = path
        self._inode = 0
        self._options = options
        with self._guarded():
            self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            self._inode = os.stat(path).st_ino
            self._prepare()
            found = self._db.execute("SELECT id FROM scope WHERE options = ?", (options,)).fetchone()
            self._scope = found[0] if found else 0

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turns sqlite's errors into `Unusable`; a damaged file is deleted, so that the next process starts over."""
        try:
            yield
        except (sqlite3.Error, json.JSONDecodeError) as error:
            self.close()
            if not isinstance(error, sqlite3.OperationalError) or "no such" in str(error):
                self._delete()
            raise Unusable(str(error)) from error
        except OSError as error:
            self.close()
            raise Unusable(str(error)) from error

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        self._db.execute("PRAGMA synchronous = NORMAL")
        if version == _SCHEMA:
            return
        if version:
            raise sqlite3.DatabaseError(f"schema {version}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("BEGIN IMMEDIATE")
        if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _TABLES.split(";")[:-1]:
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {_SCHEMA}")
        self._db.execute("COMMIT")

    def _delete(self) -> None:
        """Deletes the file that was opened, and not one that another process has put in its place since."""
        with suppress(OSError):
            if os.stat(self.path).st_ino == self._inode:
                for suffix in ("", "-wal", "-shm"):
                    disk.unlink(self.path + suffix, missing_ok=True)

    def headers(self, commits: Collection[Oid]) -> dict[Oid, Header]:
        """The headers of those of the commits that are in the index."""
        select = "SELECT commit_id, id, time FROM record WHERE scope = ?"
        with self._guarded():
            if self._is_most(commits):
                wanted = commits if isinstance(commits, (set, frozenset, dict)) else set(commits)
                rows = self._db.execute(select, (self._scope,))
                return {row[0]: row for row in rows if row[0] in wanted}
            found: dict[Oid, Header] = {}
            for chunk, marks in _chunks(commits):
                rows = self._db.execute(f"{select} AND commit_id IN ({marks})", (self._scope, *chunk))
                found.update((row[0], row) for row in rows)
            return found

    def bodies(self, ids: Collection[int]) -> dict[int, str]:
        """The JSON texts of records, by their numbers. Raises Unusable when one is gone."""
        with self._guarded():
            found = self._pairs(ids)
        if len(found) < len(ids):
            raise Unusable("records without a body")
        return found

    def authors(self) -> dict[int, str]:
        """Who made each record's commit, ``Name <address>``, by the record's number."""
        with self._guarded():
            rows = self._db.execute("SELECT id, author FROM record WHERE scope = ?", (self._scope,))
            return {number: author.decode("utf-8", "surrogateescape") for number, author in rows}

    def fields(self) -> dict[Field, int]:
        """Every field that some record has, with its number."""
        with self._guarded():
            return {Field(*json.loads(spec)): number for number, spec in self._db.execute("SELECT id, spec FROM field")}

    def values(self, field: int) -> dict[int, Any]:
        """The values of one field, by the numbers of the records that have it."""
        with self._guarded():
            rows = self._db.execute("SELECT record, value FROM value WHERE field = ?", (field,))
            return {number: json.loads(cell) if type(cell) is bytes else cell for number, cell in rows}

    def _is_most(self, wanted: Collection[Any]) -> bool:
        """Whether so many records are wanted that reading all of them is quicker than looking each one up."""
        return len(wanted) * 4 > self._last()

    def _last(self) -> int:
        return self._db.execute("SELECT max(id) FROM body").fetchone()[0] or 0

    def _pairs(self, ids: Collection[int]) -> dict[int, str]:
        select = "SELECT id, text FROM body"
        if self._is_most(ids):
            everything, wanted = dict(self._db.execute(select)), set(ids)
            if len(wanted) == len(everything):
                return everything
            return {number: everything[number] for number in wanted if number in everything}
        found: dict[int, str] = {}
        for chunk, marks in _chunks(ids):
            found.update(self._db.execute(f"{select} WHERE id IN ({marks})", chunk).fetchall())
        return found

    def add(self, records: Sequence[Kept]) -> dict[Oid, Header]:
        """Keeps records, all or none, and returns their headers.

        Nothing is kept, and nothing returned, while another process is writing or when the disk is full.

        Raises:
            Unusable: The file is damaged.
        """
        with self._guarded():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                added = self._insert(records)
                self._db.execute("COMMIT")
            except sqlite3.OperationalError:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                return {}
        return added

    def _insert(self, new: Sequence[Kept]) -> dict[Oid, Header]:
        if not self._scope:
            self._db.execute("INSERT OR IGNORE INTO scope (options) VALUES (?)", (self._options,))
            self._scope = self._db.execute("SELECT id FROM scope WHERE options = ?", (self._options,)).fetchone()[0]
        headers = self.headers([one.commit for one in new])
        last = self._last()
        records, texts = [], []
        cells: dict[tuple[str, str], dict[str, list[tuple[int, Any]]]] = {}
        for one in new:
            if one.commit in headers:
                continue
            last += 1
            headers[one.commit] = (one.commit, last, one.time)
            author = one.author.encode("utf-8", "surrogateescape")
            records.append((self._scope, one.commit, last, one.time, author))
            texts.append((last, one.body))
            for kind, documents in (("metrics", one.metrics), ("params", one.params)):
                for file, document in documents.items():
                    columns = cells.setdefault((kind, file), {})
                    for key, value in leaves(document):
                        columns.setdefault(key, []).append((last, _cell(value)))
        self._db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", records)
        self._db.executemany("INSERT INTO body VALUES (?, ?)", texts)
        self._insert_values({Field(*place, key): pairs for place in cells for key, pairs in cells[place].items()})
        return headers

    def _insert_values(self, cells: Mapping[Field, Sequence[tuple[int, Any]]]) -> None:
        """Adds (record, cell) pairs by field, in the order of the table."""
        numbers = self._numbers(cells)
        for field in sorted(cells, key=numbers.__getitem__):
            rows = zip(repeat(numbers[field]), *zip(*cells[field], strict=True), strict=False)
            self._db.executemany("INSERT OR REPLACE INTO value VALUES (?, ?, ?)", rows)

    def _numbers(self, wanted: Iterable[Field]) -> dict[Field, int]:
        known = self.fields()
        new = [(encode(field),) for field in wanted if field not in known]
        if new:
            self._db.executemany("INSERT INTO field (spec) VALUES (?)", new)
            known = self.fields()
        return known

    def close(self) -> None:
        """Closes the file."""
        db = self.__dict__.get("_db")  # there is none when opening it failed
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()


def open_index(places: Iterable[str], options: str) -> RecordIndex | None:
    """The index at the first place where one can be used, or None.

    Args:
        places: Paths of sqlite files, best first; folders are made where they can be.
        options: As for `RecordIndex`.
    """
    for path in places:
        folder = os.path.dirname(path)
        with suppress(Unusable, OSError):
            disk.make_folders(folder)
            if not disk.is_network(folder):
                return RecordIndex(path, options)
    return None


def kept(experiment: Experiment) -> Kept:
    """A record in assay's own form."""
    body, author = body_of(experiment), author_of(experiment)
    return Kept(experiment.commit, experiment.time, author, body, experiment.metrics, experiment.params)


def author_of(experiment: Experiment) -> str:
    """Who made the commit, as text: ``Name <address>``; empty when nobody did."""
    name, email, *_ = experiment.author
    return f"{name} <{email}>" if name or email else ""


def iso_time(seconds: int) -> str | None:
    """A time in UTC as ``2026-11-21T20:24:56Z``; None for one that no calendar has."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return None


def body_of(experiment: Experiment) -> str:
    """The record's part of a row of `show --json`: its members and the closing brace."""
    members = {
        "created": iso_time(experiment.time) if experiment.time else None,
        "author": author_of(experiment) or None,
        "message": experiment.message,
        "params": dict(experiment.params),
        "metrics": dict(experiment.metrics),
        "deps": dict(experiment.deps),
        "outs": dict(experiment.outs),
        "errors": dict(experiment.errors),
    }
    return encode(members)[1:]


def fields_of(metrics: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    """Every value of a record with its field."""
    for kind, documents in (("metrics", metrics), ("params", params)):
        for file, document in documents.items():
            for key, value in leaves(document):
                yield Field(kind, file, key), value


def _cell(value: Any) -> Any:
    """A value as sqlite holds it: numbers and text as they are, everything else as bytes of JSON."""
    kind = type(value)
    if kind is float or (kind is int and -_INT64 <= value < _INT64):
        return value
    if kind is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return encode(value).encode()
        return value
    return encode(value).encode()


def _chunks(items: Iterable[Any]) -> Iterator[tuple[list[Any], str]]:
    """The items a few hundred at a time, each time with as many question marks."""
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk, ",".join("?" * len(chunk))
