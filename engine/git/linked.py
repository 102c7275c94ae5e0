"""Linked worktrees: further work trees of one repository, made and removed without any other program.

They share objects and refs with the repository, and have a HEAD and an index of their own; see Git's
gitrepository-layout. HEAD there is always detached, so that no branch is checked out twice. The file ``locked`` stays
while the worktree is in use: `git worktree prune` and `git gc` then leave it alone, even where its folder is gone.

Limits: paths in these files are absolute, as those that Git 2.39 writes; a repository that is moved has to be told
(`git worktree repair`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import GitError
from assay.engine.events import Reporter, silent
from assay.engine.git.repository import Repository
from assay.engine.git.worktree import checkout_tree
from assay.engine.model import Oid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*").fullmatch


class Linked(NamedTuple):
    """A linked worktree that a repository knows.

    Attributes:
        name: Its name below ``worktrees``.
        folder: Absolute path of the work tree; it may be gone.
        why: Why it is locked; empty when it is not.
    """

    name: str
    folder: str
    why: str


def add(repo: Repository, folder: str, commit: Oid, *, name: str, why: str, report: Reporter = silent) -> Repository:
    """Makes a worktree with the files of a commit, HEAD detached there, and opens it.

    Args:
        repo: The repository, or any worktree of it.
        folder: Absolute path of the new work tree; its parent exists, itself does not.
        commit: What to check out.
        name: Its name below ``worktrees``: letters, digits, ``.``, ``_``, ``-``.
        why: What it is for; `git worktree list --porcelain` shows that.
        report: Is told how far it is.

    Raises:
        GitError: The name is in use or no name, or the files cannot be written. Nothing is left behind.
    """
    if not _NAME(name) or name.endswith((".lock", ".")):
        raise GitError(f"{name!r} cannot be the name of a worktree.")
    admin = f"{repo.common_dir}/worktrees/{name}"
    disk.make_folders(admin)
    try:
        disk.create_exclusive(f"{admin}/locked", why.encode("utf-8", "surrogateescape") + b"\n")
    except FileExistsError:
        raise GitError(f"There is a worktree {name!r} already, at {_folder(admin) or admin}.") from None
    try:
        disk.write_atomic(f"{admin}/gitdir", os.fsencode(f"{folder}/.git\n"))
        disk.write_atomic(f"{admin}/commondir", b"../..\n")
        disk.write_atomic(f"{admin}/HEAD", commit.hex().encode() + b"\n")
        disk.make_folder(folder)
        disk.write_atomic(f"{folder}/.git", os.fsencode(f"gitdir: {admin}\n"))
        linked = Repository(admin, repo.common_dir, folder, repo.config, repo.home)
        linked.command = repo.command
        checkout_tree(linked, None, repo.objects.read_commit(commit).tree, write_index=True, report=report)
    except BaseException:
        with suppress(OSError):
            remove(repo, Linked(name, folder, why))
        raise
    return linked


def remove(repo: Repository, linked: Linked) -> None:
    """Removes a worktree with all that is in it; what is gone already is no error."""
    disk.remove_tree(linked.folder)
    disk.remove_tree(f"{repo.common_dir}/worktrees/{linked.name}")


def all_linked(repo: Repository) -> Iterator[Linked]:
    """The linked worktrees of a repository, by name."""
    root = f"{repo.common_dir}/worktrees"
    try:
        names = sorted(os.listdir(root))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        folder = _folder(f"{root}/{name}")
        if folder is not None:
            yield Linked(name, folder, _text(f"{root}/{name}/locked").rstrip("\n"))


def _folder(admin: str) -> str | None:
    """The work tree that a worktree's folder in the repository names."""
    path = _text(f"{admin}/gitdir").rstrip("\n")
    return os.path.dirname(os.path.normpath(os.path.join(admin, path))) if path else None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(1 << 16)
    except OSError:
        return ""
