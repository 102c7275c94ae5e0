"""What every stage that ran came to, by what it was given: so that the same work is not done twice.

An entry is a lock entry in a file of its own, ``<cache>/runs/<K[:2]>/<K>/<V>``: K is a hash of the command, what it
read, and the names of what it writes, V of all that and what came of it. Stage names and folders do not count. Names
and content are DVC's, so each program uses what the other has done (docs/formats.md).

Which stages have entries is DVC's rule too: those that read something and write something, where all that is written
can be kept (metrics and plots that Git keeps are put into the cache for this). A run whose inputs changed meanwhile is
not kept, since nobody knows what it was given.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput
from assay.engine.events import Reporter, Warned
from assay.engine.params import documents
from assay.engine.pipeline import lock, lockyaml
from assay.engine.pipeline.changes import same
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.stage import Out, Stage
from assay.engine.store.reader import SHARED_FILE, SHARED_FOLDER

_UNCOUNTED = ("size", "nfiles")
FOLDER = "runs"


def can_be_kept(stage: Stage) -> bool:
    """Whether what a stage does depends on what it reads alone, and everything that it writes can be kept."""
    if stage.always_changed or stage.outside or not stage.outs or not (stage.deps or stage.params):
        return False
    if not all(dep.can_be_seen for dep in stage.deps):
        return False
    return not any(out.persist or (not out.cache and out.kind == "outs") for out in stage.outs)


def kept_for_it(stage: Stage) -> list[Out]:
    """The outputs that only the run cache needs in the cache."""
    return [out for out in stage.outs if not out.cache] if can_be_kept(stage) else []


def key_of(entry: LockEntry) -> str | None:
    """K: what a stage was given, as 64 hexadecimal digits; None when JSON has no word for a parameter."""
    data = lock.entry_data(entry)
    data["outs"] = [out["path"] for out in data.get("outs", ())]
    return _hash(data)


def value_of(data: Mapping[str, Any]) -> str | None:
    """V: what a stage was given and what came of it, an entry as plain data; like `key_of`."""
    return _hash(data)


def _hash(data: Mapping[str, Any]) -> str | None:
    try:
        return hashlib.sha256(json.dumps(_counted(data), sort_keys=True).encode("ascii")).hexdigest()
    except TypeError:  # a date, or a map whose keys cannot be sorted
        return None


def _counted(data: Any) -> Any:
    """Data without sizes, at any depth, parameters of that name included, as DVC does it."""
    if isinstance(data, dict):
        return {key: _counted(value) for key, value in data.items() if key not in _UNCOUNTED}
    if isinstance(data, list):
        return [_counted(value) for value in data]
    return data


class RunCache:
    """The entries of one cache.

    Args:
        cache: Absolute path of the cache's folder.
        report: Told of entries that cannot be read.
        shared: Whether a group of users shares the cache.
    """

    def __init__(self, cache: str, report: Reporter, *, shared: bool = False) -> None:
        self._folder = f"{cache}/{FOLDER}"
        self._shared = shared
        self._report = report

    def find(self, given: LockEntry) -> Iterator[LockEntry]:
        """What came of a stage that was given this, the newest first; ``given`` names the outputs and no content.

        An entry that cannot be read, or is about something else, is named and removed.
        """
        key = key_of(given)
        if key is None:
            return
        folder = f"{self._folder}/{key[:2]}/{key}"
        for path in _newest_first(folder):
            try:
                entry = _read(path)
                if not _is_about(entry, given):
                    raise BadInput(path, "is about another run than its name says")
            except FileNotFoundError:
                continue  # somebody else removed it just now
            except (AssayError, OSError) as error:
                self._report(Warned(f"An entry of the run cache cannot be used and is removed: {error}"))
                with suppress(OSError):  # a cache that others own: it is passed over all the same
                    disk.unlink(path, missing_ok=True)
                continue
            yield entry

    def keep(self, entry: LockEntry, before: Mapping[str, Any] | None = None) -> None:
        """Adds an entry; the content of its outputs is in the cache and synced.

        Args:
            entry: The entry.
            before: What the lock file said of the stage; what a cloud calls outputs that stay the same is kept.

        Raises:
            AssayError: The disk is full.
        """
        data = lock.versioned(entry, before)
        key, value = key_of(entry), value_of(data)
        if key is None or value is None:
            return
        path = f"{self._folder}/{key[:2]}/{key}/{value}"
        if os.path.exists(path):
            return
        try:
            disk.make_folders(os.path.dirname(path), SHARED_FOLDER if self._shared else None)
            disk.write_atomic(path, lockyaml.emit(data).encode("utf-8"))
            if self._shared:
                disk.chmod(path, SHARED_FILE)
        except OSError as error:
            raise disk.no_space(error, path) from error


def _newest_first(folder: str) -> list[str]:
    """The files of a folder, and none that is still being written."""
    try:
        with os.scandir(folder) as entries:
            found = [(-entry.stat().st_mtime_ns, entry.path) for entry in entries if len(entry.name) == 64]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [path for _, path in sorted(found)]


def _read(path: str) -> LockEntry:
    with open(path, "rb") as file:
        return lock.parse_entry(documents.decoded(path, file.read()), path)


def _is_about(entry: LockEntry, given: LockEntry) -> bool:
    """Whether an entry tells of the same command, inputs and outputs, and says what each output became."""
    if entry.cmd != given.cmd or entry.deps.keys() != given.deps.keys() or entry.outs.keys() != given.outs.keys():
        return False
    if None in entry.outs.values() or not same(entry.params, given.params):
        return False
    pairs = ((entry.deps[path], given.deps[path]) for path in given.deps)
    return all(one is not None and other is not None and one.digest == other.digest for one, other in pairs)
