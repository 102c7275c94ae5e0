"""Files and folders brought from elsewhere to a path of this machine, and nothing else: no project is needed.

Everything lies in a hidden folder beside that path until it is there as a whole and found to be what it should be.
What is replaced is gone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from assay.engine import disk
from assay.engine.errors import BadInput, Refused
from assay.engine.events import Reporter, silent
from assay.engine.ports import Sink
from assay.remotes.imports.places import Came, Place, Way, come, gathered

_PIECE = 1 << 20


def get_url(place: Place, target: str, report: Reporter = silent) -> None:
    """Brings what is at a URL or a path.

    Args:
        place: Where it is.
        target: Absolute path that it gets; files of a folder that is there already are replaced one by one.
        report: Hears of progress.

    Raises:
        BadInput: Nothing is there.
        Refused: Something else is in the way.
        RemoteError: It cannot be reached, or changed meanwhile.
    """
    with staging(target) as folder:
        if not place.is_here:
            with come(place, lambda: _new_file(folder), "md5", report) as (came, _):
                arrive(came, folder, target)
            return
        ways = dict(_here(place))
        with gathered(ways, lambda: _new_file(folder), "md5", 1, report, place.spelled) as came:
            arrive(came, folder, target)


@contextmanager
def staging(target: str) -> Iterator[str]:
    """A folder beside a path, on the same file system; it is gone in the end, with whatever is still in it."""
    above = os.path.dirname(target)
    try:
        disk.make_folders(above)
        folder = disk.temp_name(above)
        disk.make_folder(folder, 0o700)
    except OSError as error:
        raise disk.no_space(error, above) from error
    try:
        yield folder
    finally:
        disk.remove_tree(folder)


def _new_file(folder: str) -> disk.NewFile:
    try:
        return disk.NewFile(folder)
    except OSError as error:
        raise disk.no_space(error, folder) from error


def arrive(came: Came, folder: str, target: str) -> None:
    """Gives files their names.

    Args:
        came: What came.
        folder: From `staging`.
        target: Absolute path of the file or folder that they become.

    Raises:
        Refused: A file is to be where a folder is, or the other way round.
    """
    is_file, there = list(came) == [""], _kind(target)
    for name in came:
        disk.check_relative(name or "file")
    if (is_file and there == "folder") or (not is_file and there == "file"):
        raise Refused(f"{target} is a {there}, and what was brought is none.", "Move it away first.")
    try:
        if is_file:
            came[""].file.publish(target)
            return
        whole = target if there else f"{folder}/whole"
        disk.make_folders(whole)
        with disk.Folder(whole) as inside:
            for name, held in came.items():
                if "/" in name:
                    inside.make(os.path.dirname(name))
                held.file.publish(f"{whole}/{name}")
        if not there:
            disk.rename(whole, target)
    except OSError as error:
        raise disk.no_space(error, target) from error


def _kind(path: str) -> str:
    try:
        return "folder" if stat.S_ISDIR(os.stat(path).st_mode) else "file"
    except OSError:
        return ""


def _here(place: Place) -> Iterator[tuple[str, Way]]:
    """How the files at a path of this machine are read, by their path below it."""
    path = place.remote.url
    if not os.path.isdir(path):
        yield "", _reading(path, place.spelled)
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(folder, name)
            yield os.path.relpath(full, path), _reading(full, full)


def _reading(path: str, spelled: str) -> Way:
    try:
        kind = os.stat(path).st_mode
    except OSError:
        raise BadInput(spelled, "does not exist", hint="Check its spelling.") from None
    if not stat.S_ISREG(kind):
        raise BadInput(spelled, "is neither a file nor a folder")

    def way(sink: Sink) -> None:
        try:
            with open(path, "rb") as file:
                before = os.fstat(file.fileno())
                while piece := file.read(_PIECE):
                    sink.write(piece)
                after = os.fstat(file.fileno())
        except OSError as error:
            raise BadInput(spelled, "cannot be read") from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise BadInput(spelled, "changed while it was read", hint="Run the same command again.")

    return way
