"""Looking at the workspace: which files are there, and what they hold.

Two passes: look at everything (one stat per file; the stat cache decides what is unchanged), then read what has
changed: small files one after the other, large ones in threads. `snapshot` makes manifests of the result, `checkout`
compares it with what is wanted.

A symlink to a file inside the project counts as that file, as in DVC. One that leaves the project, leads nowhere
or to a folder is odd, and so is a socket, a pipe or a device: whoever scans says what becomes of those. Files that
an interrupted assay left behind are no part of anything.
"""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import BadInput
from assay.engine.events import Done, Progress, Reporter
from assay.engine.model import HASH_NAMES, HashName
from assay.engine.store.digest import one_shot
from assay.engine.store.files import read_whole, same, unreadable
from assay.engine.store.hashing import LARGE, hash_files
from assay.engine.store.rows import DEEPEST, EXECUTABLE, FILE, Row
from assay.engine.store.statcache import Seen, StatCache, matches, now, observed
from assay.engine.store.writer import CacheWriter

Ignored = Callable[[str, bool], bool]
"""Whether a path, relative to the root, is left out; the second argument says that it is a folder."""

Odd = Callable[[str, BadInput | None], None]
"""Hears of a path that is neither a plain file nor a folder; the error says why a symlink cannot be followed."""

_MAY_EXECUTE = stat_module.S_IXUSR | stat_module.S_IXGRP | stat_module.S_IXOTH
_TELL_EVERY = 4 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_LINK_HINT = "Put the file itself there, or leave it out in .dvcignore."


class Place(NamedTuple):
    """Where a scan looks.

    Attributes:
        root: Absolute path of the project.
        ignored: What is left out of a directory.
        links_into: Absolute paths of folders beside the root that symlinks may lead into.
    """

    root: str
    ignored: Ignored | None = None
    links_into: tuple[str, ...] = ()


class Level:
    """One folder: its files as manifest rows, and what the stat cache knew and will know of them.

    Attributes:
        path: Relative to the root.
        above: The folder that it lies in; None for the one where the scan began.
    """

    def __init__(self, path: str, above: Level | None, known: dict[str, Seen]) -> None:
        self.path = path
        self.above = above
        self.depth: int = 0 if above is None else above.depth + 1
        self.known = known
        self.seen: dict[str, Seen] = {}
        self.rows: list[Row] = []

    def add(self, name: str, stat: os.stat_result, raw: bytes, seen: Seen | None) -> None:
        """Takes in a file whose binary digest is known; ``seen`` is None when it must not be remembered."""
        kind = EXECUTABLE if stat.st_mode & _MAY_EXECUTE else FILE
        self.rows.append([name, kind, raw, stat.st_size, 1])
        if seen is not None:
            self.seen[name] = seen


class _Pending(NamedTuple):
    """A file that has to be read: its folder, its name there, and its stat when it was seen."""

    level: Level
    name: str
    stat: os.stat_result


class Scan:
    """One look at a file or folder of the workspace.

    Args:
        place: Where.
        algo: The hash to name content by.
        stat_cache: What is known already; it learns, and its owner flushes it.
        writer: Where content goes that the cache has not; None to name it only.
        odd: Hears of what cannot be recorded.
        report: Hears of progress, in bytes.

    Attributes:
        left_out: Paths that are ignored or odd.
        abandoned: Paths of temporary files that an interrupted assay left behind.
    """

    def __init__(
        self,
        place: Place,
        algo: HashName,
        stat_cache: StatCache,
        writer: CacheWriter | None,
        odd: Odd,
        report: Reporter,
    ) -> None:
        self.place = place
        self.algo = algo
        self.left_out: list[str] = []
        self.abandoned: list[str] = []
        self._stat_cache = stat_cache
        self._writer = writer
        self._odd = odd
        self._report = report
        self._started = now()
        self._pending: list[_Pending] = []
        self._algo_place = HASH_NAMES.index(algo)
        self._inside = tuple(map(os.path.realpath, (place.root, *place.links_into)))

    def file(self, path: str) -> Row | None:
        """The row of a file, or of a symlink to one; None when it is odd.

        Raises:
            StoreError: It cannot be read, or does not hold still.
        """
        above, _, name = path.rpartition("/")
        level = self._level(above, None)
        stat = self._stat(path)
        if stat is None:
            return None
        self._look(level, name, stat)
        self._read_pending(path)
        self._stat_cache.remember(f"{self.place.root}/{path}", level.seen.get(name))
        return level.rows[0]

    def folder(self, path: str) -> list[Level]:
        """A folder and all below it, each after the one that it lies in; their files are read, their rows complete.

        Raises:
            BadInput: It is nested too deeply.
            StoreError: Something cannot be read, or does not hold still.
        """
        levels = []
        stack = [self._level(path, None)]
        while stack:
            level = stack.pop()
            levels.append(level)
            if level.depth > DEEPEST:
                raise BadInput(level.path, f"lies more than {DEEPEST} folders deep")
            stack += [self._level(f"{level.path}/{name}", level) for name in self._look_through(level)]
        self._read_pending(path)
        for level in levels:
            if level.seen != level.known:
                self._stat_cache.replace(f"{self.place.root}/{level.path}", level.seen)
        return levels

    def _level(self, path: str, above: Level | None) -> Level:
        root = self.place.root
        return Level(path, above, self._stat_cache.folder(f"{root}/{path}" if path else root))

    def _look_through(self, level: Level) -> list[str]:
        """Looks at the files of one folder and returns the names of its folders."""
        folders = []
        prefix = level.path + "/"
        ignored = self.place.ignored
        try:
            with os.scandir(f"{self.place.root}/{level.path}") as listing:
                for entry in listing:
                    name = entry.name
                    is_dir = entry.is_dir(follow_symlinks=False)
                    if ignored is not None and ignored(prefix + name, is_dir):
                        self.left_out.append(prefix + name)
                    elif is_dir:
                        folders.append(name)
                    elif not entry.is_file(follow_symlinks=False):
                        stat = self._stat(prefix + name)
                        if stat is not None:
                            self._look(level, name, stat)
                    elif disk.is_temp(name):
                        self.abandoned.append(prefix + name)
                    else:
                        self._look(level, name, entry.stat(follow_symlinks=False))
        except OSError as error:
            raise unreadable(f"{self.place.root}/{level.path}", error) from error
        return folders

    def _stat(self, path: str) -> os.stat_result | None:
        """The stat of a file, through a symlink that may be followed; None when it is odd."""
        absolute = f"{self.place.root}/{path}"
        problem = None
        try:
            stat = os.stat(absolute)
        except OSError as error:
            if not os.path.islink(absolute):
                raise unreadable(absolute, error) from error
            problem = BadInput(path, "is a symlink that leads nowhere", hint=_LINK_HINT)
        else:
            if os.path.islink(absolute):
                problem = self._why_not_follow(path, absolute, stat)
            if problem is None and stat_module.S_ISREG(stat.st_mode):
                return stat
        self.left_out.append(path)
        self._odd(path, problem)
        return None

    def _why_not_follow(self, path: str, absolute: str, stat: os.stat_result) -> BadInput | None:
        target = os.path.realpath(absolute)
        if not any(target.startswith(f"{folder.rstrip('/')}/") for folder in self._inside):
            return BadInput(path, f"is a symlink that leaves the project, to {target}", hint=_LINK_HINT)
        if stat_module.S_ISDIR(stat.st_mode):
            return BadInput(path, "is a symlink to a folder", hint=_LINK_HINT)
        return None

    def _look(self, level: Level, name: str, stat: os.stat_result) -> None:
        seen = level.known.get(name)
        if seen is not None and seen.algo == self._algo_place and matches(seen, stat) and self._is_kept(seen):
            level.add(name, stat, seen.raw, seen)
        else:
            self._pending.append(_Pending(level, name, stat))

    def _is_kept(self, seen: Seen) -> bool:
        return self._writer is None or self._writer.has_packed(seen.raw) or self._writer.has(seen.digest)

    def _read_pending(self, path: str) -> None:
        if not self._pending:
            return
        total = sum(item.stat.st_size for item in self._pending)
        task = f"Adding {path}" if self._writer is not None else f"Hashing {path}"

        def progress(done: int) -> None:
            self._report(Progress(task, done, total, "B"))

        done = self._read_small([item for item in self._pending if item.stat.st_size < LARGE], progress)
        large = [item for item in self._pending if item.stat.st_size >= LARGE]
        if large:
            self._read_large(large, lambda more: progress(done + more))
        self._pending.clear()
        self._report(Done(task))

    def _read_small(self, items: list[_Pending], progress: Callable[[int], None]) -> int:
        value = one_shot(self.algo)
        done = told = 0
        for level, name, stat in items:
            data, stat = _content(self._absolute(level, name), stat)
            raw = value(data)
            if self._writer is not None:
                self._writer.add_hashed(raw, data)
            level.add(name, stat, raw, observed(stat, self.algo, raw, self._started))
            done += len(data)
            if done - told >= _TELL_EVERY:
                told = done
                progress(done)
        return done

    def _read_large(self, items: list[_Pending], progress: Callable[[int], None]) -> None:
        paths = [self._absolute(item.level, item.name) for item in items]
        results = hash_files(paths, self.algo, self._writer, progress)
        for item, (digest, stat, started) in zip(items, results, strict=True):
            raw = bytes.fromhex(digest.hex)
            item.level.add(item.name, stat, raw, observed(stat, self.algo, raw, started))

    def _absolute(self, level: Level, name: str) -> str:
        return f"{self.place.root}/{level.path}/{name}" if level.path else f"{self.place.root}/{name}"


def _content(path: str, stat: os.stat_result) -> tuple[bytes, os.stat_result]:
    """A small file's content in as few calls as there can be, when it is as it was when it was seen."""
    try:
        fd = os.open(path, _FLAGS)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        data = os.read(fd, stat.st_size + 1)
        after = os.fstat(fd)
    finally:
        os.close(fd)
    if len(data) == stat.st_size and same(stat, after):
        return data, stat
    return read_whole(path)
