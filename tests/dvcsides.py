"""One DVC project twice: real DVC answers a command line in one copy, `assay-dvc` in the other, and both say the same.

What DVC leaves to chance (the order in which it meets files, the order of a set) is put in order on both sides.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dvcprocess import DvcProcess
from tests.filetree import Files, write

OWN = (".git", "tmp", "cache")
"""Names of folders whose content is each tool's own."""


def commit(root: Path, *tags: str) -> None:
    """Commits everything with the real Git, and puts tags on it."""
    program = shutil.which("git")
    if program is None:
        pytest.skip("needs git")
    who = {f"GIT_{kind}_{what}": "a@example.com" for kind in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    alone = {**os.environ, **who, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "x"], *(["tag", tag] for tag in tags)):
        subprocess.run([program, *words], cwd=root, env=alone, check=True, capture_output=True)


class Sides:
    """The two copies.

    Args:
        dvc: Real DVC.
        assay_dvc: Runs `assay-dvc` in this process.
        template: The project that both begin with.
        folder: Where the copies are made.
    """

    def __init__(self, dvc: DvcProcess, assay_dvc: Callable[..., Any], template: Path, folder: Path) -> None:
        self._dvc = dvc
        self._assay_dvc = assay_dvc
        self.theirs, self.ours = folder / "theirs/project", folder / "ours/project"
        for root in (self.theirs, self.ours):
            shutil.copytree(template, root, symlinks=True)

    def write(self, files: Files) -> None:
        """Writes files on both sides."""
        write(self.theirs, files)
        write(self.ours, files)

    def commit(self) -> None:
        """Commits everything on both sides."""
        commit(self.theirs)
        commit(self.ours)

    def same(self, *words: str, cd: str = ".", ordered: bool = False) -> str:
        """Both end with the same code and print the same on stdout, which is returned.

        Args:
            words: The command line.
            cd: The folder on each side that it is typed in.
            ordered: Whether the order of the lines is no chance.
        """
        theirs = self._dvc.run(self.theirs / cd, *words)
        ours = self._assay_dvc(*words, cwd=self.ours / cd, code=None)
        told = f"{' '.join(words)}\nDVC ({theirs.code}): {theirs.out}{theirs.err}\nassay: {ours.out}{ours.err}"
        assert ours.code == theirs.code, told
        form = (lambda text: _json(text)) if "--json" in words else _lines if ordered else _sorted_lines
        assert form(_placeless(ours.out, self.ours)) == form(_placeless(theirs.out, self.theirs)), told
        return str(ours.out)

    def dvc(self, *words: str, root: Path) -> str:
        """What DVC prints in one of the copies."""
        return str(self._dvc.run(root, *words).out)

    def same_files(self) -> None:
        """Both sides hold the same files, byte for byte, but for each tool's own."""
        assert _files(self.ours) == _files(self.theirs)


def _placeless(text: str, root: Path) -> str:
    """Without the folders' names, and without empty lines at the end."""
    return text.replace(str(root), "<root>").replace(str(root.parent), "<above>").rstrip("\n")


def _lines(text: str) -> list[str]:
    """The lines, with the files that Git is to be told of in order."""
    return [
        " ".join(["\tgit add", *sorted(line.split()[2:])]) if line.startswith("\tgit add ") else line
        for line in text.splitlines()
    ]


def _sorted_lines(text: str) -> list[str]:
    return sorted(_lines(text))


def _json(text: str) -> Any:
    return _in_order(json.loads(text)) if text.strip() else None


def _in_order(value: Any) -> Any:
    """Lists sorted; DVC fills most of them from sets."""
    if isinstance(value, dict):
        return {key: _in_order(inner) for key, inner in value.items()}
    return sorted(map(_in_order, value), key=str) if isinstance(value, list) else value


def _files(root: Path) -> dict[str, str | bytes]:
    found: dict[str, str | bytes] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if not set(OWN) & set(name.parts) and not path.is_dir():
            found[str(name)] = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return found
