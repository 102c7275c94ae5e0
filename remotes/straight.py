"""Data that goes straight to a remote: from a file, a folder or a URL, past the cache and the workspace.

What is on this machine is read twice: once to be named, once to be sent, and hashed both times. What comes from a URL
lies in the project's temporary folder meanwhile, one file at a time. The ``.dvc`` file comes last, so that it never
names what nobody has.

Limits: only remotes of DVC's layout, where a file is an object.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from assay.engine import disk
from assay.engine.data.add import Added, record
from assay.engine.data.places import Place as DataPlace
from assay.engine.data.places import Places as DataPlaces
from assay.engine.errors import AssayError, BadInput, Refused, StoreError, UsageError
from assay.engine.events import Done, Progress
from assay.engine.ignore import IgnoreRules
from assay.engine.model import Artifact, Digest, Entry, HashName
from assay.engine.pipeline import spec
from assay.engine.pipeline.paths import is_url
from assay.engine.pipeline.present import without_ignore_files
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.engine.store.checkout import files_at
from assay.engine.store.digest import digest_bytes, hasher, object_key
from assay.engine.store.manifest import write_manifest
from assay.engine.workspace.hold import hold
from assay.remotes.artifacts.freight import Place, Places
from assay.remotes.artifacts.loose import LooseHoldings
from assay.remotes.layouts import prepare
from assay.remotes.parallel import each
from assay.remotes.registry import Remote, open_store, shown
from assay.remotes.urls import place_of
from assay.remotes.verify import CheckedFile, Passing


class _File(NamedTuple):
    """A file that was sent: its name in the folder, "" for a file by itself, its digest and its size in bytes."""

    name: str
    digest: Digest
    size: int


def add_to_remote(
    project: Project,
    source: str,
    out: str,
    *,
    remote: str | None = None,
    jobs: int | None = None,
) -> Added:
    """Sends a file or folder to a remote, and tracks it as what belongs at a path of the project.

    Args:
        project: The project.
        source: An absolute path, or a URL.
        out: The project path that it is to have; nothing is put there.
        remote: The remote's name; the default one when None.
        jobs: How many transfers at once; None for what the configuration says.

    Raises:
        BadInput: There is nothing at the source, or it cannot be recorded.
        UsageError: The path cannot be data.
        Refused: The remote is of a kind that data cannot go straight to, or something else looks after the path.
        ConfigError: There is no such remote.
        RemoteError: The remote, or where the source is, cannot be used.
    """
    with hold(project) as held:
        place = _free(project, out)
        held.using(write=[place.path])
        found = place_of(source, project.config.named("remote")) if is_url(source) else Remote("", source, {})
        return record(project, place, send(project, found, remote, jobs))


def send(project: Project, source: Remote, remote: str | None, jobs: int | None) -> Artifact:
    """Sends a file or folder to a remote, where it is complete when this returns; nothing names it yet.

    Args:
        project: The project.
        source: A URL with the settings that reach it, or an absolute path.
        remote: As for `add_to_remote`, which also says what is raised.
        jobs: The same.
    """
    with Places(project, remote, jobs=jobs, check=prepare) as places:
        there = places.of()
        if not isinstance(there.holdings, LooseHoldings):
            raise Refused("Data goes straight only to remotes of DVC's layout.", "`push` goes by way of the cache.")
        files = _from_url(project, source, there) if is_url(source.url) else _from_here(project, source.url, there)
        artifact = _whole(project.layout.hash_name, files, there)
        there.store.settle()
        return artifact


def _free(project: Project, out: str) -> DataPlace:
    place = DataPlaces(project, spec.load(project)).find(out)
    if place.is_part:
        raise Refused(f"{out} lies in data that {place.data_file} tracks as a whole.", "Name another path with --out.")
    with disk.Folder(project.root) as folder:
        above = posixpath.dirname(place.data_file)
        if above and folder.stat(above) is None:
            raise BadInput(above, "does not exist", hint="Make the folder first.")
    return place


def _whole(algo: HashName, files: list[_File], there: Place) -> Artifact:
    """What was sent, as one artifact; the listing of a folder is sent after its files."""
    if [file.name for file in files] == [""]:
        return Artifact(files[0].digest, files[0].size)
    listings = _Listings(algo)
    artifact = write_manifest(listings, {file.name: Entry(file.name, file.digest, file.size) for file in files})
    there.store.settle()
    for digest, data in listings.held.items():
        there.store.put(object_key(digest), data)
    return artifact


class _Listings:
    """Keeps manifests in memory."""

    def __init__(self, algo: HashName) -> None:
        self.algo = algo
        self.held: dict[Digest, bytes] = {}

    def add_bytes(self, data: bytes, *, is_dir: bool = False) -> Digest:
        """Takes an object, and returns its digest."""
        digest = digest_bytes(self.algo, data, is_dir=is_dir)
        self.held[digest] = data
        return digest


# From this machine.


def _from_here(project: Project, source: str, there: Place) -> list[_File]:
    root, name = os.path.split(source)
    if not os.path.lexists(source):
        raise BadInput(source, "does not exist", hint="Check its spelling.")
    ignored = without_ignore_files(IgnoreRules(root, (), always=project.layout.ignores).ignored)
    found = files_at(root, name, project.layout.hash_name, project.stat_cache, ignored=ignored, report=project.report)
    files = [_File(path[len(name) + 1 :], entry.digest, entry.size) for path, entry in found.items()]
    paths = {file: f"{source}/{file.name}" if file.name else source for file in files}
    first = {file.digest: file for file in files}  # what is twice in a folder is sent once
    _all(project, there, first.values(), lambda file: _sent(there, file, paths[file]))
    return files


def _sent(there: Place, file: _File, path: str) -> None:
    key = object_key(file.digest)
    if there.store.size(key) == file.size:
        return
    digest = file.digest
    changed = partial(StoreError, f"{path} changed while it was sent.", "Run the same command again.")
    with CheckedFile(path, lambda: hasher(digest.algo), digest.hex, changed) as content:
        there.store.put_from(key, content)


def _all(project: Project, there: Place, files: Iterable[_File], work: Callable[[_File], None]) -> None:
    task, files = f"sending data to {there.store.url}", list(files)
    for number, (_, done) in enumerate(each(work, files, there.jobs), 1):
        if isinstance(done, AssayError):
            raise done
        project.report(Progress(task, number, len(files), "files"))
    project.report(Done(task))


# From a URL.


def _from_url(project: Project, found: Remote, there: Place) -> list[_File]:
    source = shown(found.url)
    above, _, name = found.url.rstrip("/").rpartition("/")
    if not name or not urlsplit(above).netloc:
        raise UsageError(f"{source} names no file.", "Name a file, or a folder in a bucket.")
    store = open_store(Remote(found.name, above, found.settings))
    task = f"sending data to {there.store.url}"
    files: list[_File] = []
    try:
        names = [name] if store.size(name) is not None else _below(found, store, f"{name}/")
        for key in names:
            files.append(_passed_on(project, partial(store.get_to, key), key[len(name) + 1 :], there))
            project.report(Progress(task, len(files), len(names), "files"))
    finally:
        store.close()
    if not files:
        raise BadInput(source, "does not exist", hint="Check its spelling.")
    project.report(Done(task))
    return files


def _below(place: Remote, store: RemoteStore, folder: str) -> list[str]:
    """The files below a folder, where a server says that; markers of folders are none."""
    if place.scheme in ("http", "https"):
        return []
    return sorted(key for key, _, _ in store.list(folder) if not key.endswith("/"))


def _passed_on(project: Project, get: Callable[[Passing], object], name: str, there: Place) -> _File:
    with _held(project) as held:
        get(held)
        file = _File(name, held.digest, held.file.size)
        held.file.close()
        _sent(there, file, held.file.path)
    return file


@contextmanager
def _held(project: Project) -> Iterator[Passing]:
    folder = project.tmp
    disk.make_folders(folder)
    with disk.NewFile(folder) as file:
        yield Passing(file, project.layout.hash_name)
