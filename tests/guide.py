"""Runs the Python of a page of the guide: its ``python`` blocks in order, in one namespace, as a notebook would.

A ``text`` block right after one is what it prints. The page's other blocks are files and commands, as `tests.pages`
says, and everything happens in the order in which it stands there, in the folder of the page's reader.

``python -m tests.guide PAGE...`` writes what the blocks print into the pages.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests import pages

_FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_AFTER = re.compile(r"<!-- after: (\S+) -->")
_NOTEBOOK = """\
import contextlib, io, json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            exec(compile(json.loads(line), "the guide", "exec"), names)
        except BaseException:
            traceback.print_exc()
    print(json.dumps(printed.getvalue()), flush=True)
"""


class Cell(NamedTuple):
    """A ``python`` block, what the page says it prints, and where that stands in the page (-1 where nowhere)."""

    code: str
    printed: str
    start: int


class Notebook:
    """A Python that keeps its names from one cell to the next.

    Args:
        folder: Where it runs.
        environment: Its variables.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NOTEBOOK],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def runs(self, code: str) -> str:
        """What a cell prints, on both streams."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        found: str = json.loads(self._process.stdout.readline())
        return found

    def __enter__(self) -> Notebook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def pages_with_python() -> list[str]:
    """The names of the guide's pages that have Python to be run."""
    return [name for name in pages.pages() if cells((pages.GUIDE / name).read_text())]


def cells(text: str) -> list[Cell]:
    """The Python of a page."""
    return [_cell(found) for found in _FENCE.finditer(text) if found[1] == "python" and not found[2].strip()]


def _cell(found: re.Match[str]) -> Cell:
    return Cell(found[3], found[4] or "", found.start(4))


def read(name: str, folder: Path) -> list[tuple[Cell, str]]:
    """Does a page, and those before it, in an empty folder; gives its cells with what they really printed."""
    text = (pages.GUIDE / name).read_text()
    reader = pages.Reader(folder, [sys.executable, "-m", "assay"])
    for before in _AFTER.findall(text):
        reader.reads(before)
    done = []
    with Notebook(reader.folder, reader.environment) as notebook:
        for found in _FENCE.finditer(text):
            language, path = found[1], found[2].strip()
            if language == "console":
                for step in pages.steps(found[3]):
                    reader.does(step)
            elif path:
                reader.writes(pages.Block(language, path, found[3], found.start(3)))
            elif language == "python":
                done.append((_cell(found), notebook.runs(found[3]).replace(str(folder), "/home/ann")))
    return done


def rewritten(text: str, done: list[tuple[Cell, str]]) -> str:
    """A page whose ``text`` blocks are what the cells really print."""
    parts, at = [], 0
    for cell, printed in done:
        if cell.start >= 0:
            parts += [text[at : cell.start], printed]
            at = cell.start + len(cell.printed)
    return "".join(parts) + text[at:]


def main(names: list[str]) -> None:
    """Writes what the cells print into pages."""
    for name in names or pages_with_python():
        with tempfile.TemporaryDirectory() as folder:
            done = read(name, Path(folder).resolve())
        path = pages.GUIDE / name
        path.write_text(rewritten(path.read_text(), done))


if __name__ == "__main__":
    main(sys.argv[1:])
