"""Data alone, without experiments: what ``dvc push``, ``fetch`` and ``pull`` do, through the remotes of the project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from assay.engine.errors import ConfigError, Refused, UsageError
from assay.engine.events import Warned
from assay.engine.model import Artifact, Digest
from assay.engine.ports import Report
from assay.engine.project import Project
from assay.engine.store.manifest import files_in
from assay.engine.workspace.files import within
from assay.remotes.artifacts import runs
from assay.remotes.artifacts.contents import Contents
from assay.remotes.artifacts.freight import Data, Freight, Places, Wanted, by_remote
from assay.remotes.artifacts.holdings import Moved
from assay.remotes.layouts import is_versioned, keeps_versions, prepare
from assay.remotes.registry import Remote, find, limited
from assay.remotes.selection import EVERYTHING, Scope, Selected, selected_data

if TYPE_CHECKING:
    from assay.engine.data.checkout import CheckedOut
    from assay.engine.pipeline.clouds import Record
    from assay.engine.pipeline.spec import Pipeline
    from assay.remotes.artifacts.versioned import Versions


class Transferred(NamedTuple):
    """What travelled: how many objects and entries of the run cache, how many bytes; what is left, with a sentence.

    ``absent`` are imports that came for the first time, of which nothing is recorded, by project path.
    """

    objects: int
    size: int
    failed: Mapping[str, str]
    absent: Mapping[str, Artifact] = {}

    @property
    def report(self) -> Report:
        """The same in the form that transfers of experiments have."""
        return Report((), (), 0, self.objects, self.size, self.failed)


def push_data(
    project: Project,
    scope: Scope = EVERYTHING,
    *,
    remote: str | None = None,
    jobs: int | None = None,
    run_cache: bool = False,
) -> Transferred:
    """Makes sure that the remotes have data.

    Args:
        project: The project.
        scope: Which data.
        remote: The remote's name; the default one when None.
        jobs: How many transfers at once; None for what the configuration says.
        run_cache: Whether the run cache goes too, with what it speaks of.

    Raises:
        UsageError: A target means nothing.
        ConfigError: There is no such remote.
        Refused: The remote keeps versions, and data of other commits is meant.
        RemoteError: The remote cannot be used.
    """
    _check_jobs(jobs)
    keeps = keeps_versions(project, remote)
    _refuse_commits(scope, keeps)
    selected = selected_data(project, scope, remote, push=True)
    versioned = _versioned(project, selected, remote, jobs)
    _refuse_commits(scope, bool(versioned))  # the remotes that outputs name
    others = replace(selected, data={name: one for name, one in selected.data.items() if name not in versioned})
    with Places(project, remote, jobs=jobs, check=prepare) as places:
        freight = Freight(project, places)
        if not selected.data and not keeps:
            places.of()  # a remote that is not there is said, whether there is anything to send or not
        freight.send(others.data.values())
        ran = runs.send(project, places) if _has_runs(project, run_cache, keeps) else Moved()
        places.tidy()
        done = _transferred(others, freight, ran, places)
    return _to_versions(project, selected, versioned, done)


def fetch_data(
    project: Project,
    scope: Scope = EVERYTHING,
    *,
    remote: str | None = None,
    jobs: int | None = None,
    run_cache: bool = False,
) -> Transferred:
    """Makes sure that the cache has data. Arguments and errors are those of `push_data`."""
    _check_jobs(jobs)
    if remote is not None:
        find(project, remote)  # one that is not there is said, whether there is anything to fetch or not
    selected = selected_data(project, scope, remote, push=False)
    with Places(project, remote, jobs=jobs) as places:
        freight = Freight(project, places)
        keeps = keeps_versions(project, remote)
        ran = runs.bring(project, places) if _has_runs(project, run_cache, keeps) else Moved()
        versioned = _versioned(project, selected, remote, jobs)
        others = {name: one for name, one in selected.data.items() if name not in versioned}
        freight.bring(one for name, one in others.items() if name not in selected.sources)
        with suppress(ConfigError):  # what has a source needs no remote
            freight.bring(one for name, one in others.items() if name in selected.sources)
        done = _transferred(replace(selected, data=others), freight, ran, places)
    done = _with_versions(project, selected, versioned, done)
    return _with_absent(project, selected, _with_sources(project, selected, done))


def pull_data(
    project: Project,
    scope: Scope = EVERYTHING,
    *,
    remote: str | None = None,
    jobs: int | None = None,
    run_cache: bool = False,
    force: bool = False,
) -> tuple[Transferred, CheckedOut]:
    """`fetch_data`, then the workspace's data is checked out; what did not come is left as it is.

    Raises:
        WouldLose: Content that is in no cache would be replaced; what was fetched stays in the cache.
    """
    from assay.engine.data.checkout import How, checkout  # a third of what a push would import

    fetched = fetch_data(project, scope, remote=remote, jobs=jobs, run_cache=run_cache)
    how = How(scope.folder, force, recursive=scope.recursive, with_deps=scope.with_deps)
    return fetched, checkout(project, scope.targets, how, with_absent(project, fetched, scope.pipeline))


def with_absent(project: Project, fetched: Transferred, pipeline: Pipeline | None = None) -> Pipeline | None:
    """A pipeline, the workspace's own when None, as if what came for the first time were recorded in it."""
    if not fetched.absent:
        return pipeline
    from assay.engine.pipeline.spec import load

    pipeline = pipeline or load(project)
    data = {}
    for path, file in pipeline.data.items():
        outs = (out._replace(artifact=fetched.absent.get(out.path, out.artifact)) for out in file.outs)
        data[path] = file._replace(outs=tuple(outs))
    return pipeline._replace(data=data)


def compare(
    project: Project,
    scope: Scope = EVERYTHING,
    *,
    remote: str | None = None,
    jobs: int | None = None,
) -> dict[str, str]:
    """How the cache and a remote differ, by project path, files in directories included.

    Returns:
        "new" for what only the cache has, "deleted" for what only the remote has, "missing" for what neither has.
    """
    _check_jobs(jobs)
    selected = selected_data(project, scope, remote, push=True)
    with Places(project, remote, jobs=jobs, is_relied_on=True) as places:
        places.of()
        return compare_with(project, places, selected)


def compare_with(project: Project, places: Places, selected: Selected) -> dict[str, str]:
    """`compare`, through remotes that are open: what is found damaged there is in ``places.damaged``."""
    names: dict[str, tuple[Digest, str]] = {}
    lent = _lend(project, places, selected.data)
    for path, one in selected.data.items():
        inside = ((below, digest) for below, digest in _inside(project, one) if digest not in lent)
        names.update({path + below: (digest, one.remote) for below, digest in inside})
    there: set[tuple[Digest, str]] = set()
    for own in {own for _, own in names.values()}:
        found = places.of(own).holdings.known(digest for digest, of in names.values() if of == own)
        there.update((digest, own) for digest in found)
    lacking = project.cache.missing({digest for digest, _ in names.values()})
    states = {(True, False): "new", (False, True): "deleted", (False, False): "missing"}
    found_states = {path: states.get((where[0] not in lacking, where in there), "") for path, where in names.items()}
    return {path: state for path, state in found_states.items() if state}


def _lend(project: Project, places: Places, data: Data) -> set[Digest]:
    """Lends the cache the manifests that only a remote has, so that directories can be looked into."""
    lent: set[Digest] = set()
    for own, group in by_remote(data.values()).items():
        roots = {one.artifact.digest for one in group if one.artifact.digest.is_dir}
        if project.cache.missing(roots):
            lent |= Contents(project.cache).peek(places.of(own).holdings, roots)
    return lent


def _inside(project: Project, one: Wanted) -> Iterator[tuple[str, Digest]]:
    """An artifact and the files in it, as far as its manifest is here: what follows its path, and the digest."""
    digest = one.artifact.digest
    if not one.parts:
        yield "", digest
    if digest.is_dir and not Contents(project.cache).walk([digest])[1]:
        covers = within(one.parts) if one.parts else None
        for path, entry in files_in(project.cache, digest):
            if covers is None or covers(path):
                yield f"/{path}", entry.digest


def _transferred(selected: Selected, freight: Freight, ran: Moved, places: Places) -> Transferred:
    failed = {**selected.problems, **places.damaged}
    for path, one in selected.data.items():
        if why := freight.why_not(one):
            failed[path] = why
    return Transferred(freight.moved.artifacts + ran.artifacts, freight.moved.size + ran.size, failed)


def _versioned(project: Project, selected: Selected, name: str | None, jobs: int | None) -> dict[str, Remote]:
    """What comes from remotes that keep versions, and from which."""
    remotes: dict[str, Remote | None] = {}

    def of(own: str) -> Remote | None:
        if own not in remotes:
            with suppress(ConfigError):
                remotes[own] = limited(find(project, own or name), jobs)
        return remotes.setdefault(own, None)

    found = {path: of(one.remote) for path, one in selected.data.items()}
    return {path: remote for path, remote in found.items() if remote is not None and is_versioned(remote)}


def _refuse_commits(scope: Scope, keeps: bool) -> None:
    """Raises Refused where data of other commits would go to a remote that keeps versions: in place of the newest."""
    if keeps and scope.has_commits:
        raise Refused(
            "Data of several commits cannot be pushed to a remote that keeps versions.",
            "The version of each file is recorded in the workspace's files: check a commit out, and push there.",
        )


def _has_runs(project: Project, asked: bool, keeps: bool) -> bool:
    """Whether the run cache travels; where it cannot, that is said."""
    if asked and keeps:
        project.report(Warned("The run cache does not travel through a remote that keeps versions."))
    return asked and not keeps


def _to_versions(project: Project, selected: Selected, where: Mapping[str, Remote], done: Transferred) -> Transferred:
    """What goes to remotes that keep versions; which these are is recorded in the workspace's files."""
    if not where:
        return done
    from assay.engine.data.versions import record_versions
    from assay.remotes.artifacts.mirror import send

    records: dict[str, Record] = {}
    try:
        for remote, wanted in _grouped(selected, where):
            moved, failed = send(project, remote, wanted, records)
            done = Transferred(done.objects + moved.artifacts, done.size + moved.size, {**done.failed, **failed})
    finally:
        if records:  # also of what was there before something went wrong
            record_versions(project, records)
    return done


def _grouped(
    selected: Selected, where: Mapping[str, Remote]
) -> Iterator[tuple[Remote, Mapping[str, tuple[Wanted, Versions]]]]:
    """What belongs to each remote that keeps versions, with what is recorded of it."""
    from assay.remotes.artifacts.versioned import versions_of

    groups: dict[str, tuple[Remote, dict[str, tuple[Wanted, Versions]]]] = {}
    for name, remote in where.items():
        versions = versions_of(*selected.recorded.get(name, (name, {})))
        groups.setdefault(remote.name, (remote, {}))[1][name] = (selected.data[name], versions)
    yield from groups.values()


def _with_versions(project: Project, selected: Selected, where: Mapping[str, Remote], done: Transferred) -> Transferred:
    """What remotes keep versions of, brought by the versions that were recorded."""
    if not where:
        return done
    from assay.remotes.artifacts.versioned import bring

    for remote, wanted in _grouped(selected, where):
        moved, failed = bring(project, remote, wanted)
        done = Transferred(done.objects + moved.artifacts, done.size + moved.size, {**done.failed, **failed})
    return done


def _with_sources(project: Project, selected: Selected, done: Transferred) -> Transferred:
    """What was imported and no remote gave, brought from where it came from."""
    if not selected.sources:
        return done
    from assay.remotes.sources import brought

    both = {**selected.data, **selected.imported}
    moved, failed = brought(project, {name: (both[name].artifact, one) for name, one in selected.sources.items()})
    others = {name: why for name, why in done.failed.items() if name not in selected.sources}
    return Transferred(done.objects + moved.artifacts, done.size + moved.size, {**others, **failed})


def _with_absent(project: Project, selected: Selected, done: Transferred) -> Transferred:
    """What was imported and never brought, but for what something is in the workspace of by now."""
    wanted = {path: one for path, one in selected.absent.items() if not os.path.lexists(project.path(path))}
    if not wanted:
        return done
    from assay.remotes.imports.absent import bring

    came = bring(project, wanted)
    objects, size = done.objects + came.moved.artifacts, done.size + came.moved.size
    return Transferred(objects, size, {**done.failed, **came.failed}, came.artifacts)


def _check_jobs(jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise UsageError(f"-j takes a number from 1 upwards, not {jobs}.")
