"""Keeps cached outputs out of Git: a line ``/name`` in the .gitignore beside each.

Lines are added at the end, only where nothing in that file takes the name out already, and taken out where they say
exactly this name; every other byte stays. A .gitignore that is a symlink is left alone, as Git does not read one.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable

from assay.engine import disk
from assay.engine.errors import Refused
from assay.engine.ignore import IgnoreRules

_MEANING = re.compile(r"([][!*#?\\])")


def ignore(root: str, paths: Iterable[str]) -> list[str]:
    """Makes sure that Git ignores these paths.

    Args:
        root: Absolute path of the project.
        paths: Project paths of cached outputs.

    Returns:
        The .gitignore files that were changed, as project paths.
    """
    contents = with_lines(root, paths)
    disk.rewrite(root, contents)
    return list(contents)


def with_lines(root: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The .gitignore files that have to change before Git ignores these paths, with what they will hold.

    Raises:
        Refused: One is a symlink.
    """
    found = {}
    for folder, names in _by_folder(root, paths).items():
        path, content = _content(root, folder)
        rules = IgnoreRules(f"{root}/{path}", (), outer=(content,))
        lines = [line_for(name) for name in names if not rules.ignored(name, os.path.isdir(f"{root}/{folder}/{name}"))]
        if lines:
            glue = b"" if not content or content.endswith(b"\n") else b"\n"
            found[path] = content + glue + "".join(lines).encode("utf-8", "surrogateescape")
    return found


def without_lines(root: str, paths: Iterable[str]) -> dict[str, bytes | None]:
    """The .gitignore files that have lines for exactly these paths, with what is left without them; None for nothing.

    Raises:
        Refused: One is a symlink.
    """
    found: dict[str, bytes | None] = {}
    for folder, names in _by_folder(root, paths).items():
        path, content = _content(root, folder)
        own = {line_for(name).encode("utf-8", "surrogateescape").rstrip(b"\n") for name in names}
        lines = content.split(b"\n")
        kept = [line for line in lines if line.removesuffix(b"\r") not in own]
        if len(kept) < len(lines):
            found[path] = b"\n".join(kept) or None
    return found


def _by_folder(root: str, paths: Iterable[str]) -> dict[str, list[str]]:
    """The names in each folder; none behind a symlink, where Git never looks and nothing may be written."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        folders.setdefault(folder, []).append(name)
    return {folder: names for folder, names in folders.items() if not _is_behind_symlink(root, folder)}


def _is_behind_symlink(root: str, folder: str) -> bool:
    while folder:
        if os.path.islink(f"{root}/{folder}"):
            return True
        folder = posixpath.dirname(folder)
    return False


def _content(root: str, folder: str) -> tuple[str, bytes]:
    """The path of a folder's .gitignore, and what it holds now."""
    path = posixpath.join(folder, ".gitignore")
    if os.path.islink(f"{root}/{path}"):
        raise Refused(f"{path} is a symlink, which Git does not read.", "Make it a file.")
    try:
        with open(f"{root}/{path}", "rb") as file:
            return path, file.read()
    except FileNotFoundError:
        return path, b""


def line_for(name: str) -> str:
    """The line that ignores exactly this name in the file's own folder, as DVC writes it."""
    return "/" + _trailing_space(_MEANING.sub(r"\\\1", name)) + "\n"


def _trailing_space(name: str) -> str:
    return name[:-1] + "\\ " if name.endswith(" ") else name
