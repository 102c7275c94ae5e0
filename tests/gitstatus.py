"""What the work tree looks like to the engine and to the real Git, in the same words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from assay.engine.git.repository import Repository
from assay.engine.git.status import WorkState, snapshot_changes, work_state
from assay.engine.git.trees import edit_tree

Git = Callable[..., str]


def opened(folder: Path) -> Repository:
    """The repository of a folder, with the test's home."""
    return Repository.discover(str(folder), environment={"HOME": os.environ["HOME"]})


def words(state: WorkState) -> list[str]:
    """A state as ``git status --porcelain`` prints it, sorted."""
    found = {path: f"{code} {path}" for path, code in state.conflicted.items()}
    for path in state.staged.keys() | state.unstaged.keys():
        found.setdefault(path, f"{state.staged.get(path, ' ')}{state.unstaged.get(path, ' ')} {path}")
    return sorted([*found.values(), *(f"?? {path}" for path in state.untracked)])


def ours(folder: Path) -> list[str]:
    """The state that the engine sees, which must not write the index."""
    index = folder / ".git/index"
    before = index.read_bytes() if index.is_file() else None
    repo = opened(folder)
    try:
        return words(work_state(repo))
    finally:
        repo.close()
        assert before == (index.read_bytes() if index.is_file() else None)


def gits(git: Git, folder: Path) -> list[str]:
    """The state that Git sees."""
    told = git("status", "--porcelain", "-z", "-uall", "--no-renames", "--ignore-submodules=all", cwd=folder)
    return sorted(filter(None, told.split("\0")))


def our_tree(folder: Path, *, untracked: bool) -> str:
    """The id of HEAD's tree edited by a snapshot of the work tree."""
    repo = opened(folder)
    try:
        head = repo.head()
        base = repo.objects.read_commit(head).tree if head else None
        with repo.objects.batch() as batch:
            changes = snapshot_changes(repo, base, batch.add, include_untracked=untracked)
            return edit_tree(batch, base, changes).hex()
    finally:
        repo.close()


def gits_tree(git: Git, folder: Path, *, untracked: bool, scratch: Path) -> str:
    """The id of the tree that Git makes of the work tree, with an index of its own."""
    scratch.write_bytes((folder / ".git/index").read_bytes())
    chosen = ("-c", "advice.addEmbeddedRepo=false")
    os.environ["GIT_INDEX_FILE"] = str(scratch)
    try:
        git(*chosen, "add", "-A" if untracked else "-u", "--", ".", cwd=folder)
        return git("write-tree", cwd=folder)
    finally:
        del os.environ["GIT_INDEX_FILE"]
