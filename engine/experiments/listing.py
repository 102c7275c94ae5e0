"""Which experiments belong to which commits: the refs, read once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from assay.engine.git.reach import first_parents
from assay.engine.git.revisions import peeled_if_readable, resolve
from assay.engine.model import Oid, start_of
from assay.engine.project import Project


class Baseline(NamedTuple):
    """A commit and its experiments as (name, commit), sorted by name; ``label`` is a branch, a tag or a short id."""

    commit: Oid
    label: str
    experiments: Sequence[tuple[str, Oid]]


class Scope(NamedTuple):
    """Which baselines are meant.

    Attributes:
        revisions: Names of commits; HEAD where there are none.
        number: How many first parents of each are meant, itself included; negative for all.
        everything: Every commit that has experiments, and HEAD; the rest does not matter then.
        branches: The tips of all branches too.
        tags: The commits of all tags too.
    """

    revisions: tuple[str, ...] = ()
    number: int = 1
    everything: bool = False
    branches: bool = False
    tags: bool = False


def listing(project: Project, scope: Scope | None = None) -> list[Baseline]:
    """The baselines in the order in which they were asked for, HEAD first when all are.

    Raises:
        UnknownRevision: A revision names no commit.
    """
    scope = scope or Scope()
    refs = project.repo.refs
    if scope.everything:
        experiments = _experiments(refs.iterate("refs/exps/"))
        head = project.repo.head()
        commits = dict.fromkeys([head, *experiments] if head else experiments)
    else:
        commits = dict.fromkeys(_asked_for(project, scope))
        experiments = {}
        for commit in commits:
            text = commit.hex()
            experiments.update(_experiments(refs.iterate(f"refs/exps/{text[:2]}/{text[2:]}/")))
    labels = _labels(project, commits)
    return [Baseline(commit, labels[commit], experiments.get(commit, ())) for commit in commits]


def _experiments(refs: Iterable[tuple[str, Oid]]) -> dict[Oid, list[tuple[str, Oid]]]:
    """Experiments by baseline; refs of any other shape below refs/exps belong to somebody else."""
    found: dict[Oid, list[tuple[str, Oid]]] = {}
    last, group = "", None
    for name, commit in refs:
        if name[:51] != last:
            last = name[:51]
            baseline = start_of(last)
            group = None if baseline is None else found.setdefault(baseline, [])
        if group is not None and name[51:52] == "/" and "/" not in name[52:]:
            group.append((name[52:], commit))
    return found


def _asked_for(project: Project, scope: Scope) -> Iterable[Oid]:
    refs = project.repo.refs
    if not scope.revisions and not scope.branches and not scope.tags:
        head = project.repo.head()
        starts = [head] if head else []
    else:
        starts = [resolve(project.repo, revision) for revision in scope.revisions]
    if scope.branches:
        starts += [commit for _, commit in refs.iterate("refs/heads/")]
    if scope.tags:
        starts += [peeled_if_readable(project.repo, commit) or commit for _, commit in refs.iterate("refs/tags/")]
    for start in starts:
        yield from first_parents(project.repo.objects, start, shallow=project.repo.shallow, number=scope.number)


def _labels(project: Project, commits: Iterable[Oid]) -> dict[Oid, str]:
    """What to call each commit: the branch that HEAD is on, another branch, a tag, or the short id."""
    refs = project.repo.refs
    labels: dict[Oid, str] = {}
    wanted = set(commits)
    current = project.repo.head_ref()
    for name, commit in refs.iterate("refs/heads/"):
        if commit in wanted and (commit not in labels or name == current):
            labels[commit] = name[len("refs/heads/") :]
    if len(labels) < len(wanted):
        for name, commit in refs.iterate("refs/tags/"):
            peeled = commit if commit in wanted else peeled_if_readable(project.repo, commit)
            if peeled is not None and peeled in wanted:
                labels.setdefault(peeled, name[len("refs/tags/") :])
    for commit in wanted:
        labels.setdefault(commit, commit.hex()[:7])
    return labels
