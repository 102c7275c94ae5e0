"""Goes to a branch or a commit: its files, its index, and the data that its lock files name."""

from __future__ import annotations

from dataclasses import dataclass

from assay.engine.errors import MissingArtifact, RefConflict
from assay.engine.events import Warned
from assay.engine.experiments.workspace import hold
from assay.engine.git.revisions import resolve
from assay.engine.git.worktree import checkout_tree
from assay.engine.model import Oid
from assay.engine.pipeline.outputs import link_kinds
from assay.engine.pipeline.tracked import tracked_at
from assay.engine.project import Project
from assay.engine.store import checkout


@dataclass(frozen=True, slots=True)
class Switched:
    """Where HEAD is now: the commit, and the branch's short name or None when it is detached."""

    commit: Oid
    branch: str | None


def switch(project: Project, revision: str) -> Switched:
    """Makes workspace and index those of a branch or commit, and points HEAD there.

    Raises:
        UnknownRevision: There is none of that name.
        WouldLose: Local changes or untracked files would be overwritten; nothing was changed.
    """
    with hold(project):
        repo = project.repo
        refname = f"refs/heads/{revision}"
        branch = revision if repo.refs.read(refname) is not None else None
        commit = resolve(repo, refname if branch else revision)
        head = repo.head()
        old = None if head is None else repo.objects.read_commit(head).tree
        checkout_tree(repo, old, repo.objects.read_commit(commit).tree, write_index=True)
        who = project.signature("COMMITTER")
        origin = (repo.head_ref() or (head.hex() if head else "nothing")).removeprefix("refs/heads/")
        if repo.head() != head:
            raise RefConflict(
                "HEAD moved while the files were being changed.", "Look at `assay status`, then try again."
            )
        repo.refs.set_head(
            refname if branch else commit, message=f"checkout: moving from {origin} to {revision}", who=who
        )
        _check_out_data(project, commit)
        return Switched(commit, branch)


def _check_out_data(project: Project, commit: Oid) -> None:
    """Checks out the outputs that the commit's lock files name; those the cache lacks are told, not fetched."""
    absent = []
    kinds = link_kinds(project)
    for path, artifact in tracked_at(project, commit).outs.items():
        try:
            plan = checkout.plan(project.root, path, artifact, project.cache, project.stat_cache)
            checkout.carry_out(plan, kinds)
        except MissingArtifact:
            absent.append(path)
    if absent:
        project.report(Warned(f"The cache does not have {', '.join(absent[:10])}; `assay pull` gets them."))
