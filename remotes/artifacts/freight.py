"""Artifacts with all below them, sent and brought: each through the remote that it belongs to.

An output may name the one remote it is shared through (``remote:``); everything else goes through the remote that the
command is about. Of a directory, parts can be meant: then its files travel and its manifest stays, because a manifest
is published only with all that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.engine.model import Artifact, Digest
from assay.engine.ports import RemoteStore
from assay.engine.project import Project
from assay.engine.store.manifest import files_in
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.holdings import Holdings, Moved
from assay.remotes.collect.guard import renewed
from assay.remotes.layouts import copies_of, guarded, holdings, open_for, overwritten, prepare, require, stamped
from assay.remotes.registry import Remote, find, limited
from assay.remotes.stores.watched import watched


class Wanted(NamedTuple):
    """An artifact that is to travel.

    Attributes:
        artifact: What it is.
        remote: The one remote that it is shared through; empty for the one that the command is about.
        parts: The paths in it that are meant; none for all of it.
    """

    artifact: Artifact
    remote: str = ""
    parts: tuple[str, ...] = ()


Check = Callable[[Project, RemoteStore], None]
Data = Mapping[str, Wanted]
"""What is to travel, by project path."""


class Place(NamedTuple):
    """A remote that is open; ``jobs`` is how many transfers it takes at once."""

    store: RemoteStore
    holdings: Holdings
    jobs: int


class Places:
    """The remotes that artifacts go to and come from, opened when they are first needed.

    Args:
        project: The project.
        name: The remote that the command is about; the default one when None.
        opened: That remote and its store where it is open already; the store belongs to whoever opened it.
        jobs: How many transfers at once; None for what the configuration says.
        check: Refuses a remote that is none for this project; `prepare` makes one of an empty place.
        is_relied_on: Whether what is there counts without being read, so that what was written again is looked at.
    """

    def __init__(
        self,
        project: Project,
        name: str | None = None,
        opened: tuple[Remote, RemoteStore] | None = None,
        jobs: int | None = None,
        *,
        check: Check = require,
        is_relied_on: bool = False,
    ) -> None:
        self._project = project
        self._name = name
        self._jobs = jobs
        self._check = check
        self._is_relied_on = is_relied_on or check is not require
        self._open: dict[str, Place] = {}
        self._stores: list[RemoteStore] = []
        if opened is not None:
            self._open[""] = self._open[opened[0].name] = self._place(*opened)

    def of(self, name: str = "") -> Place:
        """A remote, "" being the one that the command is about.

        Raises:
            ConfigError: There is no such remote, or it cannot hold artifacts.
        """
        if name not in self._open:
            remote = limited(find(self._project, name or self._name), self._jobs)
            if remote.name not in self._open:
                store = watched(open_for(self._project, remote), self._project.report)
                if self._is_relied_on:
                    store = stamped(self._project, store, remote)
                self._stores.append(store)
                if self._check is prepare:
                    store = guarded(self._project, store)
                self._open[remote.name] = self._place(remote, store)
            self._open[name] = self._open[remote.name]
        return self._open[name]

    def _place(self, remote: Remote, store: RemoteStore) -> Place:
        self._check(self._project, store)
        return Place(store, holdings(self._project, store, remote, copies_of(self._project, remote)), remote.jobs)

    @property
    def damaged(self) -> dict[str, str]:
        """What was found damaged so far, by key, with a sentence."""
        places = dict.fromkeys(self._open.values())
        found = {key: text for place in places for key, text in place.holdings.damaged.items()}
        return found | {key: text for place in places for key, text in overwritten(place.store).items()}

    def renewed(self) -> bool:
        """Whether somewhere a collection began meanwhile, so that what was there may be about to go."""
        return sum(renewed(place.store) for place in dict.fromkeys(self._open.values())) > 0  # each is to be asked

    def tidy(self) -> None:
        """Puts in order what was sent, once it is published."""
        for place in dict.fromkeys(self._open.values()):
            place.holdings.tidy()

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes what was opened here."""
        for store in self._stores:
            store.close()


class Freight:
    """Artifacts of a project on their way.

    Args:
        project: The project.
        places: Where they go to or come from.

    Attributes:
        moved: What travelled so far, and what is left.
        contents: What the manifests name.
    """

    def __init__(self, project: Project, places: Places) -> None:
        self.moved = Moved()
        self.contents = Contents(project.cache)
        self._cache = project.cache
        self._places = places

    def send(self, wanted: Iterable[Wanted]) -> None:
        """Sends what the remotes lack of these artifacts. Raises RemoteError when one refuses altogether."""
        for name, group in by_remote(wanted).items():
            held = self._places.of(name).holdings
            complete = {one.artifact.digest for one in group if not one.parts}
            complete -= (known := held.whole(complete))
            group = [one for one in group if one.parts or one.artifact.digest not in known]
            if not group:
                continue
            roots = {one.artifact.digest for one in group}
            self._cache.keep_lent(roots)
            everything, closed = self.contents.walk(roots)
            if closed := closed - self.contents.broken.keys():
                # manifests that only the remote has say which files must be there
                self._count(held.bring(closed, self.contents, only_manifests=True), counts=False)
            if closed or any(one.parts for one in group):
                everything, _ = self.contents.walk(one.artifact.digest for one in group if not one.parts)
            for one in group:
                everything |= self._parts(one)
            sent = held.send(everything, self.contents)
            self._count(sent)
            if not (sent.artifacts or sent.failed):
                held.remember(complete, self.contents)
        self.moved.failed.update(self.contents.broken)

    def bring(self, wanted: Iterable[Wanted]) -> None:
        """Brings what the cache lacks of these artifacts. Raises RemoteError when a remote refuses altogether."""
        for name, group in by_remote(wanted).items():
            self._cache.keep_lent(one.artifact.digest for one in group)
            roots = {one.artifact.digest for one in group if not one.parts}
            partly = [one for one in group if one.parts]
            everything, closed = self.contents.walk(roots)
            if partly or closed or self._cache.missing(everything):
                held = self._places.of(name).holdings
                self._count(held.bring((one.artifact.digest for one in partly), self.contents, only_manifests=True))
                for one in partly:
                    roots |= self._parts(one)
                self._count(held.bring(roots, self.contents))
        self.moved.failed.update(self.contents.broken)

    def why_not(self, one: Wanted) -> str:
        """Why an artifact, or what is meant of it, did not travel; empty when all of it did."""
        if not one.parts:
            return self.contents.why_not(one.artifact.digest, self.moved.failed)
        why = self.moved.failed.get(one.artifact.digest, "")
        if why:
            return why
        parts = self._parts(one)
        if not parts:
            return f"there is no {' or '.join(one.parts)} in it."
        return next((self.moved.failed[digest] for digest in parts if digest in self.moved.failed), "")

    def _parts(self, one: Wanted) -> set[Digest]:
        """The files that are meant of a directory whose manifest is here; none when all are, or it is damaged."""
        if not one.parts or not one.artifact.digest.is_dir:
            return set()
        from assay.engine.workspace.files import within

        covers = within(one.parts)
        try:
            return {entry.digest for path, entry in files_in(self._cache, one.artifact.digest) if covers(path)}
        except AssayError as error:
            self.moved.failed.setdefault(one.artifact.digest, error.message)
            return set()

    def _count(self, moved: Moved, *, counts: bool = True) -> None:
        if counts:
            self.moved.artifacts += moved.artifacts
            self.moved.size += moved.size
            self.moved.failed.update(moved.failed)


def by_remote(wanted: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    """Artifacts by the remote that each belongs to, "" being the one that the command is about."""
    groups: dict[str, list[Wanted]] = {}
    for one in wanted:
        groups.setdefault(one.remote, []).append(one)
    return groups
