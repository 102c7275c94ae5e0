"""Goes to a branch or a commit, or on with a branch: files, index, and the data that the lock files name.

A branch goes forwards, or is joined with one that went another way. Joining is done file by file (`git.joining`); of
files that both sides changed, none is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from assay.engine import disk
from assay.engine.errors import MissingArtifact, RefConflict, Refused, UnknownRevision, WouldLose
from assay.engine.events import Note, Warned
from assay.engine.git.joining import together
from assay.engine.git.objects import COMMIT, build_commit
from assay.engine.git.reach import is_ancestor, meeting_points
from assay.engine.git.refs import is_valid_name
from assay.engine.git.revisions import resolve
from assay.engine.git.trees import edit_tree, lookup
from assay.engine.git.worktree import checkout_tree
from assay.engine.model import Artifact, Oid
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.store import checkout
from assay.engine.words import first_of
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.files import within
from assay.engine.workspace.hold import refuse_half_merged
from assay.engine.workspace.restore import planned

_REMOTES = "refs/remotes/"


@dataclass(frozen=True, slots=True)
class Switched:
    """Where HEAD is now: the commit, and the branch's short name or None when it is detached."""

    commit: Oid
    branch: str | None


def switch(project: Project, revision: str) -> Switched:
    """Makes workspace and index those of a branch or commit, and points HEAD there.

    The name of a branch that only one remote has makes one here, as Git does. Outputs go along: those that the commit's
    lock files name come from the cache, those that only the commit before named go away, unless they were changed.

    Raises:
        UnknownRevision: There is none of that name.
        Refused: A merge is under way, or another worktree is on that branch.
        WouldLose: Local changes, untracked files or changed outputs would be overwritten; nothing was changed.
    """
    with hold_with_head(project) as held:
        _ = project.prefix  # says so when the repository is bare
        repo = project.repo
        refuse_half_merged(project)
        held.using(write=[""])
        refname = f"refs/heads/{revision}"
        branch = revision if is_valid_name(refname) and repo.refs.read(refname) is not None else None
        is_new = False
        try:
            commit = resolve(repo, refname if branch else revision)
        except UnknownRevision:
            elsewhere = _branch_elsewhere(project, revision)
            if elsewhere is None:
                raise
            commit, branch, is_new = elsewhere, revision, True
        if branch:
            _refuse_second_checkout(project, refname)
        head = repo.head()
        origin = (repo.head_ref() or (head.hex() if head else "nothing")).removeprefix("refs/heads/")
        message = f"checkout: moving from {origin} to {revision}"
        who = project.signature("COMMITTER")
        target = refname if branch else commit

        def publish() -> None:
            if is_new:
                with repo.refs.transaction(message, who) as change:
                    change.create(refname, commit)
            repo.refs.set_head(target, message=message, who=who)

        _go(project, head, commit, publish)
        return Switched(commit, branch)


def _branch_elsewhere(project: Project, name: str) -> Oid | None:
    """Where the remote that has a branch of that name has it; None where none has, or several have."""
    seen = {ref.removeprefix(_REMOTES): oid for ref, oid in project.repo.refs.iterate(_REMOTES)}
    found = [(ref, oid) for ref, oid in seen.items() if ref.partition("/")[2] == name]
    if len(found) != 1 or not is_valid_name(f"refs/heads/{name}"):
        return None
    project.report(Note(f"The branch {name} is new here, and starts at {found[0][0]}."))
    return found[0][1]


def forward(project: Project, commit: Oid, why: str) -> None:
    """Moves the branch that HEAD is on to a later commit, and workspace, index and data along.

    Args:
        project: The project.
        commit: The commit; it must have HEAD's in its history.
        why: The command, for the reflog.

    Raises:
        Refused: HEAD is on no branch, the commit does not go on from it, or a merge is under way.
        WouldLose: Local changes, untracked files or changed outputs would be overwritten; nothing was changed.
    """
    with hold_with_head(project) as held:
        _ = project.prefix
        repo = project.repo
        refuse_half_merged(project)
        held.using(write=[""])
        head, branch = repo.head(), repo.head_ref()
        if branch is None:
            raise Refused("HEAD is on no branch that could go on.", "Go to one with `assay switch BRANCH`.")
        if head is not None and not is_ancestor(repo.objects, head, commit, shallow=repo.shallow):
            raise Refused(f"{commit.hex()[:7]} does not go on from {branch.removeprefix('refs/heads/')}.")
        who = project.signature("COMMITTER")

        def publish() -> None:
            with repo.refs.transaction(f"{why}: Fast-forward", who) as change:
                change.update(branch, commit, head)

        _go(project, head, commit, publish)


def join(project: Project, commit: Oid, name: str, why: str) -> Oid:
    """Joins the branch that HEAD is on with a commit that went another way, in a commit that goes on from both.

    Args:
        project: The project.
        commit: The commit.
        name: What people call it, for the message ("origin/main").
        why: The command, for the reflog.

    Returns:
        The new commit.

    Raises:
        Refused: Both sides changed a file, each in its own way; they have no one commit that they went apart at; HEAD
            is on no branch with a commit; or a merge is under way.
        WouldLose: Local changes, untracked files or changed outputs would be overwritten; nothing was changed.
    """
    with hold_with_head(project) as held:
        _ = project.prefix
        repo = project.repo
        refuse_half_merged(project)
        held.using(write=[""])
        head, branch = repo.head(), repo.head_ref()
        if branch is None or head is None:
            raise Refused("HEAD is on no branch that could be joined.", "Go to one with `assay switch BRANCH`.")
        joint = _joint(project, head, commit, name)
        who = project.signature("COMMITTER")

        def publish() -> None:
            with repo.refs.transaction(f"{why}: Merge {name}", who) as change:
                change.update(branch, joint, head)

        _go(project, head, joint, publish)
        return joint


def _joint(project: Project, head: Oid, commit: Oid, name: str) -> Oid:
    """Makes the commit that joins two; nothing leads to it yet. Raises Refused."""
    objects, shallow = project.repo.objects, project.repo.shallow
    bases = meeting_points(objects, head, commit, shallow=shallow)
    if len(bases) != 1:
        what = "several commits that both go on from" if bases else "no commit in common"
        raise Refused(f"HEAD and {name} have {what}.", "Join them with Git.")
    base, ours, theirs = (objects.read_commit(oid).tree for oid in (bases[0], head, commit))
    found = together(objects, base, ours, theirs)
    if found.clashing:
        raise Refused(
            f"{first_of(found.clashing)}: changed here and in {name}, each in its own way.",
            f"`assay switch {name}` shows them as they are there. Make them the same here, commit, and try again.",
        )
    author, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
    with objects.batch() as batch:
        tree = edit_tree(batch, ours, found.edits)
        text = f"Merge {name}\n"
        joint = batch.add(COMMIT, build_commit(tree, (head, commit), author, committer, text))
    disk.sync_tree(project.repo.common_dir)
    return joint


def _go(project: Project, head: Oid | None, commit: Oid, publish: Callable[[], None]) -> None:
    """Brings files, index and outputs from one commit to another; ``publish`` makes that known.

    Raises:
        WouldLose: Something would be lost; nothing was changed.
        RefConflict: HEAD moved meanwhile.
    """
    repo = project.repo
    outs = _outs_to_change(project, head, commit)
    _check_outs(project, outs)
    old = None if head is None else repo.objects.read_commit(head).tree
    new = repo.objects.read_commit(commit).tree
    checkout_tree(repo, old, new, write_index=True, report=project.report)
    if repo.head() != head:
        raise RefConflict("HEAD moved while the files were being changed.", "Look at `assay status`, then try again.")
    # HEAD comes last: cut short before it, the same command started again finds its files and goes on.
    publish()
    _check_out(project, outs)


def _refuse_second_checkout(project: Project, refname: str) -> None:
    """A branch that two worktrees are on moves under one of them."""
    repo = project.repo
    admin = f"{repo.common_dir}/worktrees"
    names = sorted(os.listdir(admin)) if os.path.isdir(admin) else []
    for folder in [repo.common_dir, *(f"{admin}/{name}" for name in names)]:
        if os.path.realpath(folder) == os.path.realpath(repo.git_dir):
            continue
        with suppress(OSError), open(f"{folder}/HEAD", "rb") as file:
            if file.read() == b"ref: " + os.fsencode(refname) + b"\n":
                raise Refused(
                    f"The branch {refname.removeprefix('refs/heads/')} is checked out in another worktree.",
                    "Go on there, or make a branch of your own with `assay branch`.",
                )


def _outs_to_change(project: Project, head: Oid | None, commit: Oid) -> dict[str, Artifact | None]:
    """The outputs that the commit names, and, as None, those to take away: what HEAD named, still as it was."""
    new = tracked_at(project, commit).outs
    wanted: dict[str, Artifact | None] = dict(new)
    if head is None or head == commit:
        return wanted
    tree = project.repo.objects.read_commit(commit).tree
    is_wanted = within(new.keys())
    for path, artifact in tracked_at(project, head).outs.items():
        if is_wanted(path) or lookup(project.repo.objects, tree, project.prefix + path) is not None:
            continue
        if any(name.startswith(path + "/") for name in new):
            continue
        with suppress(MissingArtifact):
            if planned(project, path, artifact).is_done:
                wanted[path] = None
    return wanted


def _check_outs(project: Project, outs: Mapping[str, Artifact | None]) -> None:
    """Raises WouldLose when the outputs here hold what the cache has not."""
    for path, artifact in outs.items():
        with suppress(MissingArtifact):
            todo = planned(project, path, artifact)
            if todo.would_lose and not todo.missing:
                raise WouldLose(
                    f"{', '.join(todo.would_lose[:10])}: changed, in no cache, and would be lost.",
                    "Save them with `assay save`, or move them away, then try again.",
                )


def _check_out(project: Project, outs: Mapping[str, Artifact | None]) -> None:
    """Checks the outputs out; those that the cache lacks are told, not fetched, and what is there stays."""
    absent = []
    kinds = link_kinds(project)
    for path, artifact in outs.items():
        try:
            todo = planned(project, path, artifact)
            checkout.carry_out(todo, kinds, report=project.report)
        except MissingArtifact:
            absent.append(path)
    if absent:
        project.report(Warned(f"The cache does not have {first_of(absent)} of this commit; `assay pull` gets them."))
