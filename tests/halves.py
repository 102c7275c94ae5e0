"""Scenarios done half by real DVC and half by assay, each way round, and what is left on disk afterwards.

A scenario is a project and its steps. A step is a command in DVC's words, which assay is told in its own, or files to
be written. It is done in three ways: by DVC alone, by DVC first and assay then, and the other way round.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.dvcprocess import DvcProcess
from tests.filetree import Files, write

Step = Sequence[str] | Files
WAYS = ("DD", "DA", "AD")
"""Who does the first half of the commands, and who the second: D is DVC, A is assay. The first judges the others."""
SAME_WORDS = ("DD", "DV", "VD")
"""Likewise, V being assay-dvc."""

COMMITTED = ("git",)
"""A step: everything goes into a commit of real Git's, whoever did what before."""

_NOT_JUDGED = (".git", ".dvc/tmp", ".dvc/config.local", "origin.git")
_OWN_WORDS = {"move": ("data", "move"), "remove": ("data", "remove")}


class Both(NamedTuple):
    """The two tools.

    Attributes:
        dvc: Real DVC.
        assay: The command line of assay, in this process.
        assay_dvc: Its other command, with DVC's verbs.
        git: Real Git.
    """

    dvc: DvcProcess
    assay: Callable[..., Any]
    assay_dvc: Callable[..., Any]
    git: Callable[..., str]

    def make(self, files: Files, *, below: str = "") -> Path:
        """A new project with a first commit, in a Git repository of its own; ``below`` a folder of that repository."""
        root = self.dvc.new()
        self.git("init", "-q", "-b", "main", cwd=root)
        if below:
            (root / below).mkdir(parents=True)
            (root / ".dvc").rename(root / below / ".dvc")
        write(root / below, files)
        self.git("add", "-A", cwd=root)
        self.git("commit", "-qm", "first", cwd=root)
        return root / below

    def twin(self, root: Path, name: str) -> Path:
        """A copy of a project, made before anybody worked in it."""
        made = root.with_name(f"{root.name}-{name}")
        shutil.copytree(root, made, symlinks=True)
        return made

    def does(self, who: str, root: Path, *words: str, code: int | None = 0) -> str:
        """One command by one tool, in DVC's words; returns what it printed."""
        if who == "D":
            said = self.dvc.run(root, *words)
        elif who == "V":
            said = self.assay_dvc(*words, cwd=root, code=None)
        else:
            said = self.assay(*own_words(words), cwd=root, code=None)
        if code is not None:
            assert said.code == code, f"{who}: {' '.join(words)} ended with {said.code}:\n{said.out}{said.err}"
        text: str = said.out
        return text

    def experiments(self, root: Path) -> dict[str, list[str]]:
        """Every experiment and branch with the files that its tree has, and their Git ids."""
        names = self.git("for-each-ref", "--format=%(refname)", "refs/exps", "refs/heads", cwd=root).splitlines()
        internal = tuple(f"refs/exps/{name}" for name in ("exec", "apply", "celery", "stash", "temp"))
        found = {}
        for name in names:
            if not name.startswith(internal):
                tree = self.git("-c", "core.quotePath=false", "ls-tree", "-r", name, cwd=root).splitlines()
                found[name] = [line for line in tree if not line.endswith(".dvc/tmp/repro.dat")]
        return found

    def healthy(self, root: Path) -> None:
        """What Git says of its objects."""
        self.git("fsck", "--strict", "--no-dangling", cwd=root)


def own_words(words: Sequence[str]) -> list[str]:
    """A command of DVC's in assay's words."""
    if words[0] == "exp":
        return list(words[1:])
    return [*_OWN_WORDS.get(words[0], (words[0],)), *words[1:]]


def picture(root: Path) -> dict[str, object]:
    """Every file of a project with its content, and whether its owner may execute it; in the cache its mode.

    Git's files and temporary ones are left out.
    """
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(_NOT_JUDGED) and not name.startswith(".gitignore"):
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            mode = path.stat().st_mode & 0o777
            found[name] = (oct(mode) if name.startswith(".dvc/cache") else bool(mode & 0o100), path.read_bytes())
        elif not any(path.iterdir()) and not name.startswith(".dvc"):
            found[name] = "an empty folder"
    return found


def differing(ours: Mapping[str, object], theirs: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """What is not the same in two pictures."""
    names = sorted({*ours, *theirs})
    return {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}


def all_ways(
    both: Both,
    files: Files,
    steps: Sequence[Step],
    *,
    below: str = "",
    ways: Sequence[str] = WAYS,
    prepare: Callable[[Path], None] = lambda _: None,
) -> dict[str, Path]:
    """Does a scenario in every way, in a twin each, and compares them after every step; returns the twins."""
    first = both.make(files, below=below)
    top = Path(both.git("rev-parse", "--show-toplevel", cwd=first))
    roots = {way: both.twin(top, way) / below for way in ways}
    for root in roots.values():
        prepare(root)
    commands = [step for step in steps if not isinstance(step, Mapping) and step is not COMMITTED]
    half, done = len(commands) / 2, 0
    for step in steps:
        found = {}
        for way, root in roots.items():
            if isinstance(step, Mapping):
                write(root, step)
            elif step is COMMITTED:
                both.git("add", "-A", cwd=root)
                both.git("commit", "-qm", "more", cwd=root)
            else:
                both.does(way[done >= half], root, *step)
            found[way] = {**picture(root), **both.experiments(root)}
        done += step in commands
        for way in ways[1:]:
            wrong = differing(found[way], found[ways[0]])
            told = (f"{name}: {ours}\n    DVC: {theirs}" for name, (ours, theirs) in wrong.items())
            assert not wrong, "\n".join([f"{way} after {step}:", *told])
    for root in roots.values():
        both.healthy(root)
    return roots
