"""What the paths in pipeline files may be: those that assay writes lie inside the project, others anywhere."""

from __future__ import annotations

import posixpath
import re

from assay.engine.disk import check_relative
from assay.engine.errors import UnsafePath
from assay.engine.layout import MARKERS
from assay.engine.pipeline.source import Keys, Source
from assay.engine.pipeline.stage import Place

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_DATASET = "ds://"
_OWN_FOLDERS = (*MARKERS, ".git")


def project_path(source: Source, keys: Keys, spelled: str, folder: str, *, may_be_root: bool = False) -> str:
    """A path as a file spells it, as a path of the project.

    Args:
        source: The file.
        keys: Where the path stands in it.
        spelled: The path.
        folder: What it is relative to, a project path; "" is the project itself.
        may_be_root: Whether the project itself is a good answer.

    Raises:
        BadInput: It is not a path inside the project that assay may write.
    """
    spelled = relative(source, spelled, folder)
    if is_url(spelled):
        raise source.bad(keys, f"{spelled!r} is not a path inside the project", "Name a path inside the project.")
    if spelled.startswith("/"):
        raise source.bad(keys, f"{spelled!r} is an absolute path", "Name a path relative to the stage's folder.")
    path = posixpath.normpath(posixpath.join(folder, spelled)) if spelled else ""
    if path == ".":
        if may_be_root:
            return ""
        raise source.bad(keys, f"{spelled!r} is the whole project", "Name a file or a folder in it.")
    if path.startswith("../") or path == "..":
        raise source.bad(keys, f"{spelled!r} is outside the project", "Name a path inside the project.")
    try:
        check_relative(path)
    except UnsafePath:
        raise source.bad(keys, f"{spelled!r} is not a path inside the project") from None
    if path.split("/", 1)[0] in _OWN_FOLDERS:
        raise source.bad(keys, f"{spelled!r} is in a folder that belongs to Git, DVC or assay")
    return path


def relative(source: Source, spelled: str, folder: str) -> str:
    """A path as a file spells it; an absolute one that lies in the project as it would be spelled relative to a folder.

    Lock files and .gitignore have that form, as with DVC.
    """
    if not source.root or not spelled.startswith("/"):
        return spelled
    path = posixpath.normpath(spelled)
    if path != source.root and not path.startswith(source.root.rstrip("/") + "/"):
        return spelled
    return posixpath.relpath(path, posixpath.join(source.root, folder))


def is_url(spelled: str) -> bool:
    """Whether a path as a file spells it is a URL."""
    return _URL.match(spelled) is not None


def is_outside(path: str) -> bool:
    """Whether a normalised path, relative to the project, leads out of it."""
    return path == ".." or path.startswith(("../", "/"))


def dep_path(source: Source, keys: Keys, spelled: str, folder: str) -> tuple[str, Place]:
    """Where a dependency is, and what kind of place that is.

    Returns:
        A project path, "" for the whole project; for a file outside the project its absolute path, or its path
        relative to the project that starts with ``../``; for a URL or a dataset what the file says. What lies in
        folders of Git, DVC or assay can be read, and is told from the project's own files by its place.

    Raises:
        BadInput: It is inside the project and not a path that assay may read.
    """
    if spelled.startswith(_DATASET):
        return spelled, "dataset"
    path, place = out_path(source, keys, spelled, folder)
    if place != "project":
        return path, place
    top, _, below = path.partition("/")
    if top in _OWN_FOLDERS and below:
        return f"{top}/{project_path(source, keys, below, '')}", "marker"
    return project_path(source, keys, spelled, folder, may_be_root=True), "project"


def out_path(source: Source, keys: Keys, spelled: str, folder: str) -> tuple[str, Place]:
    """Where an output is said to be, and what kind of place that is; a path in the project is not checked yet.

    Raises:
        BadInput: No file anywhere can have that name.
    """
    if "\0" in spelled:
        raise source.bad(keys, f"{spelled!r} is no path")
    if is_url(spelled):
        return spelled, "url"
    path = posixpath.normpath(posixpath.join(folder, relative(source, spelled, folder)))
    return path, "outside" if is_outside(path) else "project"
