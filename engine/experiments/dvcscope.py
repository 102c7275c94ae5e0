"""Which commits a DVC command line means, and what DVC calls them; the experiments that ``dvc exp list`` lists.

As in DVC, the tips of all branches, all tags or all commits can be asked for, whether they have experiments or not.
Where DVC lists in no particular order, that of the names is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from assay.engine.errors import UnknownRevision
from assay.engine.git.history import newest_first
from assay.engine.git.reach import first_parents
from assay.engine.git.revisions import peeled_if_readable, resolve, tips
from assay.engine.model import Oid, start_of
from assay.engine.project import Project

_BASELINE = "refs/exps/exec/EXEC_BASELINE"
"""While DVC runs an experiment in the workspace, HEAD is not the user's: then this is what it was."""


class Commits(NamedTuple):
    """Which commits' experiments are meant; those of HEAD where nothing is said.

    Attributes:
        revisions: Names of commits.
        number: So many first parents of each, itself included; negative for all, 0 for none.
        branches: The tips of all branches too.
        tags: All tags too.
        commits: Every commit of the repository's history.
    """

    revisions: tuple[str, ...] = ()
    number: int = 1
    branches: bool = False
    tags: bool = False
    commits: bool = False


def exp_list(project: Project, wanted: Commits | None = None) -> dict[Oid, list[tuple[str, Oid]]]:
    """Experiments by baseline, those of HEAD or of the commits that are meant, as (name, commit), sorted by name.

    Every baseline that has experiments counts where all commits are asked for, in its history or not.

    Raises:
        UnknownRevision: A revision names no commit.
    """
    wanted = wanted or Commits()
    among = None if wanted.commits else set(baselines(project, wanted))
    found: dict[Oid, list[tuple[str, Oid]]] = {}
    for ref, commit in project.repo.refs.iterate("refs/exps/"):
        baseline = start_of(ref)
        if baseline is not None and (among is None or baseline in among):
            found.setdefault(baseline, []).append((ref[52:], commit))
    return found


def baselines(project: Project, wanted: Commits) -> list[Oid]:
    """The commits that are meant, each once. Raises UnknownRevision."""
    found: dict[Oid, None] = {}
    revisions = wanted.revisions
    if not (revisions or wanted.branches or wanted.tags or wanted.commits):
        revisions = ("HEAD",)
    for revision in revisions:
        found.update(dict.fromkeys(_back(project, resolved(project, revision), wanted.number)))
    refs = project.repo.refs
    if wanted.commits:
        found.update(
            dict.fromkeys(newest_first(project.repo.objects, tips(project.repo), shallow=project.repo.shallow))
        )
        return list(found)
    if wanted.branches:
        for _, commit in refs.iterate("refs/heads/"):
            found.update(dict.fromkeys(_back(project, commit, wanted.number)))
    if wanted.tags:
        tagged = (peeled_if_readable(project.repo, oid) for _, oid in refs.iterate("refs/tags/"))
        found.update(dict.fromkeys(commit for commit in tagged if commit is not None))
    return list(found)


def resolved(project: Project, revision: str) -> Oid:
    """A revision as DVC reads it: HEAD is what it was before DVC began a run in the workspace; empty is HEAD.

    Raises:
        UnknownRevision: It names no commit, with DVC's sentence.
    """
    text = revision or "HEAD"
    if text == "HEAD" or text[:5] in ("HEAD~", "HEAD^"):
        text = (_BASELINE if project.repo.refs.read(_BASELINE) is not None else "HEAD") + text[4:]
    try:
        return resolve(project.repo, text)
    except UnknownRevision as error:
        raise UnknownRevision(f"unknown Git revision '{revision}'", error.hint) from error


def _back(project: Project, commit: Oid, number: int) -> Iterator[Oid]:
    return first_parents(project.repo.objects, commit, shallow=project.repo.shallow, number=number)


def described(project: Project, commits: Iterable[Oid]) -> dict[Oid, str]:
    """What to call commits: the branch that HEAD is on, else a tag, else a branch; nothing for others.

    Of several tags or branches the first one by name; DVC takes one by chance, another one each time.
    """
    refs = project.repo.refs
    wanted = set(commits)
    found: dict[Oid, str] = {}
    for prefix in ("refs/tags/", "refs/heads/"):
        for ref, oid in refs.iterate(prefix):
            commit = oid if oid in wanted else peeled_if_readable(project.repo, oid)
            if commit in wanted and commit is not None:
                found.setdefault(commit, ref[len(prefix) :])
    head, branch = project.repo.head(), project.repo.head_ref()
    if head is not None and head in wanted and branch is not None and branch.startswith("refs/heads/"):
        found[head] = branch[len("refs/heads/") :]
    return found
