"""Branches of a remote: what a pull looks at, where it writes down what it saw, and how one's own branch goes on.

What is seen becomes ``refs/remotes/<name>/*``, where Git keeps it too: the name is that of Git's remote where
experiments go through one, else that of the remote. A branch of one's own moves only when asked, only forwards, and
with the workspace, the index and the data of the new commit, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.engine.errors import AssayError
from assay.engine.events import Note
from assay.engine.experiments.chosen import Which
from assay.engine.git.reach import ahead_and_behind
from assay.engine.model import Oid
from assay.engine.pipeline.tracked import TreeFiles, tracked_at
from assay.engine.ports import Report
from assay.engine.project import Project
from assay.engine.words import counted
from assay.remotes.choose import is_own_choice
from assay.remotes.exchange import StoreExchange, shared
from assay.remotes.gitremotes import git_remote
from assay.remotes.refs import settle
from assay.remotes.registry import Remote

HEADS = "refs/heads/"
NOTHING = Report((), (), 0, 0, 0, {})


class Seen(NamedTuple):
    """Branches of a remote.

    Attributes:
        name: What stands for the remote in ``refs/remotes/``.
        heads: Their full names there, and where they are; those whose commits came.
        report: What came, and which did not and why.
    """

    name: str
    heads: Mapping[str, Oid]
    report: Report


def prefixes(project: Project, source: Remote, which: Which, branch: bool | None, *, ff: bool = False) -> list[str]:
    """Which branches a pull looks at, as prefixes of their full names; none when empty.

    Args:
        project: The project.
        source: The remote.
        which: The experiments that were chosen.
        branch: What was said about branches. None: all where nothing was chosen; but on a Git server, where there may
            be very many, only the one that the current branch goes with.
        ff: Whether the current branch is to go on.
    """
    if not ff and (branch is False or (branch is None and is_own_choice(which))):
        return []
    git = git_remote(project, source)
    if branch or not git:
        return [HEADS]
    upstream = _upstream(project, _name(project, source))
    return [upstream] if upstream else []


def follow(project: Project, source: Remote, exchange: StoreExchange, wanted: list[str]) -> Seen:
    """Brings branches, writes ``refs/remotes/<name>/*``, and tells how the current branch lies to the one there.

    Raises:
        RemoteError: The commits cannot be brought.
        GitError: The refs cannot be written.
    """
    name = _name(project, source)
    there = exchange.git.refs(wanted)
    fetched = exchange.fetch({one: oid for one, oid in there.items() if one.startswith(HEADS)}, artifacts=False)
    if fetched.objects:
        settle(project)
    heads = {one: there[one] for one in fetched.refs}
    with project.repo.refs.transaction() as change:
        for one, oid in heads.items():
            change.put(f"refs/remotes/{name}/{one.removeprefix(HEADS)}", oid)
    return Seen(name, heads, fetched._replace(refs=()))


def tell(project: Project, seen: Seen) -> bool:
    """Says how the current branch lies to the one that it goes with there; True when that has commits it lacks."""
    compared = _compared(project, seen)
    if compared is None:
        return False
    mine, theirs, ahead, behind = compared
    here, there = counted(ahead, "commit"), counted(behind, "commit")
    if ahead and behind:
        project.report(
            Note(f"{mine} and {theirs} have diverged: {here} here, {there} there; `assay pull --merge` joins them.")
        )
    elif behind:
        project.report(Note(f"{mine} is behind {theirs} by {there}; `assay pull --ff` moves it."))
    elif ahead:
        project.report(Note(f"{mine} is ahead of {theirs} by {here}; `assay push --branch` sends them."))
    return behind > 0


def go_on(project: Project, exchange: StoreExchange, seen: Seen, *, merge: bool = False) -> Report:
    """Moves the current branch forwards to where it is on the remote, and workspace, index and data along.

    Args:
        project: The project.
        exchange: The way to the remote.
        seen: The branches there.
        merge: Whether a branch that has gone another way is joined with the one there.

    Returns:
        What came for it; and what is left, the branch itself where it cannot go on without losing something.
    """
    current = project.repo.head_ref() or "HEAD"
    compared = _compared(project, seen)
    if compared is None:
        name = current.removeprefix(HEADS)
        return _left(current, f"{seen.name} has no branch {name}." if current != "HEAD" else "HEAD is on no branch.")
    mine, theirs, ahead, behind = compared
    if not behind:
        return NOTHING
    if ahead and not merge:
        apart = f"{counted(ahead, 'commit')} here, {counted(behind, 'commit')} there"
        return _left(
            current,
            f"It has diverged from {theirs} ({apart}), and goes only forwards; `assay pull --merge` joins them.",
        )
    from assay.engine.experiments.switch import forward, join

    commit = seen.heads[_upstream(project, seen.name)]
    try:
        fetched = exchange.fetch({}, data=shared(tracked_at(project, commit, TreeFiles(project.repo.objects))))
        if fetched.artifacts:
            settle(project)
        if ahead:
            joint = join(project, commit, theirs, f"pull from {seen.name}")
            project.report(
                Note(f"{mine} and {theirs} are joined in {joint.hex()[:7]}; `assay push --branch` shares it.")
            )
            return fetched
        forward(project, commit, f"pull from {seen.name}")
    except AssayError as error:
        return _left(current, f"It stays where it is: {error.message} {error.hint}".rstrip())
    project.report(Note(f"{mine} went on by {counted(behind, 'commit')} to {commit.hex()[:7]}."))
    return fetched


def joined(*reports: Report) -> Report:
    """Reports as one."""
    return Report(
        tuple(ref for one in reports for ref in one.refs),
        tuple(ref for one in reports for ref in one.up_to_date),
        sum(one.objects for one in reports),
        sum(one.artifacts for one in reports),
        sum(one.size for one in reports),
        {name: why for one in reports for name, why in one.failed.items()},
        tuple(ref for one in reports for ref in one.remarks),
    )


def _left(name: str, why: str) -> Report:
    return NOTHING._replace(failed={name: why})


def _name(project: Project, source: Remote) -> str:
    git = git_remote(project, source)
    return git if git in project.repo.config.sections("remote") else source.name


def _upstream(project: Project, name: str) -> str:
    """The branch on a remote that the current one goes with: as Git's configuration has it, else of the same name."""
    current = project.repo.head_ref() or ""
    if not current.startswith(HEADS):
        return ""
    section = f"branch.{current.removeprefix(HEADS)}"
    config = project.repo.config
    merge = config.get(f"{section}.merge")
    return merge if config.get(f"{section}.remote") == name and merge.startswith(HEADS) else current


def _compared(project: Project, seen: Seen) -> tuple[str, str, int, int] | None:
    """The current branch and the one that it goes with, and by how many commits each goes beyond the other."""
    repo, upstream = project.repo, _upstream(project, seen.name)
    there, here = seen.heads.get(upstream), repo.head()
    if there is None or not upstream:
        return None
    mine = (repo.head_ref() or "").removeprefix(HEADS)
    theirs = f"{seen.name}/{upstream.removeprefix(HEADS)}"
    if here is None:
        return mine, theirs, 0, 1
    return mine, theirs, *ahead_and_behind(repo.objects, here, there, shallow=repo.shallow)
