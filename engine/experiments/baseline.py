"""Commits the workspace to the current branch, so that experiments can start from it without a Git program.

Takes what a snapshot takes: changed tracked files, and files neither tracked nor ignored up to the limit. It moves the
branch and writes the index, as `git commit -a` would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from assay.engine import disk
from assay.engine.errors import RefConflict, Refused, UsageError
from assay.engine.git import objects
from assay.engine.git.index import SKIP_WORKTREE, IndexEntry, entry_of, unknown_entry
from assay.engine.git.indexdraft import Draft, editing
from assay.engine.git.revisions import resolve
from assay.engine.git.staged import differences
from assay.engine.git.status import snapshot_changes
from assay.engine.git.trees import Item, diff_trees, edit_tree
from assay.engine.git.workfiles import ignore_rules
from assay.engine.layout import SNAPSHOT_LIMIT
from assay.engine.model import Oid
from assay.engine.pipeline.spec import load
from assay.engine.project import Project
from assay.engine.workspace.borrowed import hold_with_head
from assay.engine.workspace.files import Changes, moved_to_cache, outputs_of, within
from assay.engine.workspace.hold import refuse_half_merged

CLOCK_STEP = 20_000_000
"""Nanoseconds by which a file system's clock may lag behind the system's."""


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
        Refused: Nothing changed, a merge is under way, or an untracked file is too large to be taken silently.
        UsageError: The message is empty, or a path matches nothing that changed.
    """
    if not message.strip():
        raise UsageError("A baseline needs a message.", "Give one with -m.")
    if paths and experiment:
        raise UsageError("--from takes a whole experiment; paths cannot be given with it.")
    with hold_with_head(project) as held:
        prefix = project.prefix
        refuse_half_merged(project)
        held.using(read=[""])
        began = time.time_ns()
        head = project.repo.head()
        base_tree = None if head is None else project.repo.objects.read_commit(head).tree
        chosen: Collection[str] = ()
        if experiment is not None:
            tree = project.repo.objects.read_commit(resolve(project.repo, experiment)).tree
            changes = {path: new for path, _, new in diff_trees(project.repo.objects, base_tree, tree)}
            began = 0  # the files here are not what is committed, so their stat data means nothing
        else:
            named = {path: (prefix + path).removesuffix("/.") for path in paths}
            chosen = [] if "." in named.values() else list(named.values())
            changes = _workspace_changes(project, base_tree, chosen)
            for path, item in named.items() if chosen else ():
                _check_named(project, path, item, changes)
        if not changes and head is not None:
            raise Refused("Nothing changed since the last commit, so there is nothing to make a baseline of.")
        return _commit(project, head, base_tree, message, _Part(changes, chosen, began))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is committed.

    Attributes:
        changes: How it differs from the commit before.
        chosen: The paths it is limited to; none for all.
        began: The time (ns) since when files may have changed after they were looked at; 0 when they were not.
    """

    changes: Changes
    chosen: Collection[str]
    began: int


def _workspace_changes(project: Project, base_tree: Oid | None, chosen: Collection[str]) -> dict[str, Item | None]:
    pipeline = load(project)
    is_cached, is_chosen = within(outputs_of(project, pipeline, cached=True)), within(chosen)
    holds_chosen = {path[:cut] for path in chosen for cut in range(len(path)) if path[cut] == "/"}

    def skip(path: str) -> bool:
        return bool(chosen and not is_chosen(path) and path not in holds_chosen) or is_cached(path)

    with project.repo.objects.batch() as batch:
        changes = snapshot_changes(
            project.repo,
            base_tree,
            batch.add,
            include_untracked=True,
            limit_bytes=SNAPSHOT_LIMIT,
            skip=skip,
            report=project.report,
        )
    moved = () if base_tree is None else moved_to_cache(project, pipeline, base_tree)
    changes.update((path, None) for path in moved if not chosen or is_chosen(path))
    return {path: item for path, item in changes.items() if path not in holds_chosen}


def _check_named(project: Project, path: str, item: str, changes: Changes) -> None:
    """Says of a path on the command line why nothing of it would be committed."""
    if any(name == item or name.startswith(item + "/") for name in changes):
        return
    full = f"{project.repo.worktree}/{item}"
    if not os.path.lexists(full):
        raise UsageError(f"{path} is not there.", "Check its spelling.")
    if ignore_rules(project.repo).ignored(item, os.path.isdir(full)):
        raise UsageError(f"{path} is ignored by Git, so it cannot be committed.", "Take it out of .gitignore first.")
    raise UsageError(f"{path} has no changes to commit.")


def _commit(project: Project, head: Oid | None, base_tree: Oid | None, message: str, part: _Part) -> Baseline:
    repo = project.repo
    who, committer = project.signature("AUTHOR"), project.signature("COMMITTER")
    text = message if message.endswith("\n") else message + "\n"
    with repo.objects.batch() as batch:
        tree = edit_tree(batch, base_tree, part.changes)
        commit = batch.add(objects.COMMIT, objects.build_commit(tree, (head,) if head else (), who, committer, text))
    disk.sync_tree(repo.common_dir)
    ref = repo.head_ref() or "HEAD"
    kind = "commit" if head else "commit (initial)"
    with editing(repo.common_dir, repo.index_path, project.world.command) as index:
        if repo.head() != head:
            raise RefConflict("HEAD moved while the files were being looked at.", "Try again.")
        if index.conflicts:
            raise Refused(
                f"In conflict since a merge: {', '.join(sorted(index.conflicts)[:10])}.", "Resolve them with Git first."
            )
        _stage(project, index, tree, part)
        index.note_tree(repo.objects, tree)
    # The branch comes last: cut short before it, all is staged, and the same command started again commits it.
    with repo.refs.transaction(message=f"{kind}: {text.lstrip().splitlines()[0]}", who=committer) as refs:
        refs.update(ref, commit, head)
    return Baseline(commit, ref, len(part.changes))


def _stage(project: Project, index: Draft, tree: Oid, part: _Part) -> None:
    """Makes the index what was committed, with the stat data of files that are still what was hashed.

    All that differs is brought along, and not only what changed since the commit before: what somebody had staged and
    then changed back in the file is no longer staged.
    """
    is_chosen = within(part.chosen)
    for path, (committed, _) in differences(project.repo.objects, tree, index.index).items():
        if part.chosen and not is_chosen(path):
            continue
        if committed is None:
            index.remove(path)
            continue
        known = index.entry(path)
        if known is not None and known.skip_worktree:
            index.put(path, unknown_entry(*committed)._replace(flags=SKIP_WORKTREE))
        else:
            index.put(path, _entry(project, path, committed, part))


def _entry(project: Project, path: str, committed: Item, part: _Part) -> IndexEntry:
    if path in part.changes:
        with suppress(OSError):
            status = os.lstat(f"{project.repo.worktree}/{path}")
            if max(status.st_mtime_ns, status.st_ctime_ns) < part.began - CLOCK_STEP:
                return entry_of(status, *committed)
    return unknown_entry(*committed)  # it may have changed after it was hashed; Git will look at its content
