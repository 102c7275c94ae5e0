"""Commits the workspace to the current branch, so that experiments can start from it without a Git program.

Takes what a snapshot takes: changed tracked files, and files neither tracked nor ignored up to the limit. It moves the
branch and writes the index, as `git commit -a` would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from assay.engine import disk
from assay.engine.errors import GitError, Refused, UsageError
from assay.engine.experiments.workspace import Changes, cached_paths, hold
from assay.engine.git import objects
from assay.engine.git.index import entry_of
from assay.engine.git.indexdraft import Draft, editing
from assay.engine.git.revisions import resolve
from assay.engine.git.status import snapshot_changes
from assay.engine.git.trees import diff_trees, edit_tree
from assay.engine.layout import SNAPSHOT_LIMIT
from assay.engine.model import Oid
from assay.engine.pipeline.spec import load
from assay.engine.project import Project

CLOCK_STEP = 20_000_000
"""Nanoseconds by which a file system's clock may lag behind the system's."""

UNKNOWN = os.stat_result((0,) * 10, {"st_mtime_ns": 0, "st_ctime_ns": 0})
"""The stat data of an index entry whose file has to be looked at."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A new commit on the current branch.

    Attributes:
        commit: Its id.
        ref: The branch's full name, or "HEAD" when it is detached.
        files: How many files differ from the commit before.
    """

    commit: Oid
    ref: str
    files: int


def baseline(project: Project, message: str, *, paths: Sequence[str] = (), experiment: str | None = None) -> Baseline:
    """Makes a commit of the workspace, or of an experiment's tree, on the current branch.

    Args:
        project: The project.
        message: The commit's message.
        paths: Project paths to commit; none means all that changed.
        experiment: Commit this experiment's tree instead of the workspace; the files in the workspace stay.

    Raises:
        Refused: Nothing changed, or an untracked file is too large to be taken silently.
        UsageError: The message is empty, or a path matches nothing that changed.
    """
    if not message.strip():
        raise UsageError("A baseline needs a message.", "Give one with -m.")
    if paths and experiment:
        raise UsageError("--from takes a whole experiment; paths cannot be given with it.")
    with hold(project):
        _ = project.prefix
        began = time.time_ns()
        head = project.repo.head()
        base_tree = None if head is None else project.repo.objects.read_commit(head).tree
        if experiment is not None:
            tree = project.repo.objects.read_commit(resolve(project.repo, experiment)).tree
            changes: Changes = {path: new for path, _, new in diff_trees(project.repo.objects, base_tree, tree)}
            began = 0  # the files here are not what is committed, so their stat data means nothing
        else:
            changes = _workspace_changes(project, base_tree, paths)
        if not changes and head is not None:
            raise Refused("Nothing changed since the last commit, so there is nothing to make a baseline of.")
        return _commit(project, head, base_tree, changes, message, began)


def _workspace_changes(project: Project, base_tree: Oid | None, paths: Sequence[str]) -> Changes:
    pipeline = load(project)
    is_cached = cached_paths(project, pipeline)
    chosen = [] if "." in paths else [project.prefix + path for path in paths]

    def skip(path: str) -> bool:
        if chosen and not any(path == item or path.startswith(item + "/") for item in chosen):
            return True
        return is_cached(path)

    with project.repo.objects.batch() as batch:
        changes = snapshot_changes(
            project.repo, base_tree, batch.add, include_untracked=True, limit_bytes=SNAPSHOT_LIMIT, skip=skip
        )
    for path, item in zip(paths, chosen, strict=False):
        if not any(name == item or name.startswith(item + "/") for name in changes):
            raise UsageError(f"{path} has no changes to commit.")
    return changes


def _commit(
    project: Project, head: Oid | None, base_tree: Oid | None, changes: Changes, message: str, began: int
) -> Baseline:
    repo = project.repo
    who, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
    text = message if message.endswith("\n") else message + "\n"
    with repo.objects.batch() as batch:
        tree = edit_tree(batch, base_tree, changes)
        commit = batch.add(objects.COMMIT, objects.build_commit(tree, (head,) if head else (), who, committer, text))
    disk.sync_tree(repo.common_dir)
    ref = repo.head_ref() or "HEAD"
    if ref == "HEAD" and head is None:
        raise GitError("HEAD names nothing.")
    kind = "commit" if head else "commit (initial)"
    with editing(repo.common_dir, repo.index_path, project.world.command) as index:
        _stage(project, index, changes, began)
        index.note_tree(repo.objects, tree)
        with repo.refs.transaction(message=f"{kind}: {text.splitlines()[0]}", who=committer) as refs:
            refs.update(ref, commit, head)
    return Baseline(commit, ref, len(changes))


def _stage(project: Project, index: Draft, changes: Changes, began: int) -> None:
    """Puts what is being committed into the index, with stat data of files that are still what was hashed."""
    for path, value in changes.items():
        if value is None:
            index.remove(path)
            continue
        mode, blob = value
        try:
            status = os.lstat(f"{project.repo.worktree}/{path}")
        except OSError:
            status = UNKNOWN
        if max(status.st_mtime_ns, status.st_ctime_ns) >= began - CLOCK_STEP:
            status = UNKNOWN  # it may have changed after it was hashed; Git will look at its content
        index.put(path, entry_of(status, mode, blob))
