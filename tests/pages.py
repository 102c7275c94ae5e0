"""Runs a page of the guide as a reader would, in an empty folder, and says what differs from what it prints.

A page's fenced blocks are: ``console`` (lines after ``$`` are commands, what follows is what they print), and any
other with a path behind the language (```` ```yaml dvc.yaml ````), which is that file. ``<!-- after: other.md -->`` at
the top means that the reader has done that page before. Commands find assay, a shell and a few plain tools on PATH, no
Git. Object ids, times, sizes of packs and durations may differ; everything else is compared word for word.

``python -m tests.pages PAGE...`` writes what the commands print into the pages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests import s3server

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs/guide"
TOOLS = ("sh", "cat", "ls", "mkdir", "rm", "cp", "mv", "head", "tail", "seq", "sleep", "wc", "touch", "chmod")
MORNING = 1_764_578_000
"""When the reader begins, in seconds since 1970; each command takes a minute, so that the order is always the same."""

SERVER = "http://127.0.0.1:8333"
"""Where pages have their S3 server; in truth it is somewhere else."""
_FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_AFTER = re.compile(r"<!-- after: (\S+) -->")
_VARIES = (
    (re.compile(r"\b[0-9a-f]{40}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{16}(\.\d+-[0-9a-f]{4})?\b"), "<number>"),
    (re.compile(r"\b[0-9a-f]{7}\b"), "<short>"),
    (re.compile(r"\b\d\d:\d\d\b"), "<time>"),
    (re.compile(r"\b\d\d\d\d-\d\d-\d\d\b"), "<date>"),
    (re.compile(r"\b\d+(\.\d+)? m?s\b"), "<duration>"),
)


class Block(NamedTuple):
    """A fenced block: its language, the path behind it, its text, and where the text stands in the page."""

    language: str
    path: str
    text: str
    start: int


class Step(NamedTuple):
    """A command of a console block and what the page says it prints."""

    command: str
    printed: str


def pages() -> list[str]:
    """The names of the guide's pages."""
    return sorted(path.name for path in GUIDE.glob("*.md"))


def befores() -> list[str]:
    """The names of the pages that others come after."""
    return sorted({name for page in pages() for name in _AFTER.findall((GUIDE / page).read_text())})


def blocks(text: str) -> Iterator[Block]:
    """The blocks that are run or written."""
    for found in _FENCE.finditer(text):
        language, path = found[1], found[2].strip()
        if language == "console" or path:
            yield Block(language, path, found[3], found.start(3))


def steps(text: str) -> list[Step]:
    """The commands of a console block; a line that ends in a backslash goes on."""
    found: list[Step] = []
    command = ""
    for line in text.splitlines():
        if command.endswith("\\"):
            command += "\n" + line
        elif line.startswith("$ "):
            command = line[2:]
        else:
            last = found.pop()
            found.append(Step(last.command, f"{last.printed}{line}\n"))
            continue
        if not command.endswith("\\"):
            found.append(Step(command, ""))
    return found


class Done(NamedTuple):
    """What a reader has who has done a page: a copy of their home, where in it they stand, and how late it is."""

    home: Path
    folder: Path
    time: int


class Reader:
    """Somebody who does what a page says.

    Args:
        folder: An empty folder for everything they make.
        program: What they call when they say ``assay``.
        real: What they type instead of what a page has: the address of a server.
        done: Pages that others come after, done once for all; what is not in it is done again.
    """

    def __init__(
        self,
        folder: Path,
        program: list[str],
        real: Mapping[str, str] | None = None,
        done: Mapping[str, Done] | None = None,
    ) -> None:
        self._real, self._done = real or {}, done or {}
        tools = folder / "bin"
        tools.mkdir()
        for name in TOOLS:
            (tools / name).symlink_to(Path(shutil.which(name) or name).resolve())
        dvc = [sys.executable, "-c", "'from assay.cli.dvc.main import entry; entry()'"]
        for name, words in (("assay", program), ("assay-dvc", dvc), ("python", [sys.executable])):
            (tools / name).write_text("#!/bin/sh\nexec " + " ".join(words) + ' "$@"\n')
            (tools / name).chmod(0o755)
        self.home = folder
        self.time = MORNING
        self.folder = folder / "houses"
        self.folder.mkdir()
        self.environment = {"PATH": str(tools), "HOME": str(folder), "USER": "ann", "COLUMNS": "120", "LANG": "C.UTF-8",
                            "PYTHONPATH": str(ROOT), "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
                            "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
                            "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip

    def does(self, step: Step) -> str:
        """What a command prints, on both streams as a terminal mixes them."""
        if step.command.startswith("cd "):
            self.folder = (self.folder / step.command[3:].strip()).resolve()
            return ""
        self.time += 60
        self.environment["GIT_COMMITTER_DATE"] = f"{self.time} +0000"
        command = step.command
        for written, typed in self._real.items():
            command = command.replace(written, typed)
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        printed = done.stdout.decode().replace(str(self.home), "/home/ann")
        for written, typed in self._real.items():
            printed = printed.replace(typed, written)
        return printed

    def keeps(self, copy: Path) -> Done:
        """Copies everything there is, for readers who go on from here."""
        shutil.copytree(self.home, copy, symlinks=True)
        shutil.rmtree(copy / "bin")
        return Done(copy, self.folder.relative_to(self.home), self.time)

    def goes_on(self, done: Done) -> None:
        """Takes over what another reader kept, as one whose folders were moved."""
        shutil.copytree(done.home, self.home, symlinks=True, dirs_exist_ok=True)
        self.folder, self.time = self.home / done.folder, done.time

    def writes(self, block: Block) -> None:
        """Makes a file as the page has it."""
        path = self.folder / block.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)

    def reads(self, name: str) -> list[tuple[Step, str]]:
        """Does a whole page, and those before it; returns this page's commands with what they really printed."""
        text = (GUIDE / name).read_text()
        for before in _AFTER.findall(text):
            if before in self._done:
                self.goes_on(self._done[before])
            else:
                self.reads(before)
        found = []
        for block in blocks(text):
            if block.language != "console":
                self.writes(block)
                continue
            found += [(step, self.does(step)) for step in steps(block.text)]
        return found


def comparable(text: str) -> str:
    """Text with what differs from one run to the next taken out, and with the width of columns made equal."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def rewritten(text: str, done: list[tuple[Step, str]]) -> str:
    """A page whose console blocks print what the commands really printed."""
    rest = iter(done)
    parts, at = [], 0
    for block in blocks(text):
        if block.language != "console":
            continue
        mine = [(step.command, next(rest)[1]) for step in steps(block.text)]
        new = "".join(f"$ {command}\n{printed}" for command, printed in mine)
        parts += [text[at : block.start], new]
        at = block.start + len(block.text)
    return "".join(parts) + text[at:]


@contextmanager
def serving(name: str) -> Iterator[dict[str, str]]:
    """What is real instead of what a page has; an S3 server is started for one that needs it."""
    program = s3server.find_program()
    if SERVER not in (GUIDE / name).read_text() or program is None:
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        server = s3server.start(program, Path(folder))
        try:
            yield {SERVER: server.endpoint}
        finally:
            server.stop()


def main(names: list[str]) -> None:
    """Writes what the commands print into pages."""
    for name in names or pages():
        with tempfile.TemporaryDirectory() as folder, serving(name) as real:
            done = Reader(Path(folder).resolve(), [sys.executable, "-m", "assay"], real).reads(name)
        path = GUIDE / name
        path.write_text(rewritten(path.read_text(), done))


if __name__ == "__main__":
    main(sys.argv[1:])
