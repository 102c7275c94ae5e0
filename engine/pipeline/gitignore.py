"""Keeps cached outputs out of Git: a line ``/name`` in the .gitignore beside each.

Lines are only added, at the end, and only where nothing in that file takes the name out already; every byte that was
there stays. A .gitignore that is a symlink is left alone, as Git does not read one.
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
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, name = posixpath.split(path)
        folders.setdefault(folder, []).append(name)
    return [file for folder, names in folders.items() if (file := _ignore_in(root, folder, names))]


def _ignore_in(root: str, folder: str, names: list[str]) -> str:
    path = posixpath.join(folder, ".gitignore")
    absolute = f"{root}/{path}"
    if os.path.islink(absolute):
        raise Refused(f"{path} is a symlink, which Git does not read.", "Make it a file.")
    try:
        with open(absolute, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        content = b""
    rules = IgnoreRules(absolute, (), outer=(content,))
    lines = [line_for(name) for name in names if not rules.ignored(name, os.path.isdir(f"{root}/{folder}/{name}"))]
    if not lines:
        return ""
    glue = b"" if not content or content.endswith(b"\n") else b"\n"
    try:
        disk.write_keeping_mode(absolute, content + glue + "".join(lines).encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise disk.no_space(error, path) from error
    return path


def line_for(name: str) -> str:
    """The line that ignores exactly this name in the file's own folder, as DVC writes it."""
    return "/" + _trailing_space(_MEANING.sub(r"\\\1", name)) + "\n"


def _trailing_space(name: str) -> str:
    return name[:-1] + "\\ " if name.endswith(" ") else name
