"""Puts trees into the work tree: first what would change, then whether anything would be lost, then the files.

Nothing is written before every path was checked: that it may be written at all (law 5), and that what it replaces is
known. Files are replaced whole, one by one, through `disk.Folder`, so a checkout that is interrupted leaves each file
old or new, and the same checkout started again goes on. The index, when it is wanted, is locked before and written
after.

Limits: filter programs are not run, so a Git LFS file arrives as its pointer; submodules are left alone, but for an
empty folder where a new one belongs.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from assay.engine import disk
from assay.engine.disk import Folder
from assay.engine.errors import WouldLose
from assay.engine.events import Done, Progress, Reporter, Warned, silent
from assay.engine.git.attributes import Attributes
from assay.engine.git.filters import Filters
from assay.engine.git.index import SKIP_WORKTREE, entry_of, unknown_entry
from assay.engine.git.indexdraft import Draft, editing
from assay.engine.git.objects import MODE_EXECUTABLE, MODE_GITLINK, MODE_LINK
from assay.engine.git.repository import Repository
from assay.engine.git.trees import Item, check_entry, diff_trees, lookup
from assay.engine.git.workfiles import WorkFiles, filters_of
from assay.engine.model import Oid
from assay.engine.words import first_of

_REPORTED = 500  # files between two reports
_TASK = "Checking out files"


def checkout_tree(
    repo: Repository,
    old: Oid | None,
    new: Oid | None,
    *,
    write_index: bool,
    report: Reporter = silent,
) -> dict[str, os.stat_result]:
    """Brings the work tree from one tree to another; files that are the same in both are not looked at.

    Args:
        repo: A repository with a work tree.
        old: The tree that is checked out; None for none.
        new: The tree to check out.
        write_index: Whether the index goes along.
        report: Is told how far it is.

    Returns:
        The lstat of each file that now is as the new tree has it and was not in the old one.

    Raises:
        WouldLose: Local changes or untracked files are in the way; up to ten are named, nothing was changed.
        UnsafePath: The new tree has a path that must not be written; nothing was changed.
        GitError: There is no work tree, or the index cannot be used or is locked.
    """
    pairs = {path: (before, after) for path, before, after in diff_trees(repo.objects, old, new)}
    checked: set[str] = set()
    for path, (_, after) in pairs.items():
        if after:
            _check(path, after[0], checked)
    if not pairs:
        return {}
    if not write_index:
        return _switch(repo, pairs, new, report)
    with editing(repo.common_dir, repo.index_path) as draft:
        if draft.conflicts:
            raise WouldLose(
                f"{first_of(sorted(draft.conflicts))}: in conflict since a merge.", "Finish or abort the merge first."
            )
        written = _switch(repo, pairs, new, report)
        for path, (_, after) in pairs.items():
            if after is None:
                draft.remove(path)
        for path, (_, after) in pairs.items():
            if after is not None:
                _follow(draft, path, after, written.get(path))
        if new:
            draft.note_tree(repo.objects, new)
    return written


def write_files(
    repo: Repository,
    wanted: Mapping[str, Item | None],
    *,
    raw: bool = False,
    dry: bool = False,
    report: Reporter = silent,
) -> dict[str, os.stat_result]:
    """Makes paths of the work tree what is wanted, whatever is there; keeping that is the caller's affair.

    Args:
        repo: A repository with a work tree.
        wanted: Path to (mode, blob), or to None where no file should be.
        raw: Whether the blobs hold the files' own bytes, and not what Git would store for them.
        dry: Whether to find out only that nothing speaks against it.
        report: Is told how far it is.

    Raises:
        WouldLose: A folder with other files stands where a file is wanted, or a file where a folder is.
        UnsafePath: A path that must not be written.
    """
    checked: set[str] = set()
    for path, item in wanted.items():
        _check(path, item[0] if item else 0, checked)
    files = WorkFiles(repo)
    plan = _Plan(files)
    plan.puts = {path: item for path, item in wanted.items() if item}
    plan.removals = {path for path, item in wanted.items() if not item}
    plan.clear_the_way()
    if dry:
        return {}
    return _carry_out(plan, Filters(Attributes(lambda _: None)) if raw else files.filters, report)


def _check(path: str, mode: int, checked: set[str]) -> None:
    """`check_entry`, with folders checked once."""
    folder, slash, name = path.rpartition("/")
    if slash and folder not in checked:
        disk.check_relative(folder)
        checked.add(folder)
    check_entry(name, mode)


def _switch(
    repo: Repository, pairs: Mapping[str, tuple[Item | None, Item | None]], new: Oid | None, report: Reporter
) -> dict[str, os.stat_result]:
    files = WorkFiles(repo)
    plan = _Plan(files)
    for path, (before, after) in pairs.items():
        plan.add(path, before, after)
    plan.clear_the_way()

    def read(path: str) -> bytes | None:
        item = lookup(repo.objects, new, path) if new else None
        return repo.objects.read_blob(item.oid) if item and stat.S_ISREG(item.mode) else None

    return {**plan.present, **_carry_out(plan, filters_of(repo, read), report)}


def _follow(draft: Draft, path: str, item: Item, status: os.stat_result | None) -> None:
    """Sets the entry of a path that was checked out, or of one that is not wanted in this work tree."""
    known = draft.entry(path)
    if status is not None:
        draft.put(path, entry_of(status, *item))
    elif known and known.skip_worktree:
        draft.put(path, unknown_entry(*item)._replace(flags=SKIP_WORKTREE))
    else:
        draft.put(path, unknown_entry(*item))


class _Plan:
    """What a checkout does.

    Attributes:
        files: The work tree.
        puts: What is written, by path; submodules among them.
        removals: Files that go away.
        present: Files that are already what they should be, with their lstat.
        gone: Files that should go away and have, whose folders may be empty.
    """

    def __init__(self, files: WorkFiles) -> None:
        self.files = files
        self.puts: dict[str, Item] = {}
        self.removals: set[str] = set()
        self.present: dict[str, os.stat_result] = {}
        self.gone: set[str] = set()
        self.first: set[str] = set()  # removals that must go before something can be put in their place
        self.emptied: list[str] = []  # folders that then stand in the way, deepest first
        self._lost: set[str] = set()
        self._folders: dict[str, bool] = {"": True}
        self._obstacles: dict[str, str] = {"": ""}

    def add(self, path: str, before: Item | None, after: Item | None) -> None:
        """Decides about a path that two trees differ in; what is there must be what either of them has."""
        staged = self.files.index.item(path)
        status = self._lstat(path)
        if status is None and self.files.is_unwanted(path):
            return
        now = self.files.state(path, status) if status else None
        if staged not in (None, before, after):
            self._lost.add(path)
        elif now is not None and now == after and status:
            self.present[path] = status
        elif now is not None and now != before:
            self._lost.add(path)
        elif after is not None:
            self.puts[path] = after
            if now is not None and after[0] == MODE_GITLINK:
                self.removals.add(path)
        elif now is not None:
            self.removals.add(path)
        elif status is None and self._is_folder(path.rpartition("/")[0]):
            self.gone.add(path)

    def clear_the_way(self) -> None:
        """Works out what must go first. Raises WouldLose when something must not go."""
        for path, (mode, _) in self.puts.items():
            if path in self.removals:
                self.first.add(path)
            obstacle = self._obstacle(path.rpartition("/")[0])
            if obstacle:
                self._remove_first(obstacle)
            status = self._lstat(path)
            if status and stat.S_ISDIR(status.st_mode) and mode != MODE_GITLINK:
                self._empty(path)
        if self._lost:
            raise WouldLose(
                f"{first_of(sorted(self._lost))}: changed or not tracked, and would be lost.",
                "Save them with `assay save` or `assay baseline`, or move them away, then try again.",
            )

    def _remove_first(self, path: str) -> None:
        (self.first if path in self.removals else self._lost).add(path)

    def _empty(self, folder: str) -> None:
        """Makes room for a file where a folder is: everything in it must be about to go anyway."""
        below: list[str] = []

        def enter(path: str) -> bool:
            below.append(f"{folder}/{path}")
            return True

        for found in disk.walk(f"{self.files.root}/{folder}", enter):
            self._remove_first(f"{folder}/{found.path}")
        self.emptied += [*sorted(below, reverse=True), folder]

    def _obstacle(self, folder: str) -> str:
        """The file or symlink that stands where a folder, or one above it, should be; "" when none does."""
        known = self._obstacles.get(folder)
        if known is None:
            known = self._obstacle(folder.rpartition("/")[0])
            if not known:
                status = self._lstat(folder)
                known = folder if status and not stat.S_ISDIR(status.st_mode) else ""
            self._obstacles[folder] = known
        return known

    def _lstat(self, path: str) -> os.stat_result | None:
        """The lstat of a path below real folders; None when nothing is there."""
        if not self._is_folder(path.rpartition("/")[0]):
            return None
        try:
            return os.lstat(f"{self.files.root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _is_folder(self, folder: str) -> bool:
        """Whether a folder is there, with no symlink on the way."""
        known = self._folders.get(folder)
        if known is None:
            status = self._lstat(folder)
            known = self._folders[folder] = status is not None and stat.S_ISDIR(status.st_mode)
        return known


def _carry_out(plan: _Plan, conversions: Filters, report: Reporter) -> dict[str, os.stat_result]:
    """Does what was planned; what stands in the way goes first, whatever else goes last."""
    written: dict[str, os.stat_result] = {}
    path = plan.files.root
    try:
        with Folder(plan.files.root) as folder:
            for path in sorted(plan.first):
                folder.remove(path)
            for path in plan.emptied:
                folder.remove_empty(path)
            for path, item in plan.puts.items():
                status = _put(plan.files, folder, path, item, conversions)
                if status:
                    written[path] = status
                if len(written) % _REPORTED == 0:
                    report(Progress(_TASK, len(written), len(plan.puts)))
            for path in sorted(plan.removals - plan.first):
                folder.remove(path)
            _prune(folder, (plan.removals - plan.first) | plan.gone)
    except OSError as error:
        raise disk.no_space(error, f"{plan.files.root}/{path}") from error
    if len(written) >= _REPORTED:
        report(Done(_TASK))
    _tell_of_filters(plan, conversions, report)
    return written


def _put(files: WorkFiles, folder: Folder, path: str, item: Item, conversions: Filters) -> os.stat_result | None:
    """Writes one file; None for a submodule, whose folder is made when nothing is there."""
    mode, oid = item
    if mode == MODE_GITLINK:
        folder.make(path)
        return None
    data = files.repo.objects.read_blob(oid)
    if mode == MODE_LINK and files.has_symlinks:
        return folder.symlink(os.fsdecode(data), path)
    if mode != MODE_LINK:
        data = conversions.of(path).to_file(data, oid)
    return folder.write(path, data, executable=mode == MODE_EXECUTABLE)


def _prune(folder: Folder, removed: Iterable[str]) -> None:
    """Removes the folders that removed files left empty, and those above them."""
    above = {path[:cut] for path in removed for cut in range(len(path)) if path[cut] == "/"}
    for path in sorted(above, reverse=True):
        folder.remove_empty(path)


def _tell_of_filters(plan: _Plan, conversions: Filters, report: Reporter) -> None:
    counts: dict[str, int] = {}
    for path, (mode, _) in plan.puts.items():
        driver = conversions.of(path).driver if mode not in (MODE_LINK, MODE_GITLINK) else ""
        if driver:
            counts[driver] = counts.get(driver, 0) + 1
    for driver, count in counts.items():
        report(Warned(f"{count} files have the filter {driver}, a program that is not run: they hold what Git stores."))
