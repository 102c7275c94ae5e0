"""One pass over a work tree: which tracked files may have changed, which are gone, and what is not tracked.

The pass reads no file. Tracked files are compared with the index by their stat data; about untracked names the ignore
rules are asked, and folders that they leave out are not entered. Files may come and go meanwhile: what vanishes under
way counts as gone.

Limits: other repositories inside the work tree are named, not entered; of submodules nothing is asked.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Mapping

from assay.engine.git.objects import MODE_GITLINK
from assay.engine.git.workfiles import WorkFiles, unreadable

NO_ENTRY = -1
"""Instead of an offset in the index: the path is tracked, but nothing is known about its file."""

Skip = Callable[[str], bool]

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Scan:
    """What a pass found.

    Attributes:
        touched: Tracked paths whose file must be read to know whether it changed, with its lstat.
        missing: Tracked paths where no file or symlink is.
        untracked: Files and symlinks that are neither tracked nor ignored, with their lstat.
        repositories: Untracked folders, each with a slash at its end, that are repositories of their own.
        unreadable: Untracked folders that cannot be read.
    """

    def __init__(self) -> None:
        self.touched: dict[str, os.stat_result] = {}
        self.missing: list[str] = []
        self.untracked: dict[str, os.stat_result] = {}
        self.repositories: list[str] = []
        self.unreadable: list[str] = []


def scan(files: WorkFiles, known: Mapping[str, int], *, untracked: bool, skip: Skip | None = None) -> Scan:
    """Goes through a work tree once.

    Args:
        files: The work tree.
        known: The tracked paths, each with its offset in the index or `NO_ENTRY`.
        untracked: Whether to look for untracked files.
        skip: Says which files and folders that are not tracked are of no interest.

    Raises:
        GitError: A folder with tracked files cannot be read.
    """
    if not untracked:
        return _visit(files, known)
    walk = _Walk(files, known, skip)
    walk.run()
    return walk.found


class _Walk:
    """A pass that looks into every folder which is not ignored."""

    def __init__(self, files: WorkFiles, known: Mapping[str, int], skip: Skip | None) -> None:
        self.found = Scan()
        self._files = files
        self._known = known
        self._skip = skip
        self._is_plain = files.plain_test()
        self._has_tracked = _folder_test(known, in_order=known is files.index.offsets and files.index.is_ascii)
        self._stack = [""]
        self._seen: list[str] = []

    def run(self) -> None:
        """Fills ``found``."""
        while self._stack:
            prefix = self._stack.pop()
            try:
                fd = os.open(f"{self._files.root}/{prefix}", _OPEN_FOLDER)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                self._cannot_read(prefix, error)
                continue
            try:
                self._look_into(fd, prefix)
            finally:
                os.close(fd)
        if len(self._seen) < len(self._known):
            self.found.missing = _absent(self._files, self._known, set(self._seen))

    def _cannot_read(self, prefix: str, error: OSError) -> None:
        if self._has_tracked(prefix[:-1]):
            raise unreadable(prefix or ".", error) from error
        self.found.unreadable.append(prefix)

    def _look_into(self, fd: int, prefix: str) -> None:
        """Compares the files of one folder with the index; with `WorkFiles.plain_test` this is what costs the time."""
        offset_of, is_plain, see, lstat = self._known.get, self._is_plain, self._seen.append, os.stat
        for name in os.listdir(fd):
            path = prefix + name
            offset = offset_of(path)
            if offset is None:
                self._meet(fd, path, name)
                continue
            try:
                status = lstat(name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if offset >= 0 and is_plain(offset, status):
                see(path)
            else:
                self._doubt(fd, path, name, offset, status)

    def _doubt(self, fd: int, path: str, name: str, offset: int, status: os.stat_result) -> None:
        """Decides about a tracked path whose stat data are not plainly those of the index."""
        if not stat.S_ISDIR(status.st_mode):
            self._seen.append(path)
            if offset < 0 or not self._files.is_unchanged(offset, status):
                self.found.touched[path] = status
        elif offset >= 0 and self._files.index.unpack(offset).mode == MODE_GITLINK:
            self._seen.append(path)
        else:
            self._meet(fd, path, name)

    def _meet(self, fd: int, path: str, name: str) -> None:
        """Decides about a name that is no tracked file: to be entered, to be noted, or nothing."""
        if name == ".git":
            return
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return
        is_folder = stat.S_ISDIR(status.st_mode)
        if is_folder and self._has_tracked(path):
            self._stack.append(path + "/")
        elif (self._skip is not None and self._skip(path)) or self._files.ignore_rules.ignored(path, is_folder):
            return
        elif is_folder:
            if is_repository(f"{self._files.root}/{path}"):
                self.found.repositories.append(path + "/")
            else:
                self._stack.append(path + "/")
        elif stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            self.found.untracked[path] = status


def _visit(files: WorkFiles, known: Mapping[str, int]) -> Scan:
    """A pass that looks at the tracked paths only."""
    found = Scan()
    seen: set[str] = set()
    real: dict[str, bool] = {"": True}
    is_plain, root, last, is_there = files.plain_test(), files.root, "", True
    for path, offset in known.items():
        folder = path[: max(path.rfind("/"), 0)]
        if folder != last:
            last, is_there = folder, _is_real_folder(root, folder, real)
        if not is_there:
            continue
        try:
            status = os.lstat(f"{root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise unreadable(path, error) from error
        if offset < 0 or not is_plain(offset, status):
            if stat.S_ISDIR(status.st_mode):
                if offset < 0 or files.index.unpack(offset).mode != MODE_GITLINK:
                    continue
            elif offset < 0 or not files.is_unchanged(offset, status):
                found.touched[path] = status
        seen.add(path)
    if len(seen) < len(known):
        found.missing = _absent(files, known, seen)
    return found


def _absent(files: WorkFiles, known: Mapping[str, int], seen: set[str]) -> list[str]:
    """The tracked paths that were not seen and should have been."""
    gone = known.keys() - seen
    return sorted(path for path in gone if known[path] == NO_ENTRY or not files.may_be_absent(known[path]))


def _is_real_folder(root: str, folder: str, real: dict[str, bool]) -> bool:
    """Whether a folder is one, with no symlink on the way."""
    known = real.get(folder)
    if known is None:
        known = False
        if _is_real_folder(root, folder.rpartition("/")[0], real):
            try:
                known = stat.S_ISDIR(os.lstat(f"{root}/{folder}").st_mode)
            except OSError:
                known = False
        real[folder] = known
    return known


def _folder_test(paths: Mapping[str, int], *, in_order: bool) -> Callable[[str], bool]:
    """Tells of a folder whether one of the paths lies below it; "" is the root.

    Args:
        paths: The paths.
        in_order: Whether they are sorted, so that a search is enough.
    """
    if in_order:
        ordered = list(paths)

        def has_path_below(folder: str) -> bool:
            prefix = folder + "/"
            at = bisect_left(ordered, prefix)
            return not folder or (at < len(ordered) and ordered[at].startswith(prefix))

        return has_path_below
    folders = {""}
    for path in paths:
        cut = path.rfind("/")
        while cut > 0 and (folder := path[:cut]) not in folders:
            folders.add(folder)
            cut = path.rfind("/", 0, cut)
    return folders.__contains__


def is_repository(folder: str) -> bool:
    """Whether a folder is the work tree of a repository of its own."""
    dot_git = f"{folder}/.git"
    try:
        status = os.lstat(dot_git)
    except OSError:
        return False
    return not stat.S_ISDIR(status.st_mode) or os.path.lexists(f"{dot_git}/HEAD")
