"""What changed in a work tree: the lists that people read, and the snapshot that an experiment is made of.

Both compare files with a base tree and use the index as an oracle that makes most reading unnecessary (see
``workfiles``); neither writes the index, or anything else but the blobs of a snapshot.

A path is tracked when the index has it; where there is no index, when the base tree has it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from assay.engine.errors import Refused
from assay.engine.events import Reporter, Warned, silent
from assay.engine.git.objects import BLOB, MODE_GITLINK
from assay.engine.git.repository import Repository
from assay.engine.git.scan import NO_ENTRY, Scan, Skip, scan
from assay.engine.git.staged import Differences, differences
from assay.engine.git.trees import Item
from assay.engine.git.workfiles import WorkFiles
from assay.engine.model import Oid
from assay.engine.words import first_of

Letter = Literal["A", "M", "D", "T"]
"""Added, modified, deleted, or of another type (a file where a symlink was), as in `git status`."""

_CONFLICTS = {(1,): "DD", (2,): "AU", (3,): "UA", (1, 2): "UD", (1, 3): "DU", (2, 3): "AA", (1, 2, 3): "UU"}


class AddObject(Protocol):
    """Stores an object: `ObjectBatch.add`."""

    def __call__(self, kind: int, data: bytes, hint: str = "", /) -> Oid:
        """Returns the id of the object of that kind and content; the hint is its path."""


class WorkState(NamedTuple):
    """What `git status` would say, path by path.

    Attributes:
        staged: How the index differs from HEAD; nothing where there is no index.
        unstaged: How files differ from the index, or without one from HEAD; "A" for a file only intended to be added.
        conflicted: Paths in conflict, with Git's two letters.
        untracked: Files neither tracked nor ignored; folders that are other repositories end in a slash.
        warnings: Sentences about what could not be decided or read.
    """

    staged: Mapping[str, Letter]
    unstaged: Mapping[str, Letter]
    conflicted: Mapping[str, str]
    untracked: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class _Work:
    """HEAD, index and files side by side.

    Attributes:
        files: The work tree.
        differing: Where the base tree and the index differ.
        found: What one pass over the files found.
    """

    def __init__(self, repo: Repository, base: Oid | None, *, untracked: bool, skip: Skip | None = None) -> None:
        self.files = WorkFiles(repo)
        self.differing: Differences = differences(repo.objects, base, self.files.index)
        self.found: Scan = scan(self.files, self._tracked(), untracked=untracked, skip=skip)

    def _tracked(self) -> Mapping[str, int]:
        index = self.files.index
        if not index.exists:
            return {path: NO_ENTRY for path, (base, _) in self.differing.items() if base and base[0] != MODE_GITLINK}
        return {**index.offsets, **dict.fromkeys(index.conflicts, NO_ENTRY)} if index.conflicts else index.offsets

    @property
    def warnings(self) -> list[str]:
        """Sentences about what was left out."""
        return [f"{folder} cannot be read, so it is left out." for folder in sorted(self.found.unreadable)]

    def base_of(self, path: str) -> Item | None:
        """What the base tree has at a path."""
        pair = self.differing.get(path)
        return pair[0] if pair else self.files.index.item(path)

    def staged_only(self) -> Iterator[tuple[str, Item | None]]:
        """The paths where the index differs from the base and the file, or its absence, needs no look."""
        found = self.found
        missing = set(found.missing)
        for path, (base, staged) in self.differing.items():
            if path in found.touched or path in found.untracked or path in missing:
                continue
            if any(item and item[0] == MODE_GITLINK for item in (base, staged)):
                continue
            yield path, staged


def work_state(repo: Repository, *, untracked: bool = True) -> WorkState:
    """Compares HEAD, the index and the files.

    Args:
        repo: A repository with a work tree.
        untracked: Whether to look for untracked files.

    Raises:
        GitError: There is no work tree, the index cannot be used, or something cannot be read.
    """
    head = repo.head()
    work = _Work(repo, repo.objects.read_commit(head).tree if head else None, untracked=untracked)
    index, found = work.files.index, work.found
    known_as = index.item if index.exists else work.base_of
    staged = {path: _letter(*pair) for path, pair in work.differing.items() if path not in index.conflicts}
    if not index.exists:
        staged.clear()
    unstaged: dict[str, Letter] = {path: "D" for path in found.missing if path not in index.conflicts}
    for path, status in found.touched.items():
        if path not in index.conflicts:
            look, known = work.files.look(path, status), known_as(path)
            item = look and (look.mode, look.oid)
            if item != known:
                unstaged[path] = _letter(known, item)
    return WorkState(
        staged=dict(sorted(staged.items())),
        unstaged=dict(sorted(unstaged.items())),
        conflicted={path: _CONFLICTS[tuple(sorted(stages))] for path, stages in sorted(index.conflicts.items())},
        untracked=tuple(sorted([*found.untracked, *found.repositories])),
        warnings=tuple(work.warnings),
    )


def _letter(old: Item | None, new: Item | None) -> Letter:
    if old is None:
        return "A"
    if new is None:
        return "D"
    return "M" if stat.S_IFMT(old[0]) == stat.S_IFMT(new[0]) else "T"


def snapshot_changes(
    repo: Repository,
    base_tree: Oid | None,
    add: AddObject | None,
    *,
    include_untracked: bool,
    limit_bytes: int = 0,
    skip: Skip | None = None,
    skip_untracked: Skip | None = None,
    report: Reporter = silent,
) -> dict[str, Item | None]:
    """How the work tree differs from a tree, as edits of that tree, with the blobs of changed files written.

    Submodules stay as the base has them; what the user promised not to change, or left out of a sparse checkout, is
    taken from the index.

    Args:
        repo: A repository with a work tree.
        base_tree: The tree to compare with; None is the empty one.
        add: Where blobs go (`ObjectBatch.add`); None only compares.
        include_untracked: Whether files neither tracked nor ignored belong to the snapshot.
        limit_bytes: The size above which such a file stops the snapshot; 0 for any size.
        skip: Says of paths, and of folders that are not tracked, that they stay as the base has them.
        skip_untracked: Says the same, of files and folders that are not tracked only.
        report: Is told what was left out, or stored otherwise than Git would have stored it.

    Raises:
        Refused: An untracked file is larger than the limit; the largest are named.
        GitError: There is no work tree, the index cannot be used, or a file cannot be read.
    """
    skips, skips_new = skip or _nothing, skip_untracked or _nothing
    walk_past = skip if skip_untracked is None else lambda path: skips(path) or skips_new(path)
    work = _Work(repo, base_tree, untracked=include_untracked, skip=walk_past)
    if limit_bytes:
        _refuse_large(work, limit_bytes)
    for sentence in work.warnings:
        report(Warned(sentence))
    changes = {path: item for path, item in work.staged_only() if not skips(path)}
    for path in work.found.missing:
        if work.base_of(path) is not None and not skips(path):
            changes[path] = None
    for path, status in [*work.found.touched.items(), *work.found.untracked.items()]:
        if not skips(path):
            base = work.base_of(path)
            item = _taken(work.files, path, status, base, add, report)
            if item != base:
                changes[path] = item
    return changes


def _nothing(_path: str) -> bool:
    return False


def _taken(
    files: WorkFiles, path: str, status: os.stat_result, base: Item | None, add: AddObject | None, report: Reporter
) -> Item | None:
    """What a file holds now, its blob stored unless the base has it; None when it is gone."""
    look = files.look(path, status)
    if look is None:
        return None
    mode, oid, data = look
    if oid != (base and base[1]) and oid != (files.index.item(path) or (0, b""))[1]:
        driver = files.conversion(path, mode).driver
        if driver:
            report(Warned(f"{path} is stored as it is, because its filter {driver} is a program that is not run."))
        if add is not None:
            if data is None:
                data = files.content(path, mode)
            if data is None:
                return None
            oid = add(BLOB, data, path)
    return mode, oid


def _refuse_large(work: _Work, limit: int) -> None:
    large = [
        (status.st_size, path)
        for path, status in work.found.untracked.items()
        if status.st_size > limit and stat.S_ISREG(status.st_mode) and work.base_of(path) is None
    ]
    if large:
        large.sort(reverse=True)
        names = first_of(f"{path} ({size / 1e6:.1f} MB)" for size, path in large)
        raise Refused(
            f"Larger than {limit / 1e6:g} MB, neither tracked nor ignored: {names}.",
            "Add them to .gitignore, or make them outputs of a stage.",
        )
