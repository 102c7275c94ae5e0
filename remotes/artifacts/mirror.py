"""Data on its way to remotes whose files have the names of the workspace, in buckets that keep versions.

A file lies at the remote's URL and its project path; what was pushed before stays at the version that was recorded of
it. A file is sent unless the bucket has the recorded version, or has at that name what the file's md5 says. Where the
remote is to be like the workspace (``worktree``), an older version that was recorded is not enough, and what a folder
does not hold any more is removed there, which its versions outlive.

Limits: only outputs of the workspace and only S3; nothing is removed outside the folders that are pushed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from assay.engine.errors import AssayError, RemoteError, StoreError
from assay.engine.events import Done, Note, Progress, Warned
from assay.engine.model import Digest
from assay.engine.pipeline.clouds import Kept, Record
from assay.engine.project import Project
from assay.engine.words import counted
from assay.remotes.artifacts.freight import Wanted
from assay.remotes.artifacts.holdings import Moved, Patience
from assay.remotes.artifacts.versioned import Versions, files_of
from assay.remotes.layouts import copies_of, is_worktree
from assay.remotes.parallel import each
from assay.remotes.registry import Remote, versioned_store
from assay.remotes.s3.versions import Version, VersionedStore
from assay.remotes.stores.retry import patiently
from assay.remotes.verify import CachedObject

_ATTEMPTS = 4


class Sent(NamedTuple):
    """What a push did.

    Attributes:
        moved: What travelled.
        failed: What is left, by name, with a sentence.
    """

    moved: Moved
    failed: dict[str, str]


class _File(NamedTuple):
    """A file that is to be there: whose it is, where in it, what it is, its key, and the recorded version's name."""

    name: str
    below: str
    digest: Digest
    key: str
    version: str


def send(
    project: Project, remote: Remote, wanted: Mapping[str, tuple[Wanted, Versions]], records: dict[str, Record]
) -> Sent:
    """Makes sure that a remote has the files of some outputs.

    Args:
        project: The project.
        remote: The remote.
        wanted: What is to be there, by name.
        records: Which versions are there is added to this, by the project path of the output; also when it raises.

    Raises:
        ConfigError: It is a remote of a kind that keeps no versions.
        RemoteError: It refuses altogether.
    """
    store = versioned_store(remote, copies_of(project, remote).path("uploads"))
    try:
        patiently(store.require_versions)
        push = _Push(project, remote, store, wanted)
        try:
            return push.done()
        finally:
            records |= push.records
    finally:
        store.close()


class _Push:
    """One push to one remote."""

    def __init__(
        self, project: Project, remote: Remote, store: VersionedStore, wanted: Mapping[str, tuple[Wanted, Versions]]
    ) -> None:
        self._project = project
        self._remote = remote
        self._store = store
        self._wanted = wanted
        self._is_worktree = is_worktree(remote)
        self._moved = Moved()
        self._kept: dict[str, dict[str, Kept]] = {}
        self._failed: dict[str, str] = {}

    def done(self) -> Sent:
        """Sends what is missing, and says what is there."""
        files = [file for name in self._wanted for file in self._files(name)]
        missing = list(self._missing(files))
        self._send(missing)
        if self._is_worktree:
            self._remove_others(files)
        return Sent(self._moved, self._failed)

    @property
    def records(self) -> dict[str, Record]:
        """Which versions are there, as far as is known by now, by the project path of the output."""
        found = {}
        for name, kept in self._kept.items():
            one, versions = self._wanted[name]
            found[versions.path] = Record(one.artifact.digest, self._remote.name, kept)
        return found

    def _files(self, name: str) -> Iterator[_File]:
        one, versions = self._wanted[name]
        self._project.cache.keep_lent([one.artifact.digest])
        known = versions.on(self._remote.name)
        try:
            for below, digest in files_of(self._project.cache, one):
                key = f"{versions.path}/{below}" if below else versions.path
                yield _File(name, below, digest, key, known.get(below, ""))
        except StoreError as error:
            self._failed[name] = error.message

    def _missing(self, files: list[_File]) -> Iterator[_File]:
        """What must be sent; what is there is kept in mind."""
        task = f"looking at {self._remote.url}"
        for number, (file, found) in enumerate(each(self._there, self._single(files), self._remote.jobs), 1):
            if isinstance(found, AssayError):
                raise found
            self._project.report(Progress(task, number, len(files), "files"))
            if self._is_there(file, found):
                continue
            yield file
        for folder, group in self._folders(files).items():
            there: dict[str, list[Version]] = {}
            for key, version in self._store.versions(f"{folder}/"):
                there.setdefault(key, []).append(version)
            for file in group:
                if not self._is_there(file, there.get(file.key, [])):
                    yield file
        if files:
            self._project.report(Done(task))

    def _single(self, files: list[_File]) -> list[_File]:
        return [file for file in files if not file.below]

    def _folders(self, files: list[_File]) -> dict[str, list[_File]]:
        groups: dict[str, list[_File]] = {}
        for file in files:
            if file.below:
                groups.setdefault(self._wanted[file.name][1].path, []).append(file)
        return groups

    def _there(self, file: _File) -> list[Version]:
        """The versions of one file that matter: the latest, and the recorded one."""
        latest = patiently(partial(self._store.latest, file.key))
        found = [latest] if latest is not None else []
        if file.version and (latest is None or latest.name != file.version):
            older = patiently(partial(self._store.version, file.key, file.version))
            found += [older._replace(is_latest=False)] if older is not None else []
        return found

    def _is_there(self, file: _File, found: list[Version]) -> bool:
        """Whether a file need not be sent, because of one of the versions of its key."""
        size = self._project.cache.size(file.digest)
        same = [version for version in found if version.name and size in (None, version.size)]
        latest = next((version for version in same if version.is_latest), None)
        before = next((version for version in same if file.version and version.name == file.version), None)
        if before is not None:
            self._keep(file, before)
            return not self._is_worktree or (latest is not None and latest.etag == before.etag)
        is_it = latest is not None and file.digest.algo == "md5" and latest.etag == file.digest.hex
        if latest is not None and is_it:
            self._keep(file, latest)
        return is_it

    def _keep(self, file: _File, version: Version) -> None:
        kept = Kept(version.etag, version.name, version.size)
        self._kept.setdefault(file.name, {}).setdefault(file.below, kept)

    def _send(self, files: list[_File]) -> None:
        task, patience, cache = f"sending data to {self._remote.url}", Patience(), self._project.cache

        def send(file: _File) -> Version | str:
            try:
                with CachedObject(cache, file.digest) as source:

                    def attempt() -> Version:
                        source.restart()
                        return self._store.put_version(file.key, source)

                    sent = patiently(attempt, _ATTEMPTS)
            except StoreError as error:
                return error.message
            except RemoteError as error:
                return patience.refused(error)
            patience.passed()
            return sent

        for number, (file, done) in enumerate(each(send, files, self._remote.jobs), 1):
            if isinstance(done, AssayError):
                raise done
            if isinstance(done, str):
                self._failed.setdefault(file.name, f"{file.key}: {done}" if file.below else done)
            else:
                self._keep(file, done)
                self._moved.artifacts += 1
                self._moved.size += done.size
            self._project.report(Progress(task, number, len(files), "files"))
        if files:
            self._project.report(Done(task))

    def _remove_others(self, files: list[_File]) -> None:
        """Removes what whole folders do not hold any more, once all that they hold is there."""
        own: dict[str, set[str]] = {name: set() for name in self._wanted}
        for file in files:
            own[file.name].add(file.key)
        everything = {file.key for file in files}
        for name, (one, versions) in self._wanted.items():
            if name not in self._failed and not one.parts and one.artifact.digest.is_dir:
                self._remove_but(versions.path, own[name], everything)

    def _remove_but(self, folder: str, own: set[str], others: set[str]) -> None:
        there = {key for key, _ in self._store.items(f"{folder}/")}
        if lost := own - there:  # it is there by another name, or somebody removes things, too
            lacking = f"{self._remote.url} does not list {min(lost)}, which was sent there"
            self._project.report(Warned(f"Nothing below {folder} is removed there, because {lacking}."))
            return
        gone = sorted(there - others)
        self._store.delete(gone)
        if gone:
            went = counted(len(gone), "file")
            self._project.report(Note(f"{went} that {folder} does not hold went from {self._remote.url}."))
