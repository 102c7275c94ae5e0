"""Experiments with everything they need, published and fetched: the order of law 1 in one place.

Publishing: the artifacts of every ref are worked out and sent first; a ref that needs something which cannot be sent
is left out and named; then Git objects, then refs. Fetching: Git objects, then artifacts; a ref is given back as
fetched only when all it needs is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager

from assay.engine.errors import AssayError, BadInput, UsageError
from assay.engine.model import Oid
from assay.engine.pipeline.tracked import Tracked, TreeFiles, tracked_at
from assay.engine.ports import GitTransport, RemoteStore, Report
from assay.engine.project import Project
from assay.remotes.artifacts.freight import Data, Freight, Places, Wanted
from assay.remotes.bucket.notes import BucketNotes
from assay.remotes.bucket.transport import BucketTransport
from assay.remotes.gitremotes import beside
from assay.remotes.layouts import copies_of, git_transport, guarded, open_for, prepare, require, stamped
from assay.remotes.reachable import Reachable
from assay.remotes.refs import fetch_refs, publish_refs
from assay.remotes.registry import Remote, limited
from assay.remotes.stores.watched import watched

_NOTHING: Data = {}


class _Outcome:
    """What a call has done so far; becomes a `Report`."""

    def __init__(self) -> None:
        self.refs: list[str] = []
        self.up_to_date: list[str] = []
        self.failed: dict[str, str] = {}

    def report(self, git: GitTransport, freight: Freight, objects: int, size: int) -> Report:
        """The report; ``objects`` and ``size`` are what the transport had moved before."""
        moved = freight.moved
        refs, same = tuple(self.refs), tuple(self.up_to_date)
        return Report(refs, same, git.objects - objects, moved.artifacts, moved.size + git.size - size, self.failed)


class StoreExchange:
    """Publishes to and fetches from one remote store, or with experiments in a Git repository beside it.

    Args:
        project: The project on this side.
        git: Git objects and refs on the other.
        places: Artifacts on the other.
        notes: Tags and notes on the other; None where they do not travel.
        load: Makes what carries artifacts.
        imports: Whether what was imported from other repositories is fetched from there.
    """

    def __init__(
        self,
        project: Project,
        git: GitTransport,
        places: Places,
        notes: BucketNotes | None,
        load: Callable[[Project, Places], Freight] = Freight,
        *,
        imports: bool = True,
    ) -> None:
        self.git = git
        self.notes = notes
        self.places = places
        self._project = project
        self._load = load
        self._imports = imports

    def publish(
        self, refs: Mapping[str, Oid], *, force: bool = False, data: Data | None = None, artifacts: bool = True
    ) -> Report:
        """Makes these local refs, and all they need, visible to others.

        Args:
            refs: Full names and values.
            force: Whether an experiment may replace another one of its name.
            data: Further artifacts to send, by project path.
            artifacts: Whether what the refs' commits track goes first; without, others see them and cannot have it.
        """
        before = self.git.objects, self.git.size
        outcome, freight = _Outcome(), self._load(self._project, self.places)
        needs, unreadable = needs_of(self._project, refs) if artifacts else (dict.fromkeys(refs, _NOTHING), {})
        outcome.failed.update(unreadable)
        freight.send(_all([*needs.values(), data or {}]))
        while self.places.renewed():
            freight.send(_all([*needs.values(), data or {}]))
        for name, needed in needs.items():
            if why := _why_not(needed, freight):
                outcome.failed[name] = f"It is not published, because {why}"
        for path, one in (data or {}).items():
            if why := freight.why_not(one):
                outcome.failed[path] = why
        ready = {name: oid for name, oid in refs.items() if name not in outcome.failed}
        if ready:
            self._publish_refs(ready, outcome, force=force)
            if isinstance(self.git, BucketTransport) and self.git.depth is not None:
                self.git.deepen(ready, self._project.repo.objects)
        self.places.tidy()
        outcome.failed.update(self._damaged())
        return outcome.report(self.git, freight, *before)

    def fetch(self, refs: Mapping[str, Oid], *, artifacts: bool = True, data: Data | None = None) -> Report:
        """Brings these remote refs' commits and, when asked, their artifacts.

        Args:
            refs: Full names and values, as `git.refs` gave them.
            artifacts: Whether to bring what they track.
            data: Further artifacts to bring, by project path.

        Raises:
            RemoteError: The commits cannot be brought; nothing that counts has changed here.
        """
        before = self.git.objects, self.git.size
        outcome, freight = _Outcome(), self._load(self._project, self.places)
        arrived, damaged = fetch_refs(self.git, refs, self._project.repo.objects, Reachable(self._project.repo))
        outcome.failed.update(damaged)
        importing: set[Oid] = set()
        needs, unreadable = _needs_of(self._project, arrived, importing) if artifacts else ({}, {})
        outcome.failed.update(unreadable)
        freight.bring(_all([*needs.values(), data or {}]))
        if importing and self._imports:
            self._bring_imports(importing, freight, outcome)
        for name, needed in needs.items():
            if why := _why_not(needed, freight):
                outcome.failed[name] = f"It is left out, because {why}"
        for path, one in (data or {}).items():
            if why := freight.why_not(one):
                outcome.failed[path] = why
        outcome.refs = [name for name in arrived if name not in outcome.failed]
        outcome.failed.update(self._damaged())
        return outcome.report(self.git, freight, *before)

    def _bring_imports(self, commits: Iterable[Oid], freight: Freight, outcome: _Outcome) -> None:
        """Brings what came from other repositories; what does not come keeps no experiment away."""
        from assay.remotes.imported import of_commits

        came = of_commits(self._project, commits)
        freight.moved.artifacts += came.moved.artifacts
        freight.moved.size += came.moved.size
        outcome.failed.update(came.failed)

    def _publish_refs(self, refs: Mapping[str, Oid], outcome: _Outcome, *, force: bool) -> None:
        done = publish_refs(self._project, self.git, refs, force=force)
        outcome.refs += done.refs
        outcome.up_to_date += done.up_to_date
        if done.same and not done.is_refused and isinstance(self.git, BucketTransport):
            try:
                self.git.confirm(done.same, self._project.repo.objects)
            except AssayError as error:
                outcome.failed.update(dict.fromkeys(done.same, error.message))
        outcome.failed.update(done.failed)

    def _damaged(self) -> dict[str, str]:
        """What was found damaged on the way: even where it stopped nothing, the remote is not as it should be."""
        return {
            key: f"{sentence} `assay fsck --remote --repair` mends what can be mended."
            for key, sentence in {**self.git.damaged, **self.places.damaged}.items()
        }


def needs_of(project: Project, refs: Mapping[str, Oid]) -> tuple[dict[str, Data], dict[str, str]]:
    """The artifacts that each ref's commit tracks; and the refs whose commits cannot be understood, with a sentence."""
    return _needs_of(project, refs, set())


def _needs_of(project: Project, refs: Mapping[str, Oid], importing: set[Oid]) -> tuple[dict[str, Data], dict[str, str]]:
    """`needs_of`; the commits that imported something from other repositories are added to ``importing``."""
    needs: dict[str, Data] = {}
    failed = {}
    known: dict[Oid, Data] = {}
    finder = TreeFiles(project.repo.objects)
    for name, oid in refs.items():
        try:
            if oid not in known:
                found = tracked_at(project, oid, finder)
                known[oid] = shared(found)
                if found.imported:
                    importing.add(oid)
            needs[name] = known[oid]
        except AssayError as error:
            failed[name] = error.message
    return needs, failed


def shared(tracked: Tracked) -> Data:
    """What of the tracked data is to be shared.

    Raises:
        BadInput: A pipeline file cannot be understood, so what it tracks is not known.
    """
    for path, sentence in tracked.errors.items():
        raise BadInput(path, f"what it tracks cannot be found out ({sentence.rstrip('.')})")
    return {
        path: Wanted(artifact, tracked.remotes.get(path, ""))
        for path, artifact in tracked.outs.items()
        if path not in tracked.kept_here and path not in tracked.imported
    }


def _all(groups: Iterable[Data]) -> list[Wanted]:
    return list(dict.fromkeys(one for group in groups for one in group.values()))


def _why_not(needed: Data, freight: Freight) -> str:
    for path, one in needed.items():
        if why := freight.why_not(one):
            return f"of what {path} needs, {why}"
    return ""


@contextmanager
def connected(project: Project, remote: Remote, *, write: bool, jobs: int | None = None) -> Iterator[StoreExchange]:
    """Opens the way to a remote, and closes it.

    Args:
        project: The project on this side.
        remote: The other side.
        write: Whether an empty place may become a remote.
        jobs: How many transfers at once; None for what the configuration says.

    Raises:
        RemoteError: There is nothing of ours, or of another hash, or no way there.
    """
    remote = limited(remote, jobs)
    if not remote.url:
        check = prepare if write else require
        with (
            Places(project, jobs=jobs, check=check) as places,
            closing(beside(project, remote, write=write)) as alone,
        ):
            yield StoreExchange(project, alone, places, None)
        return
    opened = watched(open_for(project, remote), project.report)
    if write:
        opened = stamped(project, opened, remote)
    git: GitTransport | None = None
    try:
        store = guarded(project, opened) if write else opened
        with Places(project, opened=(remote, store), jobs=jobs, check=prepare if write else require) as places:
            git = git_transport(project, store, remote, write=write)
            yield StoreExchange(project, git, places, notes_on(project, store, remote))
    finally:
        if git is not None:
            git.close()
        opened.close()


def set_depth(git: GitTransport, depth: int | None, *, push: bool = False) -> None:
    """Limits how much history travels; None for no limit. Raises UsageError where that is not for us to say."""
    if push and depth is not None and not isinstance(git, BucketTransport):
        raise UsageError(
            f"--depth says how much history a data remote gets, and here it goes to {git.url}, whole.",
            "Leave it out; `assay clone --depth` and `assay pull --depth` take less of it from there.",
        )
    git.depth = depth


def notes_on(project: Project, store: RemoteStore, remote: Remote) -> BucketNotes:
    """Tags and notes on a remote store."""
    return BucketNotes(store, copies_of(project, remote), project.layout.hash_name, remote.jobs)
