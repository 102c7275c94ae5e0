"""Experiments with everything they need, published and fetched: the order of law 1 in one place.

Publishing: the artifacts of every ref are worked out and sent first; a ref that needs something which cannot be sent
is left out and named; then Git objects, then refs. Fetching: Git objects, then artifacts; a ref is given back as
fetched only when all it needs is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from assay.engine.errors import AssayError, BadInput
from assay.engine.events import Warned
from assay.engine.git.reach import is_ancestor
from assay.engine.model import Artifact, Digest, Oid
from assay.engine.pipeline.tracked import Tracked, TreeFiles, tracked_at
from assay.engine.ports import RefUpdate, RemoteStore, Report
from assay.engine.project import Project
from assay.remotes import native
from assay.remotes.bucket import BucketTransport, fetch_refs
from assay.remotes.bucket_notes import BucketNotes
from assay.remotes.choose import is_experiment
from assay.remotes.contents import Contents
from assay.remotes.copies import Copies
from assay.remotes.download import Download
from assay.remotes.reachable import Reachable
from assay.remotes.registry import Remote, open_store
from assay.remotes.shelf import Shelf
from assay.remotes.upload import Upload

Data = Mapping[str, Artifact]
"""Artifacts by project path."""


@dataclass
class _Outcome:
    """What a call has done so far; becomes a `Report`."""

    refs: list[str] = field(default_factory=list)
    up_to_date: list[str] = field(default_factory=list)
    artifacts: int = 0
    size: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def report(self, git: BucketTransport, objects: int, size: int) -> Report:
        """The report; ``objects`` and ``size`` are what the transport had moved before."""
        moved = git.size - size
        refs, same = tuple(self.refs), tuple(self.up_to_date)
        return Report(refs, same, git.objects - objects, self.artifacts, self.size + moved, self.failed)


class StoreExchange:
    """Publishes to and fetches from one remote store.

    Args:
        project: The project on this side.
        git: Git objects and refs on the other.
        shelf: Artifacts on the other.
        notes: Tags and notes on the other.
    """

    def __init__(self, project: Project, git: BucketTransport, shelf: Shelf, notes: BucketNotes) -> None:
        self.git = git
        self.notes = notes
        self._project = project
        self._shelf = shelf

    def publish(self, refs: Mapping[str, Oid], *, force: bool = False, data: Data | None = None) -> Report:
        """Makes these local refs, and all they need, visible to others.

        Args:
            refs: Full names and values.
            force: Whether an experiment may replace another one of its name.
            data: Further artifacts to send, by project path.
        """
        before = self.git.objects, self.git.size
        outcome = _Outcome()
        needs, unreadable = self._needs(refs)
        outcome.failed.update(unreadable)
        contents, failed = self._send_artifacts([*needs.values(), data or {}], outcome)
        for name, needed in needs.items():
            if why := _why_not(needed, contents, failed):
                outcome.failed[name] = f"It is not published, because {why}"
        for path, artifact in (data or {}).items():
            if why := contents.why_not(artifact.digest, failed):
                outcome.failed[path] = why
        ready = {name: oid for name, oid in refs.items() if name not in outcome.failed}
        if ready:
            self._publish_refs(ready, outcome, force=force)
        self._warn()
        return outcome.report(self.git, *before)

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
        outcome = _Outcome()
        arrived, damaged = fetch_refs(self.git, refs, self._project.repo.objects, Reachable(self._project.repo))
        outcome.failed.update(damaged)
        needs, unreadable = self._needs(arrived) if artifacts else ({}, {})
        outcome.failed.update(unreadable)
        contents = Contents(self._project.cache)
        failed = self._bring_artifacts([*needs.values(), data or {}], contents, outcome)
        for name, needed in needs.items():
            if why := _why_not(needed, contents, failed):
                outcome.failed[name] = f"It is left out, because {why}"
        for path, artifact in (data or {}).items():
            if why := contents.why_not(artifact.digest, failed):
                outcome.failed[path] = why
        outcome.refs = [name for name in arrived if name not in outcome.failed]
        self._warn()
        return outcome.report(self.git, *before)

    def _needs(self, refs: Mapping[str, Oid]) -> tuple[dict[str, Data], dict[str, str]]:
        """The artifacts that each ref's commit tracks; and the refs whose commits cannot be understood."""
        needs: dict[str, Data] = {}
        failed = {}
        known: dict[Oid, Data] = {}
        finder = TreeFiles(self._project.repo.objects)
        for name, oid in refs.items():
            try:
                if oid not in known:
                    known[oid] = shared(tracked_at(self._project, oid, finder))
                needs[name] = known[oid]
            except AssayError as error:
                failed[name] = error.message
        return needs, failed

    def _send_artifacts(self, groups: list[Data], outcome: _Outcome) -> tuple[Contents, dict[Digest, str]]:
        roots = {artifact.digest for group in groups for artifact in group.values()}
        contents = Contents(self._project.cache)
        if not roots:
            return contents, {}
        self._shelf.refresh()
        everything, closed = contents.walk(roots)
        closed -= contents.broken.keys()
        if closed:  # manifests that only the remote has say which files must be there
            report = self._project.report
            Download(self._project.cache, self._shelf, contents, report).fetch(closed, only_manifests=True)
            everything, _ = contents.walk(roots)
        sent = Upload(self._project.cache, self._shelf, self._project.report).send(everything)
        outcome.artifacts += sent.artifacts
        outcome.size += sent.size
        return contents, {**sent.failed, **contents.broken}

    def _bring_artifacts(self, groups: list[Data], contents: Contents, outcome: _Outcome) -> dict[Digest, str]:
        roots = {artifact.digest for group in groups for artifact in group.values()}
        if not roots:
            return {}
        if _is_here(self._project, contents, roots):
            return {}
        self._shelf.refresh()
        brought = Download(self._project.cache, self._shelf, contents, self._project.report).fetch(roots)
        outcome.artifacts += brought.artifacts
        outcome.size += brought.size
        return brought.failed

    def _publish_refs(self, refs: Mapping[str, Oid], outcome: _Outcome, *, force: bool) -> None:
        there = self.git.refs(list(refs))
        updates = []
        for name, oid in refs.items():
            now = there.get(name)
            if now == oid or self._is_behind(name, oid, now):
                outcome.up_to_date.append(name)
            elif now is not None and is_experiment(name) and not force:
                outcome.failed[name] = f"The remote has another experiment of that name, {now.hex()[:7]}."
            else:
                updates.append(RefUpdate(name, now, oid))
        try:
            results = self.git.push(updates, self._project.repo.objects) if updates else []
        except AssayError as error:
            outcome.failed.update((update.refname, error.message) for update in updates)
            return
        for result in results:
            if result.problem:
                outcome.failed[result.refname] = result.problem
            else:
                outcome.refs.append(result.refname)

    def _is_behind(self, name: str, oid: Oid, there: Oid | None) -> bool:
        """Whether a branch has nothing that the remote's does not have."""
        objects, shallow = self._project.repo.objects, self._project.repo.shallow
        if not name.startswith("refs/heads/") or there is None or there not in objects:
            return False
        return is_ancestor(objects, oid, there, shallow=shallow)

    def _warn(self) -> None:
        for sentence in {**self._shelf.damaged, **self.git.damaged}.values():
            self._project.report(Warned(sentence))


def shared(tracked: Tracked) -> Data:
    """What of the tracked data is to be shared.

    Raises:
        BadInput: A pipeline file cannot be understood, so what it tracks is not known.
    """
    for path, sentence in tracked.errors.items():
        raise BadInput(path, f"what it tracks cannot be found out ({sentence.rstrip('.')})")
    return {path: artifact for path, artifact in tracked.outs.items() if path not in tracked.kept_here}


def _is_here(project: Project, contents: Contents, roots: set[Digest]) -> bool:
    everything, closed = contents.walk(roots)
    return not closed and not project.cache.missing(everything)


def _why_not(needed: Data, contents: Contents, failed: Mapping[Digest, str]) -> str:
    for path, artifact in needed.items():
        if why := contents.why_not(artifact.digest, failed):
            return f"of what {path} needs, {why}"
    return ""


@contextmanager
def connected(project: Project, remote: Remote, *, write: bool) -> Iterator[StoreExchange]:
    """Opens the way to a remote, and closes it.

    Args:
        project: The project on this side.
        remote: The other side.
        write: Whether an empty place may become a remote.

    Raises:
        RemoteError: There is nothing of ours, or of another hash, or no way there.
    """
    store = open_store(remote)
    try:
        yield exchange_with(project, store, remote, write=write)
    finally:
        store.close()


def exchange_with(project: Project, store: RemoteStore, remote: Remote, *, write: bool) -> StoreExchange:
    """The exchange over a store that is open. Raises as `connected`."""
    hash_name = project.layout.hash_name
    (native.prepare if write else native.require)(store, hash_name)
    identity = sha256(f"{remote.url}\n{remote.settings.get('endpointurl', '')}".encode()).hexdigest()[:16]
    copies = Copies(f"{project.tmp}/remotes/{identity}")
    repo, world, jobs = project.repo, project.world, remote.jobs
    git = BucketTransport(
        store, hash_name, copies, f"{project.state}/incoming", repo.objects.pack_to, world.clock, world.ids,
        jobs=jobs, report=project.report,
    )  # fmt: skip
    shelf, notes = Shelf(store, copies, hash_name, jobs), BucketNotes(store, copies, hash_name, jobs)
    return StoreExchange(project, git, shelf, notes)
