"""Which experiments of a remote a command line means: by name, by baseline, by query, or all.

A query is about what the remote has, tags and notes included, so the commits of its candidates are fetched before it is
answered; their data is not. A baseline can be called by what it is called here, by a branch or tag of the remote, or by
the first digits of its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from assay.engine.errors import UnknownRevision
from assay.engine.experiments.chosen import EXPERIMENTS, Which, check, is_experiment
from assay.engine.experiments.listing import Baseline
from assay.engine.git.reach import first_parents
from assay.engine.git.revisions import peeled_if_readable, resolve
from assay.engine.model import Oid, start_of
from assay.engine.notes.remarks import shown
from assay.engine.ports import GitTransport
from assay.engine.project import Project
from assay.remotes.bucket.notes import Said
from assay.remotes.choose import choose, folder_of
from assay.remotes.exchange import connected
from assay.remotes.gitremotes import meant
from assay.remotes.reachable import Reachable
from assay.remotes.refs import fetch_refs

_NAMED = ("refs/heads/", "refs/tags/")


class Remarks(Protocol):
    """The tags and notes of a remote."""

    def read(self) -> Said:
        """All that is said there."""


class There(NamedTuple):
    """What was found on a remote: the experiments that are meant, by full ref name; and what could not be looked at."""

    refs: dict[str, Oid]
    failed: Mapping[str, str]


def chosen_there(project: Project, git: GitTransport, notes: Remarks | None, which: Which, name: str) -> There:
    """The experiments of a remote that are meant; those of HEAD where nothing is said.

    Args:
        project: The project on this side.
        git: The refs and commits on the other.
        notes: Tags and notes on the other; None where there are none.
        which: The selection.
        name: What the remote is called, for sentences.

    Raises:
        UsageError: Two ways to choose that do not go together, or a query that is none.
        UnknownRevision: A name means no experiment there, or several; or a revision names no commit.
        RemoteError: The remote cannot be used.
    """
    check(which)
    head = project.repo.head()
    if which.names:
        return There(choose(which.names, _experiments(git, [EXPERIMENTS]), head, f"on {name}"), {})
    if which.everything or (head is None and not which.revisions):
        found = _experiments(git, [EXPERIMENTS])
    else:
        starts = [_commit(project, git, text, name) for text in which.revisions or ["HEAD"]]
        baselines = [one for start in starts for one in _back(project, git, start, which.number)]
        found = _experiments(git, [folder_of(one) for one in dict.fromkeys(baselines)])
    return _matching(project, git, notes, found, which.where) if which.where else There(found, {})


def listed_there(project: Project, which: Which, remote: str | None = None) -> tuple[list[Baseline], Mapping[str, str]]:
    """The experiments of a remote by baseline, and what could not be looked at. Raises as `chosen_there`."""
    check(which)
    source = meant(project, remote)
    with connected(project, source, write=False) as exchange:
        found = chosen_there(project, exchange.git, exchange.notes, which, source.name)
        return grouped(exchange.git, found.refs), {**found.failed, **exchange.git.damaged_refs}


def _experiments(git: GitTransport, prefixes: Sequence[str]) -> dict[str, Oid]:
    return {name: oid for name, oid in git.refs(prefixes).items() if is_experiment(name)}


def _commit(project: Project, git: GitTransport, text: str, name: str) -> Oid:
    """The commit that a revision means, here or on the remote. Raises UnknownRevision."""
    try:
        return resolve(project.repo, text)
    except UnknownRevision as error:
        full = [f"{prefix}{text}" for prefix in _NAMED]
        there = git.refs(full)
        for one in full:
            if one in there:
                _bring(project, git, there[one])
                return peeled_if_readable(project.repo, there[one]) or there[one]
        known = set(filter(None, map(start_of, filter(is_experiment, git.refs([EXPERIMENTS])))))
        found = [oid for oid in known if len(text) >= 4 and oid.hex().startswith(text.lower())]
        if len(found) != 1:
            raise UnknownRevision(f"Neither here nor on {name}: {error.message}", error.hint) from error
        return found[0]


def _back(project: Project, git: GitTransport, start: Oid, number: int) -> Iterator[Oid]:
    """A commit and the first parents before it, as many as are meant."""
    if number != 1 and start not in project.repo.objects:
        _bring(project, git, start)
    return first_parents(project.repo.objects, start, shallow=project.repo.shallow, number=number)


def _bring(project: Project, git: GitTransport, oid: Oid) -> None:
    objects = project.repo.objects
    git.fetch([oid], objects, objects, complete=Reachable(project.repo))


def _matching(
    project: Project, git: GitTransport, notes: Remarks | None, candidates: Mapping[str, Oid], where: str
) -> There:
    """Those of some experiments for which a query is true."""
    from assay.engine.experiments.select import Selection
    from assay.engine.experiments.show import among

    arrived, failed = fetch_refs(git, candidates, project.repo.objects, Reachable(project.repo))
    said = notes.read() if notes is not None else {}
    remarks = {oid: shown(said[oid]) for oid in arrived.values() if oid in said}
    names = {ref.refname for ref, _ in among(project, grouped(git, arrived), Selection(where), remarks)}
    return There({name: oid for name, oid in arrived.items() if name in names}, failed)


def grouped(git: GitTransport, refs: Mapping[str, Oid]) -> list[Baseline]:
    """Experiments by baseline, which is called as the remote calls it, else by the first digits of its id."""
    labels: dict[Oid, str] = {}
    for name, oid in sorted(git.refs(_NAMED).items()):
        labels.setdefault(oid, name.split("/", 2)[2])
    groups: dict[Oid, list[tuple[str, Oid]]] = {}
    for name in sorted(refs):
        if (start := start_of(name)) is not None:
            groups.setdefault(start, []).append((name.rpartition("/")[2], refs[name]))
    return [Baseline(oid, labels.get(oid, oid.hex()[:7]), group) for oid, group in groups.items()]
