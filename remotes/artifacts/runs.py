"""The run cache on a remote: entries as DVC has them, under the same keys as in the cache (``runs/<2>/<K>/<V>``).

An entry goes when what it speaks of is on the remote (law 1), and stays at home when that is nowhere any more. Both
ways its name is checked against its content. An entry that was brought may speak of content that is not here: whoever
uses one looks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from assay.engine import disk
from assay.engine.errors import AssayError, BadInput, CorruptRemote
from assay.engine.events import Note, Warned
from assay.engine.params import documents
from assay.engine.pipeline import lock
from assay.engine.pipeline.lock import LockEntry
from assay.engine.pipeline.runcache import FOLDER, key_of, value_of
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.engine.words import counted
from assay.remotes.artifacts.freight import Freight, Places, Wanted
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.parallel import each

_KEY = re.compile(rf"{FOLDER}/([0-9a-f]{{2}})/(\1[0-9a-f]{{62}})/([0-9a-f]{{64}})")
_LARGEST = 16_000_000
"""Bytes of an entry that is looked at."""


def send(project: Project, places: Places) -> Moved:
    """Publishes the entries that a remote lacks, after what they speak of.

    Args:
        project: The project.
        places: The way there; entries go to the remote that the command is about.

    Returns:
        How many entries and objects went, and their bytes. Nobody asked for single ones, so nothing has failed.

    Raises:
        RemoteError: The remote refuses altogether.
    """
    (store, _, jobs), freight = places.of(), Freight(project, places)
    entries = unsent(project, store)
    freight.send(spoken_of(entries))
    ready = {key: data for key, (data, entry) in entries.items() if not _lacks(entry, freight)}
    for _, sent in each(lambda key: store.put(key, ready[key]), ready, jobs):
        if isinstance(sent, AssayError):
            raise sent
    if len(ready) < len(entries):
        left = counted(len(entries) - len(ready), "entry", "entries")
        project.report(Note(f"Left at home: {left} of the run cache whose outputs are nowhere any more."))
    size = freight.moved.size + sum(map(len, ready.values()))
    return Moved(freight.moved.artifacts + len(ready), size)


def spoken_of(entries: Mapping[str, tuple[bytes, LockEntry]]) -> list[Wanted]:
    """The outputs that entries name."""
    return [Wanted(artifact) for _, entry in entries.values() for artifact in entry.outs.values() if artifact]


def unsent(project: Project, store: RemoteStore) -> dict[str, tuple[bytes, LockEntry]]:
    """The sound entries that a remote has not, by key."""
    there = {info.key for info in store.list(f"{FOLDER}/")}
    entries = {}
    for key in _here(project):
        if key not in there:
            try:
                with open(f"{project.cache_folder}/{key}", "rb") as file:
                    data = file.read()
                entries[key] = (data, checked(key, data))
            except FileNotFoundError:
                continue  # somebody else removed it just now
            except (AssayError, OSError) as error:
                project.report(Warned(f"An entry of the run cache stays at home: {error}"))
    return entries


def bring(project: Project, places: Places) -> Moved:
    """Fetches the entries that are not here; returns how many, and their bytes. Raises RemoteError."""
    (store, _, jobs), moved = places.of(), Moved()
    for key, data in each(store.get, unfetched(project, store), jobs):
        if isinstance(data, AssayError):
            raise data
        try:
            checked(key, data)
        except AssayError as error:
            project.report(Warned(f"{store.url}/{key} is left out: {error.message}"))
            continue
        path = f"{project.cache_folder}/{key}"
        try:
            disk.make_folders(os.path.dirname(path))
            disk.write_atomic(path, data)
        except OSError as error:
            raise disk.no_space(error, path) from error
        moved.artifacts += 1
        moved.size += len(data)
    return moved


def unfetched(project: Project, store: RemoteStore) -> dict[str, int]:
    """The keys of the entries that are not here, with their sizes."""
    here = set(_here(project))
    found = (info for info in store.list(f"{FOLDER}/") if _KEY.fullmatch(info.key) and info.size <= _LARGEST)
    return {info.key: info.size for info in found if info.key not in here}


def checked(key: str, data: bytes) -> LockEntry:
    """What an entry says.

    Raises:
        BadInput: It is no entry.
        CorruptRemote: Its name is that of another one.
    """
    match = _KEY.fullmatch(key)
    text = documents.decoded(key, data)
    entry = lock.parse_entry(text, key)
    if match is None or (key_of(entry), value_of(documents.parse(key, text))) != (match[2], match[3]):
        raise CorruptRemote(f"{key} is damaged: its content is not what its name says.")
    if None in entry.outs.values():
        raise BadInput(key, "does not say what became of every output")
    return entry


def _here(project: Project) -> Iterator[str]:
    """The keys of the entries in the cache."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for path, entry in disk.walk(f"{project.cache_folder}/{FOLDER}"):
            key = f"{FOLDER}/{path}"
            if _KEY.fullmatch(key) and entry.is_file(follow_symlinks=False):
                yield key


def _lacks(entry: LockEntry, freight: Freight) -> bool:
    return any(freight.why_not(Wanted(artifact)) for artifact in entry.outs.values() if artifact is not None)
