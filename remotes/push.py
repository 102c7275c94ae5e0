"""Shares experiments, their data, their tags and notes, and the branch they start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.engine.errors import GitError
from assay.engine.model import Oid
from assay.engine.ports import Report
from assay.engine.project import Project
from assay.remotes.artifacts import Data
from assay.remotes.choose import EXPERIMENTS, choose, folder_of, is_experiment
from assay.remotes.exchange import connected, shared
from assay.remotes.layouts import git_remote
from assay.remotes.registry import find
from assay.remotes.remarks import send
from assay.remotes.workspace import tracked_here


@dataclass(frozen=True, slots=True)
class Pushed:
    """What went where: the remote's name and URL, and the report."""

    remote: str
    url: str
    report: Report


def push(
    project: Project,
    names: Sequence[str] = (),
    *,
    remote: str | None = None,
    everything: bool = False,
    branch: bool = True,
    force: bool = False,
) -> Pushed:
    """Publishes experiments with all they need.

    Without names: the experiments of HEAD's commit, the workspace's own data, and the current branch.

    Args:
        project: The project.
        names: Experiments, by name, full ref name, or the first digits of their commits.
        remote: The remote's name; the default one when None.
        everything: The experiments of all commits.
        branch: Whether the current branch goes along; it does not where names are given, nor to a Git remote.
        force: Whether an experiment may replace another one of its name on the remote.

    Returns:
        What was done; ``report.failed`` says what could not be published and why.

    Raises:
        ConfigError: There is no such remote.
        UnknownRevision: There is no such experiment.
        RemoteError: The remote cannot be used.
    """
    target = find(project, remote)
    has_git = bool(git_remote(project, target))
    if project.repo.shallow and not has_git:
        raise GitError(
            "This repository is a shallow clone, so the history that others would need is not here.",
            "Fetch the rest with `git fetch --unshallow`, then push again.",
        )
    refs = _selected(project, names, everything=everything, branch=branch and not has_git)
    data: Data = {} if names else shared(tracked_here(project))
    with connected(project, target, write=True) as exchange:
        report = exchange.publish(refs, force=force, data=data)
        return Pushed(target.name, exchange.git.url, send(project, exchange.notes, refs, report))


def _selected(project: Project, names: Sequence[str], *, everything: bool, branch: bool) -> Mapping[str, Oid]:
    repo = project.repo
    head = repo.head()
    if names:
        known = {name: oid for name, oid in repo.refs.iterate(EXPERIMENTS) if is_experiment(name)}
        return choose(names, known, head, "here")
    prefix = EXPERIMENTS if everything or head is None else folder_of(head)
    refs = {name: oid for name, oid in repo.refs.iterate(prefix) if is_experiment(name)}
    current = repo.head_ref()
    if branch and head is not None and current is not None and current.startswith("refs/heads/"):
        refs[current] = head
    return refs
