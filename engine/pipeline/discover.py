"""Finds the pipeline files of a work tree: dvc.yaml and ``*.dvc``.

Folders are read, never file by file, and those that cannot hold one are left out: ignored folders, outputs of stages
met on the way, other projects inside this one. So data costs nothing, however many files it has.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from assay.engine.layout import MARKERS

NAME = "dvc.yaml"
DATA_ENDING = ".dvc"


def pipeline_files(
    root: str, ignored: Callable[[str, bool], bool], outs_of: Callable[[str], Iterable[str]]
) -> Iterator[str]:
    """The project paths of the files, those of a folder before those of folders below it.

    Args:
        root: Absolute path of the project.
        ignored: Whether a project path is ignored; the second argument says that it is a folder.
        outs_of: Asked about each dvc.yaml once: the project paths that it writes, which need no look.
    """
    written: set[str] = set()
    queue = [""]
    for prefix in queue:
        files, folders = _listing(f"{root}/{prefix}")
        if prefix and not set(MARKERS).isdisjoint(folders):
            continue
        for name in files:
            path = prefix + name
            yield path
            if name == NAME:
                written.update(outs_of(path))
        below = (prefix + name for name in folders if name not in MARKERS)
        queue += [f"{path}/" for path in below if path not in written and not ignored(path, True)]


def _listing(folder: str) -> tuple[list[str], list[str]]:
    """A folder's pipeline files, dvc.yaml first, and its sub-folders, sorted; nothing where it cannot be read."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if name != ".git":
                        folders.append(name)
                elif is_pipeline_file(name):
                    files.append(name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return [], []
    return sorted(files, key=lambda name: (name != NAME, name)), sorted(folders)


def is_pipeline_file(name: str) -> bool:
    """Whether a file of this name says something about data: dvc.yaml, or a ``.dvc`` file."""
    return name == NAME or (name.endswith(DATA_ENDING) and name != DATA_ENDING)
