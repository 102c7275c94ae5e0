"""Transfers that are only played through: what would travel, counted, and nothing changed on either side.

The same code as in earnest goes over stand-ins. Artifacts are looked for and not moved; the remote's refs are read and
not written; Git objects that come go into a folder of objects that is removed in the end, since what they say tells
which data would come. Of a directory whose manifest is not here, what its lock entry says is counted: then the numbers
are upper bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

from assay.engine import disk
from assay.engine.experiments.chosen import Which, check
from assay.engine.model import Digest, Oid
from assay.engine.ports import GitTransport, ObjectSource, PackSink, RefResult, RefUpdate, Report
from assay.engine.project import Project
from assay.engine.store.manifest import files_in
from assay.remotes import branches
from assay.remotes.artifacts import runs
from assay.remotes.artifacts.freight import Check, Freight, Places, Wanted, by_remote
from assay.remotes.bucket.notes import BucketNotes
from assay.remotes.exchange import StoreExchange, notes_on, set_depth
from assay.remotes.gitremotes import beside, meant
from assay.remotes.how import AS_USUAL, How
from assay.remotes.layouts import git_transport, require, stamped, suits
from assay.remotes.moves import expected, why_not
from assay.remotes.pull import compared, incoming
from assay.remotes.push import outgoing
from assay.remotes.registry import Remote, limited, open_store
from assay.remotes.selection import Scope, Selected, selected_data


class Estimate(Freight):
    """Artifacts that stay where they are.

    Attributes:
        is_bound: Whether less may travel than was counted.
    """

    def __init__(self, project: Project, places: Places) -> None:
        super().__init__(project, places)
        self.is_bound = False
        self._seen: set[Digest] = set()

    def send(self, wanted: Iterable[Wanted]) -> None:
        """Counts what the remotes lack of these artifacts."""
        for name, group in by_remote(wanted).items():
            everything, _ = self.contents.walk(one.artifact.digest for one in group if not one.parts)
            for one in group:
                everything |= self._parts(one)
            everything -= self._seen
            self._seen |= everything
            for digest in everything - self._places.of(name).holdings.known(everything):
                size = self._cache.size(digest)
                if size is None:
                    self.moved.failed[digest] = f"{digest} is neither in the cache nor on the remote."
                else:
                    self.add(1, size)
        self.moved.failed.update(self.contents.broken)

    def bring(self, wanted: Iterable[Wanted]) -> None:
        """Counts what the cache lacks of these artifacts, and asks whether the remotes have it."""
        for name, group in by_remote(wanted).items():
            held = self._places.of(name).holdings
            self.contents.peek(held, (one.artifact.digest for one in group))
            needs = {one: self._cache.missing(self._within(one)) - self._seen for one in group}
            missing = {digest for digests in needs.values() for digest in digests}
            there = held.known(missing) if missing else set()
            self.moved.failed.update((digest, f"{digest} is not on the remote.") for digest in missing - there)
            for one, digests in needs.items():
                if coming := (digests & there) - self._seen:
                    self._count_coming(one, coming)
                self._seen |= digests
        self.moved.failed.update(self.contents.broken)

    def _within(self, one: Wanted) -> set[Digest]:
        """What of an artifact is meant, as far as that can be known here."""
        everything, closed = self.contents.walk([one.artifact.digest])
        return self._parts(one) if one.parts and not closed else everything

    def _count_coming(self, one: Wanted, coming: set[Digest]) -> None:
        """Counts what comes of an artifact: exactly, or what its lock entry says of all of it."""
        artifact = one.artifact
        if not artifact.digest.is_dir:
            self.add(1, artifact.size or 0)
        elif self.contents.walk([artifact.digest])[1]:
            self.is_bound = True
            self.add(1 + (artifact.nfiles or 0), artifact.size or 0)
        else:
            sizes = {entry.digest: entry.size for _, entry in files_in(self._cache, artifact.digest)}
            known = [len(self._cache.read(digest)) if digest.is_dir else sizes.get(digest) for digest in coming]
            self.is_bound = self.is_bound or None in known
            self.add(len(coming), artifact.size or 0 if None in known else sum(size or 0 for size in known))

    def add(self, artifacts: int, size: int) -> None:
        """Counts something."""
        self.moved.artifacts += artifacts
        self.moved.size += size


class _Git:
    """A way to objects and refs on which nothing is written there."""

    def __init__(self, git: GitTransport, project: Project) -> None:
        self.url = git.url
        self.depth: int | None = None
        self.objects = 0
        self.size = 0
        self._git = git
        self._project = project

    @property
    def damaged(self) -> Mapping[str, str]:
        return self._git.damaged

    @property
    def damaged_refs(self) -> Mapping[str, str]:
        return self._git.damaged_refs

    def head(self) -> str | None:
        return self._git.head()

    def refs(self, prefixes: Sequence[str]) -> Mapping[str, Oid]:
        return self._git.refs(prefixes)

    def fetch(
        self, wants: Iterable[Oid], have: ObjectSource, into: PackSink, *, complete: Callable[[Oid], bool]
    ) -> int:
        before = self._git.objects
        size = self._git.fetch(wants, have, into, complete=complete)
        self.objects += self._git.objects - before
        self.size += size
        return size

    def unsent(self, wants: Sequence[Oid], source: ObjectSource) -> Sequence[Oid]:
        return self._git.unsent(wants, source)

    def push(self, updates: Sequence[RefUpdate], source: ObjectSource) -> list[RefResult]:
        there = self._git.refs([update.refname for update in updates])
        problems = {}
        for update in updates:
            now = there.get(update.refname)
            problems[update.refname] = why_not(update, now, source) or expected(update, now)
        wants = [update.new for update in updates if update.new is not None and not problems[update.refname]]
        oids = self._git.unsent(wants, source)
        self.objects += len(oids)
        self.size += self._project.repo.objects.pack_size(oids) if oids else 0
        return [RefResult(update.refname, problems[update.refname]) for update in updates]

    def close(self) -> None:
        self._git.close()


class Played(NamedTuple):
    """A transfer under way.

    Attributes:
        exchange: Carries it out over stand-ins.
        transport: The real way to objects and refs, behind its stand-in.
        notes: Tags and notes of the remote, to be read; None where they do not travel.
        estimate: What was counted of artifacts.
    """

    exchange: StoreExchange
    transport: GitTransport
    notes: BucketNotes | None
    estimate: Estimate

    def forecast(self, report: Report) -> Forecast:
        """The outcome: the report, with everything that was counted."""
        git, moved = self.exchange.git, self.estimate.moved
        report = report._replace(objects=git.objects, artifacts=moved.artifacts, size=git.size + moved.size)
        return Forecast(report, self.estimate.is_bound)


class Forecast(NamedTuple):
    """What a transfer would do.

    Attributes:
        report: As of the transfer itself; ``refs`` are those that would move.
        is_bound: Whether less may travel than the report says.
    """

    report: Report
    is_bound: bool


def push(project: Project, which: Which, how: How = AS_USUAL, *, branch: bool | None = None) -> Forecast:
    """What `push.push_chosen` would do. Arguments and errors are its own."""
    target, refs, data = outgoing(project, which, how, branch=branch)
    with played(project, target, how.jobs, suits) as way:
        set_depth(way.transport, how.depth, push=True)
        report = way.exchange.publish(refs, force=how.force, data=data, artifacts=how.artifacts)
        if how.run_cache and how.artifacts:
            _add_runs_out(project, way.estimate, way.exchange.places)
        return way.forecast(report)


def pull(project: Project, which: Which, how: How = AS_USUAL, *, branch: bool | None = None) -> Forecast:
    """What `pull.pull_chosen` would fetch. Arguments and errors are its own."""
    check(which)
    source = meant(project, how.remote)
    with scratch(project) as here, played(here, source, how.jobs) as way:
        git, wanted = way.exchange.git, branches.prefixes(project, source, which, branch)
        if how.depth is not None:  # as in earnest: this history first
            set_depth(way.transport, how.depth)
            deepened = branches.prefixes(project, source, which, branch, ff=True)
            way.exchange.fetch(git.refs(deepened or [branches.HEADS]), artifacts=False)
            set_depth(way.transport, None)
        found, data, _ = incoming(here, source, way.exchange, way.notes, which, how)
        new, known, refused = compared(project, found.refs, force=how.force)
        report = way.exchange.fetch({**new, **known}, artifacts=how.artifacts, data=data)
        if wanted and how.depth is None:
            way.exchange.fetch(git.refs(wanted), artifacts=False)
        if how.run_cache and how.artifacts:
            _add_runs_in(project, way.estimate, way.exchange.places)
        failed = {**found.failed, **refused, **report.failed, **git.damaged_refs}
        complete = [name for name in report.refs if name not in failed]
        refs, same = (tuple(name for name in complete if name in some) for some in (new, known))
        report = report._replace(refs=refs, up_to_date=same, failed=failed)
        return way.forecast(report)


def push_data(project: Project, scope: Scope, how: How = AS_USUAL) -> Forecast:
    """What `data.push_data` would send. Raises as that does."""
    selected = selected_data(project, scope, how.remote, push=True)
    with Places(project, how.remote, jobs=how.jobs, check=suits) as places:
        places.of()
        estimate = Estimate(project, places)
        estimate.send(selected.data.values())
        if how.run_cache:
            _add_runs_out(project, estimate, places)
        return _forecast_of(estimate, selected)


def fetch_data(project: Project, scope: Scope, how: How = AS_USUAL) -> Forecast:
    """What `data.fetch_data` would bring. Raises as that does."""
    selected = selected_data(project, scope, how.remote, push=False)
    with Places(project, how.remote, jobs=how.jobs) as places:
        estimate = Estimate(project, places)
        estimate.bring(selected.data.values())
        if how.run_cache:
            _add_runs_in(project, estimate, places)
        return _forecast_of(estimate, selected)


def _forecast_of(estimate: Estimate, selected: Selected) -> Forecast:
    why = {path: estimate.why_not(one) for path, one in selected.data.items()}
    failed = {**selected.problems, **{path: text for path, text in why.items() if text}}
    moved = estimate.moved
    return Forecast(Report((), (), 0, moved.artifacts, moved.size, failed), estimate.is_bound)


def _add_runs_out(project: Project, estimate: Estimate, places: Places) -> None:
    """Counts the entries of the run cache that would go, and what they speak of."""
    entries = runs.unsent(project, places.of().store)
    nowhere = dict(estimate.moved.failed)
    estimate.send(runs.spoken_of(entries))
    for data, entry in entries.values():
        outs = [Wanted(artifact) for artifact in entry.outs.values() if artifact]
        if not any(estimate.why_not(one) for one in outs):
            estimate.add(1, len(data))
    estimate.moved.failed = nowhere  # nobody asked for single ones


def _add_runs_in(project: Project, estimate: Estimate, places: Places) -> None:
    """Counts the entries of the run cache that would come."""
    for size in runs.unfetched(project, places.of().store).values():
        estimate.add(1, size)


@contextmanager
def played(project: Project, remote: Remote, jobs: int | None = None, check: Check = require) -> Iterator[Played]:
    """Opens a way to a remote on which nothing moves, and closes it. Raises as `exchange.connected`."""
    remote = limited(remote, jobs)
    if not remote.url:
        with (
            Places(project, jobs=jobs, check=check, is_relied_on=True) as places,
            closing(beside(project, remote, write=check is suits)) as alone,
        ):
            estimate = Estimate(project, places)
            exchange = StoreExchange(project, _Git(alone, project), places, None, lambda *_: estimate, imports=False)
            yield Played(exchange, alone, None, estimate)
        return
    store = stamped(project, open_store(remote), remote)
    git: GitTransport | None = None
    try:
        with Places(project, opened=(remote, store), jobs=jobs, check=check, is_relied_on=True) as places:
            git = git_transport(project, store, remote, write=check is suits)
            estimate = Estimate(project, places)
            exchange = StoreExchange(project, _Git(git, project), places, None, lambda *_: estimate, imports=False)
            yield Played(exchange, git, notes_on(project, store, remote), estimate)
    finally:
        if git is not None:
            git.close()
        store.close()


@contextmanager
def scratch(project: Project) -> Iterator[Project]:
    """The project as it is, except that Git objects which come go into a folder that is removed in the end."""
    folder = f"{project.tmp}/rehearsal-{project.world.ids.nonce()}"
    repo = project.repo.with_objects_in(f"{folder}/objects")
    try:
        disk.make_folders(f"{folder}/objects/info")
        disk.make_folders(f"{folder}/objects/pack")
        disk.write_atomic(f"{folder}/objects/info/alternates", f"{project.repo.common_dir}/objects\n".encode())
        report, world = project.report, project.world
        yield Project(project.root, project.layout, project.config, repo, world, report, has_git=project.has_git)
    except OSError as error:
        raise disk.no_space(error, folder) from error
    finally:
        repo.close()
        disk.remove_tree(folder)
