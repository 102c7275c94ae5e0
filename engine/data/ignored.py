"""Which lines of .dvcignore files speak about a path, for finding out why it is no part of any data."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from assay.engine.ignore import byte_text, parse_line, speaks_about
from assay.engine.pipeline.spec import no_part
from assay.engine.pipeline.targets import folders_above
from assay.engine.project import Project

NAME = ".dvcignore"


class Line(NamedTuple):
    """A pattern that matches a path, or a folder above it.

    Attributes:
        file: The project path of its file; empty for one that is built in.
        number: Its line there, from 1.
        text: How it is written.
    """

    file: str
    number: int
    text: str


class Explained(NamedTuple):
    """Whether a path is ignored, and the lines that speak about it; the last one decides."""

    ignored: bool
    lines: tuple[Line, ...]


def explain(project: Project, path: str, *, is_dir: bool) -> Explained:
    """Whether a path is ignored, and why.

    Args:
        project: The project.
        path: Its project path; it need not be there.
        is_dir: Whether it is a folder.
    """
    ignored = no_part(project)
    for folder in reversed(list(folders_above(path))):
        if ignored(folder, True):  # then nothing below it is looked at
            path, is_dir = folder, True
            break
    found = [line for line in _lines(project, path) if _speaks(line, path, is_dir=is_dir)]
    return Explained(ignored(path, is_dir), tuple(found))


def _lines(project: Project, path: str) -> Iterator[Line]:
    """Every line that may speak about a path, the weakest first."""
    for text in project.layout.ignores:
        yield Line("", 0, text)
    for folder in ("", *reversed(list(folders_above(path)))):
        file = posixpath.join(folder, NAME)
        text = (project.read(file) or b"").decode("utf-8", "surrogateescape")
        for number, line in enumerate(text.splitlines(), 1):
            yield Line(file, number, line.strip())


def _speaks(line: Line, path: str, *, is_dir: bool) -> bool:
    pattern = parse_line(byte_text(line.text))
    if pattern is None:
        return False
    cut = len(posixpath.dirname(line.file)) + 1 if "/" in line.file else 0
    return speaks_about(pattern, path[cut:], is_dir=is_dir)
