"""From an artifact to the workspace: what differs is found first, then carried out.

`plan` compares the workspace with what is wanted and writes nothing. `carry_out` refuses to start when it would
destroy content that the cache has not (WouldLose), or when something it needs is missing; then it places every file
whole, one by one. Interrupted at any step, each file is the old or the new one, and the same plan made again completes.

What is ignored stays, and so do empty folders. A name that differs from another only in case is not noticed on file
systems that take both for one.
"""

from __future__ import annotations

import stat as stat_module
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from assay.engine import disk
from assay.engine.errors import BadInput, MissingArtifact, WouldLose
from assay.engine.events import Done, Progress, Reporter, silent
from assay.engine.model import Artifact, Digest, Entry, HashName
from assay.engine.store.cache import Cache
from assay.engine.store.links import DEFAULT_KINDS, Kind, Placer
from assay.engine.store.manifest import files_in, keeps_modes
from assay.engine.store.rows import EXECUTABLE, Row
from assay.engine.store.scan import Ignored, Place, Scan
from assay.engine.store.statcache import StatCache, seen_as
from assay.engine.words import first_of

_TELL_EVERY = 1 << 20


class Plan(NamedTuple):
    """What a checkout would do. Paths are relative to the root.

    Attributes:
        root: Absolute path of the project.
        path: Of the file or directory that is checked out.
        make: Whether a folder has to be made at ``path`` that may stay empty.
        add: Files to make, by path.
        change: Files whose content is another one.
        modes: Files that only gain or lose the right to be executed.
        remove: Files to remove.
        keep: Files that have the wanted content.
        folders: Folders that are in the way or will be left empty, the deepest first.
        would_lose: What going on would destroy although the cache has not got it.
        missing: Wanted content that the cache has not.
    """

    root: str
    path: str
    cache: Cache
    stat_cache: StatCache
    make: bool
    add: Mapping[str, Entry]
    change: Mapping[str, Entry]
    modes: Mapping[str, Entry]
    remove: tuple[str, ...]
    keep: Mapping[str, Entry]
    folders: tuple[str, ...]
    would_lose: tuple[str, ...]
    missing: tuple[Digest, ...]

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.add or self.change or self.modes or self.remove or self.folders or self.make)


class _Present:
    """What is in the workspace now: files by path, folders, and paths that were not looked into."""

    def __init__(self) -> None:
        self.files: dict[str, Entry] = {}
        self.folders: list[str] = []
        self.odd: list[str] = []
        self.left_out: list[str] = []
        self.abandoned: list[str] = []


def plan(
    root: str,
    path: str,
    artifact: Artifact | None,
    cache: Cache,
    stat_cache: StatCache,
    *,
    ignored: Ignored | None = None,
    report: Reporter = silent,
) -> Plan:
    """Compares the workspace with an artifact.

    Args:
        root: Absolute path of the project.
        path: Of the file or directory, relative to it.
        artifact: What is wanted there; None for nothing.
        cache: Where its content is.
        stat_cache: What is known about files; it learns, and its owner flushes it.
        ignored: What in a directory is not touched, asked with paths relative to the root.
        report: Hears of progress.

    Raises:
        UnsafePath: A wanted path must not be written.
        MissingArtifact: A manifest is not in the cache.
        CorruptArtifact: A manifest is damaged.
        StoreError: A file of the workspace cannot be read.
    """
    wanted = _wanted(path, artifact, cache)
    parents = _above(wanted)
    place = Place(root, _unless_wanted(ignored, wanted, parents), (cache.folder,))
    there = _present(place, path, artifact.digest.algo if artifact else cache.algo, stat_cache, report)
    have = there.files
    add = {name: entry for name, entry in wanted.items() if name not in have}
    change = {name: entry for name, entry in wanted.items() if name in have and have[name].digest != entry.digest}
    keep = {name: entry for name, entry in wanted.items() if name in have and name not in change}
    has_modes = artifact is None or not artifact.digest.is_dir or keeps_modes(artifact.digest)
    modes = {name: entry for name, entry in keep.items() if has_modes and have[name].is_exec != entry.is_exec}
    surplus = [name for name in have if name not in wanted]
    remove = [*surplus, *there.abandoned, *(name for name in there.odd if name not in wanted)]
    is_dir = artifact is not None and artifact.digest.is_dir
    in_the_way = {name for name in there.folders if not wanted.keys().isdisjoint((name, *_above([name], path)))}
    emptied = in_the_way | (_above(remove, path) - parents)
    if artifact is None:
        emptied |= set(there.folders)  # those that were empty before, too
    if is_dir:
        emptied.discard(path)
    return Plan(
        root=root,
        path=path,
        cache=cache,
        stat_cache=stat_cache,
        make=is_dir and path not in there.folders,
        add=add,
        change=change,
        modes=modes,
        remove=tuple(remove),
        keep=keep,
        folders=tuple(sorted(emptied, key=lambda name: (-name.count("/"), name))),
        would_lose=_would_lose(place, there, [*change, *surplus], wanted, cache, stat_cache),
        missing=tuple(sorted(cache.missing({entry.digest for entry in (*add.values(), *change.values())}))),
    )


def files_at(
    root: str,
    path: str,
    algo: HashName,
    stat_cache: StatCache,
    *,
    ignored: Ignored | None = None,
    links_into: tuple[str, ...] = (),
    report: Reporter = silent,
) -> dict[str, Entry]:
    """The files that the workspace has at and below a path, by their path relative to the root.

    Args:
        root: Absolute path of the project.
        path: Of a file or directory, relative to it; where nothing is there are no files.
        algo: The hash to name them by.
        stat_cache: What is known about files; it learns, and its owner flushes it.
        ignored: What in a directory is left out, asked with paths relative to the root.
        links_into: Absolute paths of further folders that symlinks may lead into.
        report: Hears of progress.

    Raises:
        StoreError: A file cannot be read.
    """
    return _present(Place(root, ignored, links_into), path, algo, stat_cache, report).files


def _wanted(path: str, artifact: Artifact | None, cache: Cache) -> dict[str, Entry]:
    disk.check_relative(path)
    if artifact is None:
        return {}
    if artifact.digest.is_dir:
        return {f"{path}/{name}": entry for name, entry in files_in(cache, artifact.digest)}
    name = path.rpartition("/")[2]
    return {path: Entry(name, artifact.digest, artifact.size or 0, None, artifact.is_exec)}


def _above(names: Iterable[str], top: str = "") -> set[str]:
    """The folders that these paths lie in, up to and including ``top``."""
    found: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in found and len(folder) >= len(top):
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _unless_wanted(ignored: Ignored | None, wanted: Mapping[str, Entry], parents: set[str]) -> Ignored | None:
    """The same rule, except that what is wanted is looked at all the same."""
    if ignored is None:
        return None
    rule = ignored
    return lambda name, is_dir: name not in wanted and name not in parents and rule(name, is_dir)


def _present(place: Place, path: str, algo: HashName, stat_cache: StatCache, report: Reporter) -> _Present:
    there = _Present()
    with disk.Folder(place.root) as folder:
        stat = folder.stat(path)  # walks down without following a symlink
    if stat is None:
        return there
    scan = Scan(place, algo, stat_cache, None, lambda name, _: there.odd.append(name), report)
    if stat_module.S_ISDIR(stat.st_mode):
        for level in scan.folder(path):
            there.folders.append(level.path)
            for row in level.rows:
                there.files[f"{level.path}/{row[0]}"] = _entry(row, algo)
    else:
        single = scan.file(path)
        if single is not None:
            there.files[path] = _entry(single, algo)
    there.left_out = scan.left_out
    there.abandoned = scan.abandoned
    return there


def _named_alone(place: Place, path: str, algo: HashName, stat_cache: StatCache) -> Digest | None:
    """A file's digest; None when it is no plain file."""
    row = Scan(place, algo, stat_cache, None, lambda *_: None, silent).file(path)
    return None if row is None else _entry(row, algo).digest


def _entry(row: Row, algo: HashName) -> Entry:
    name, kind, raw, size, _ = row
    return Entry(name, Digest(algo, raw.hex()), size, None, kind == EXECUTABLE)


def _would_lose(
    place: Place,
    there: _Present,
    going: Iterable[str],
    wanted: Mapping[str, Entry],
    cache: Cache,
    stat_cache: StatCache,
) -> tuple[str, ...]:
    names = {name: there.files[name].digest for name in going}
    absent = cache.missing(set(names.values()))
    lost = {name for name, digest in names.items() if digest in absent}
    if any(names[name].algo != cache.algo for name in lost):  # the cache may have it under the name it gives today
        usual = {name: _named_alone(place, name, cache.algo, stat_cache) for name in lost}
        absent = cache.missing({digest for digest in usual.values() if digest is not None})
        lost = {name for name, digest in usual.items() if digest is None or digest in absent}
    lost.update(there.odd)
    lost.update(name for name in there.left_out if any(above in wanted for above in _above([name])))
    return tuple(sorted(lost))


def carry_out(
    todo: Plan, kinds: Sequence[Kind] = DEFAULT_KINDS, *, force: bool = False, report: Reporter = silent
) -> Mapping[Kind, int]:
    """Makes the workspace what was planned.

    Args:
        todo: From `plan`, made just now and under the same lock.
        kinds: How files may be linked, in the order to try.
        force: Destroy also what the cache has not.
        report: Hears of progress in bytes.

    Returns:
        How many files were placed, by the kind that was used.

    Raises:
        WouldLose: Something would be destroyed; nothing was changed.
        MissingArtifact: Content is not in the cache; nothing was changed.
        CorruptArtifact: An object is damaged; its file and those after it are as they were.
        UnsafePath: A symlink is where a folder should be.
    """
    if todo.would_lose and not force:
        raise WouldLose(
            f"This would destroy what is in no cache: {first_of(todo.would_lose)}.",
            "Add or commit it first, or use --force to let it go.",
        )
    if todo.missing:
        lacking = first_of(map(str, todo.missing))
        raise MissingArtifact(
            f"{todo.path} cannot be checked out: the cache {todo.cache.folder} lacks {lacking}.",
            "Run `assay pull` to fetch it.",
        )
    try:
        with disk.Folder(todo.root) as folder:
            return _carry_out(todo, folder, Placer(folder, todo.cache, kinds), report)
    except OSError as error:
        raise disk.no_space(error, f"{todo.root}/{todo.path}") from error


def relink(
    root: str, path: str, artifact: Artifact, cache: Cache, kinds: Sequence[Kind], *, report: Reporter = silent
) -> Mapping[Kind, int]:
    """Replaces files that have their content in the cache already by links of another kind, or links by copies.

    Files that are not what the artifact says, and files that are linked as wanted, stay as they are.

    Args:
        root: Absolute path of the project.
        path: Of the file or directory, relative to it.
        artifact: What is there.
        cache: Where its content is.
        kinds: How files should be linked, in the order to try.
        report: Hears of progress.

    Returns:
        How many files were replaced, by the kind that was used.
    """
    todo = plan(root, path, artifact, cache, cache.seen, report=report)
    used: Counter[Kind] = Counter()
    try:
        with disk.Folder(root) as folder:
            placer = Placer(folder, cache, kinds)
            for name, entry in todo.keep.items():
                if placer.kind_of(name, entry) != placer.wants(entry):
                    used[_place(todo, placer, name, entry)] += 1
    except OSError as error:
        raise disk.no_space(error, f"{root}/{path}") from error
    return used


def _carry_out(todo: Plan, folder: disk.Folder, placer: Placer, report: Reporter) -> Mapping[Kind, int]:
    cleared = _clear_the_way(todo, folder)
    files = {**todo.add, **todo.change}
    total = sum(entry.size for entry in files.values())
    task = f"Checking out {todo.path}"
    used: Counter[Kind] = Counter()
    done = told = 0
    for name, entry in files.items():
        used[_place(todo, placer, name, entry)] += 1
        done += entry.size
        if done - told >= _TELL_EVERY or done == total:
            told = done
            report(Progress(task, done, total, "B"))
    for name, entry in todo.modes.items():
        _set_mode(todo, folder, placer, name, entry)
    for name in todo.remove:
        if name not in cleared:
            folder.remove(name)
    for name in todo.folders:
        if name not in cleared:
            folder.remove_empty(name)
    if todo.make:
        folder.make(todo.path)
    if files:
        report(Done(task))
    return used


def _clear_the_way(todo: Plan, folder: disk.Folder) -> set[str]:
    """Removes files where folders will be, and folders with what is in them where files will be; returns them."""
    parents = _above(todo.add)
    blocked = {name for name in todo.folders if name in todo.add}
    cleared = {name for name in todo.remove if name in parents or not blocked.isdisjoint(_above([name]))}
    for name in cleared:
        folder.remove(name)
    for name in todo.folders:
        if name in blocked or not blocked.isdisjoint(_above([name])):
            folder.remove_empty(name)
            cleared.add(name)
    for name in blocked:
        if folder.stat(name) is not None:
            raise BadInput(name, "is a folder, and a file is wanted there", hint="Move away what it still holds.")
    return cleared


def _place(todo: Plan, placer: Placer, name: str, entry: Entry) -> Kind:
    placed = placer.place(name, entry)
    if placed.is_known:
        seen = seen_as(placed.stat, entry.digest.algo, bytes.fromhex(entry.digest.hex))
        todo.stat_cache.remember(f"{todo.root}/{name}", seen)
    return placed.kind


def _set_mode(todo: Plan, folder: disk.Folder, placer: Placer, name: str, entry: Entry) -> None:
    stat = folder.stat(name)
    if stat is None or stat.st_nlink > 1 or not stat_module.S_ISREG(stat.st_mode):
        _place(todo, placer, name, entry)  # the mode of a link is the cache's
        return
    mode = stat_module.S_IMODE(stat.st_mode)
    folder.chmod(name, mode | (mode & 0o444) >> 2 if entry.is_exec else mode & ~0o111)
