"""Which artifacts a collection keeps: what the flags of `gc` name, and what is never theirs to give away.

Always kept: the workspace, and the workspaces of linked worktrees; the commits that are checked out, and Git's stash;
whatever the state under ``refs/assay/`` needs (law 7). All other refs and commits are outside unless a flag names them,
and are told apart so that nobody loses their data unawares.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from assay.engine.errors import GitError, Refused
from assay.engine.git.reach import first_parents
from assay.engine.git.refs import read_loose
from assay.engine.git.revisions import peeled, resolve
from assay.engine.model import Oid, start_of
from assay.engine.project import Project

STATE = "refs/assay/"
EXPERIMENTS = "refs/exps/"
_HISTORY = ("refs/heads/", "refs/remotes/", "refs/tags/")


class Keep(NamedTuple):
    """What the flags of `gc` keep, beside what is always kept.

    Attributes:
        workspace: Asked for by name; it is kept anyway.
        revisions: Names of commits.
        number: How many first parents of revisions and branches are meant, themselves included; negative for all.
        branches: The tips of all branches.
        tags: The commits of all tags.
        commits: All commits of branches, remote-tracking branches and tags.
        since: Those of them made at that time or later, in seconds since 1970; None for none.
        experiments: All experiments, and their baselines.
        skip_failed: Let go what nobody can tell the needs of.
    """

    workspace: bool = False
    revisions: tuple[str, ...] = ()
    number: int = 1
    branches: bool = False
    tags: bool = False
    commits: bool = False
    since: int | None = None
    experiments: bool = False
    skip_failed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no flag says what to keep."""
        words = (self.workspace, self.revisions, self.branches, self.tags, self.commits, self.experiments)
        return not any(words) and self.since is None


@dataclass(frozen=True, slots=True)
class Selection:
    """The commits of a repository, by what happens to their data.

    Attributes:
        kept: Those that a flag names, or that are always kept.
        experiments: Experiments outside, by full ref name: their commits.
        refs: Other refs outside, by full name: their commits.
        history: Commits outside that only history knows.
    """

    kept: frozenset[Oid]
    experiments: dict[str, tuple[Oid, ...]]
    refs: dict[str, Oid]
    history: frozenset[Oid]


def select(project: Project, keep: Keep) -> Selection:
    """Sorts the commits of a repository.

    Raises:
        UnknownRevision: A revision names no commit.
        Refused: A ref is damaged.
        MissingObject: History is not all here (and no shallow clone says where it ends).
    """
    repo = project.repo
    for name in repo.refs.damaged():
        raise Refused(
            f"The ref {name} is damaged, so what it needs is not known, and nothing was collected.",
            "Set it again, or remove its file when it is not needed.",
        )
    refs = {name: commit for name, oid in repo.refs.iterate() if (commit := peeled(repo, oid)) is not None}
    kept = {*_checked_out(project), *_stashed(project, refs.get("refs/stash"))}
    tips = {oid for name, oid in refs.items() if name.startswith(_HISTORY)} | kept
    history = dict(_history(project, tips))
    branches = [oid for name, oid in refs.items() if name.startswith("refs/heads/")]
    for start in [*(resolve(repo, name) for name in keep.revisions), *(branches if keep.branches else ())]:
        kept.update(first_parents(repo.objects, start, shallow=repo.shallow, number=keep.number))
    if keep.tags:
        kept.update(oid for name, oid in refs.items() if name.startswith("refs/tags/"))
    if keep.commits or keep.since is not None:
        kept.update(oid for oid, time in history.items() if keep.commits or time >= (keep.since or 0))
    experiments = {name: chain(project, name, oid) for name, oid in refs.items() if name.startswith(EXPERIMENTS)}
    if keep.experiments:
        kept.update(*experiments.values(), filter(None, map(start_of, experiments)))
    outside = {name: oid for name, oid in refs.items() if oid not in kept and not name.startswith(STATE)}
    return Selection(
        kept=frozenset(kept),
        experiments={name: experiments[name] for name in outside if start_of(name) is not None},
        refs={name: oid for name, oid in outside.items() if start_of(name) is None},
        history=frozenset(history.keys() - kept - set(outside.values())),
    )


def _checked_out(project: Project) -> Iterator[Oid]:
    """The commits of HEAD, here and in other worktrees of the repository."""
    common = project.repo.common_dir
    for folder in (project.repo.git_dir, common, *linked_worktrees(common)):
        try:
            value = read_loose(f"{folder}/HEAD")
            oid = project.repo.refs.read(value) if isinstance(value, str) else value
        except (OSError, ValueError) as error:
            raise GitError(f"{folder}/HEAD cannot be read, so what it needs is not known.") from error
        if oid is not None:
            yield oid


def _stashed(project: Project, tip: Oid | None) -> Iterator[Oid]:
    """The commits of Git's stash: each entry, the older ones in its log, and what it keeps of index and new files."""
    entries = [] if tip is None else [tip]
    with suppress(OSError), open(project.repo.refs.log_path("refs/stash"), "rb") as file:
        for line in file:
            with suppress(ValueError):
                entries.append(Oid(bytes.fromhex(line[41:81].decode("ascii", "replace"))))
    for oid in dict.fromkeys(entries):
        if oid in project.repo.objects:
            yield oid
            yield from project.repo.objects.read_commit(oid).parents[1:]


def linked_worktrees(common: str) -> list[str]:
    """The folders that a repository keeps of its linked worktrees."""
    try:
        return [f"{common}/worktrees/{name}" for name in sorted(os.listdir(f"{common}/worktrees"))]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _history(project: Project, tips: Iterable[Oid]) -> Iterator[tuple[Oid, int]]:
    """Every commit that these reach, with its committer's time."""
    seen = set(tips)
    stack = list(seen)
    while stack:
        oid = stack.pop()
        info = project.repo.objects.read_commit(oid)
        yield oid, info.committer.time
        if oid not in project.repo.shallow:
            new = [parent for parent in info.parents if parent not in seen]
            seen.update(new)
            stack += new


def chain(project: Project, name: str, tip: Oid) -> tuple[Oid, ...]:
    """The commits of an experiment, without its baseline; only the tip of a ref of another shape."""
    baseline = start_of(name)
    if baseline is None or tip == baseline:
        return (tip,)
    found = []
    for oid in first_parents(project.repo.objects, tip, shallow=project.repo.shallow):
        if oid == baseline:
            break
        found.append(oid)
        if len(found) > 1000:  # the baseline is no ancestor: a ref that somebody else made
            return (tip,)
    return tuple(found)
