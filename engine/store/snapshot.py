"""From the workspace to an artifact: a file or a directory becomes a digest, and on demand goes into the cache.

`scan` looks and reads; `manifest` writes what a directory is. With a writer, a file that is unchanged
but whose content the cache has lost is read again too. Sockets, pipes, devices and, as in DVC, symlinks to folders
inside a directory are left out with a warning; empty folders leave no trace.
"""

from __future__ import annotations

import os
import stat as stat_module

from assay.engine.errors import BadInput
from assay.engine.events import Reporter, Warned, silent
from assay.engine.model import Artifact, Digest, HashName
from assay.engine.store.digest import one_shot
from assay.engine.store.manifest import write_folders
from assay.engine.store.rows import EXECUTABLE, Folder, Put, check_names
from assay.engine.store.scan import Ignored, Place, Scan
from assay.engine.store.statcache import StatCache
from assay.engine.store.writer import CacheWriter


def snapshot(
    root: str,
    path: str,
    *,
    algo: HashName,
    stat_cache: StatCache,
    writer: CacheWriter | None = None,
    ignored: Ignored | None = None,
    links_into: tuple[str, ...] = (),
    report: Reporter = silent,
) -> Artifact:
    """What a file or directory of the workspace is at this moment.

    Args:
        root: Absolute path of the project.
        path: Of the file or directory, relative to it.
        algo: The hash to name it by; the writer's, when there is one.
        stat_cache: What is known already; it learns, and its owner flushes it.
        writer: Where the content goes; None to name it only.
        ignored: What to leave out of a directory, asked with paths relative to the root.
        links_into: Absolute paths of further folders that symlinks may lead into (a cache outside the project).
        report: Hears of progress in bytes, and of what is left out.

    Raises:
        BadInput: There is nothing at the path, or a symlink that cannot be recorded.
        StoreError: A file cannot be read, or does not hold still.
        UnsafePath: A name in a directory that the writer takes could not be written again.
    """

    def odd(name: str, problem: BadInput | None) -> None:
        if problem is not None and name != path and os.path.isdir(f"{root}/{name}"):
            report(Warned(f"{name} is a symlink to a folder; what it leads to is left out."))
            return
        if problem is not None:
            raise problem
        report(Warned(f"{name} is neither a file nor a folder; it is left out."))

    scan = Scan(Place(root, ignored, links_into), algo, stat_cache, writer, odd, report)
    try:
        stat = os.lstat(f"{root}/{path}")
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(path, "does not exist") from None
    if stat_module.S_ISDIR(stat.st_mode):
        below = len(path) + 1
        folders: list[Folder] = [(level.path[below:], level.rows) for level in scan.folder(path)]
        if writer is not None:  # what is only named may hold anything, as a work tree outside the project its .git
            _check(folders)
        return write_folders(folders, algo, _put(algo, writer))
    row = scan.file(path)
    if row is None:
        raise BadInput(path, "is neither a file nor a folder")
    _, kind, raw, size, _ = row
    return Artifact(Digest(algo, raw.hex()), size, None, kind == EXECUTABLE)


def _check(folders: list[Folder]) -> None:
    for folder, rows in folders:
        check_names([row[0] for row in rows])
        if rows and folder:
            check_names(folder.split("/"))


def _put(algo: HashName, writer: CacheWriter | None) -> Put:
    if writer is not None:
        return lambda data: writer.add_bytes(data, is_dir=True)
    value = one_shot(algo)
    return lambda data: Digest(algo, value(data).hex(), True)
