"""DVC projects with remotes, in which real DVC and assay take turns: what one pushes the other pulls."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.dvcprocess import DvcProcess

Git = Callable[..., str]
ODD = ("plain", "with space", "ünïcode", "日本", "quote'", "hash#x", "a=b", "sub/deep/x", "-dash", "%41")
"""Names that some file system or some URL could take for something else."""


class Shared:
    """A project that both work in.

    Args:
        dvc: Real DVC.
        assay_dvc: Runs `assay-dvc` in this process.

    Attributes:
        one: The project.
    """

    def __init__(self, dvc: DvcProcess, assay_dvc: Callable[..., Any]) -> None:
        self.dvc = dvc
        self.assay = assay_dvc
        self.one = dvc.new()

    def theirs(self, *words: str, folder: Path | None = None, code: int = 0) -> SimpleNamespace:
        """What DVC says."""
        said = self.dvc.run(folder or self.one, *words)
        assert said.code == code, (words, said.out, said.err)
        return said

    def ours(self, *words: str, folder: Path | None = None, code: int = 0) -> Any:
        """What assay says."""
        return self.assay(*words, cwd=folder or self.one, code=code)


def remote_section(name: str, url: str, settings: Mapping[str, str]) -> str:
    """The lines of a remote in a project's settings."""
    lines = [f"    {key} = {value}\n" for key, value in {"url": url, **settings}.items()]
    return f"['remote \"{name}\"']\n" + "".join(lines)


class Twins(Shared):
    """The same repository twice, with one remote: what one side pushes the other pulls."""

    def __init__(self, dvc: DvcProcess, assay_dvc: Callable[..., Any], url: str, settings: dict[str, str]) -> None:
        super().__init__(dvc, assay_dvc)
        text = "[core]\n    remote = store\n" + remote_section("store", url, settings)
        (self.one / ".dvc/config").write_text(text)
        self.two = self.one.with_name(self.one.name + "-two")
        self.remote = Path(url)

    def write(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            (self.one / name).parent.mkdir(parents=True, exist_ok=True)
            (self.one / name).write_bytes(data)

    def copy(self) -> Path:
        """The second place, with the same files but no cache and no data."""
        shutil.rmtree(self.two, ignore_errors=True)
        shutil.copytree(self.one, self.two, ignore=shutil.ignore_patterns("cache", "tmp", "data", "model"))
        return self.two

    def tracked(self) -> dict[str, bytes]:
        """A folder of odd names and a large file, tracked by DVC."""
        files = {f"data/{name}": name.encode() for name in ODD} | {"data/empty": b"", "model": os.urandom(300_000)}
        self.write(files)
        self.theirs("add", "-q", "data", "model")
        return files

    def holds(self, folder: Path, files: dict[str, bytes]) -> bool:
        return {name: (folder / name).read_bytes() for name in files} == files

    def objects(self) -> set[str]:
        return {str(path.relative_to(self.remote)) for path in self.remote.rglob("*") if path.is_file()}


class Place(Shared):
    """A DVC project with a bare Git remote ``origin`` and a data remote; its commit tracks ``data``.

    Args:
        dvc: Real DVC.
        assay_dvc: The command.
        git: Real Git.
        folder: Where the remotes lie.
    """

    def __init__(self, dvc: DvcProcess, assay_dvc: Callable[..., Any], git: Git, folder: Path) -> None:
        super().__init__(dvc, assay_dvc)
        self.git = git
        self.bare, self.store = folder / "origin.git", folder / "store"
        git("init", "-q", "--bare", str(self.bare))
        git("config", "user.name", "x", cwd=self.one)
        git("config", "user.email", "x@example.com", cwd=self.one)
        (self.one / ".dvc/config").write_text(
            f"[core]\n    remote = store\n['remote \"store\"']\n    url = {self.store}\n"
        )
        (self.one / "params.yaml").write_text("x: 1\n")
        (self.one / "dvc.yaml").write_text(
            "stages:\n  s:\n    cmd: cp params.yaml out\n    params: [x]\n    outs: [out]\n"
        )
        self.theirs("repro", "-q")
        git("remote", "add", "origin", str(self.bare), cwd=self.one)
        git("add", "-A", cwd=self.one)
        git("commit", "-q", "-m", "first", cwd=self.one)
        git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=self.one)
        self.head = git("rev-parse", "HEAD", cwd=self.one)

    def experiment(self, name: str, *, folder: Path | None = None) -> str:
        """Runs an experiment with DVC; returns its ref."""
        self.theirs("exp", "run", "-q", "-n", name, "-S", f"x={sum(map(ord, name))}", folder=folder)
        return self.ref(name)

    def ref(self, name: str) -> str:
        return f"refs/exps/{self.head[:2]}/{self.head[2:]}/{name}"

    def refs(self, folder: Path) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/exps/", cwd=folder).splitlines()
        found = dict(line.split(" ") for line in lines)
        return {name: oid for name, oid in found.items() if name.count("/") == 4}

    def clone(self) -> Path:
        """Another clone, without experiments and data."""
        there = self.one.with_name(self.one.name + "-clone")
        shutil.rmtree(there, ignore_errors=True)
        self.git("clone", "-q", "--no-local", "-b", "main", str(self.bare), str(there))
        self.git("config", "user.name", "x", cwd=there)
        self.git("config", "user.email", "x@example.com", cwd=there)
        return there
