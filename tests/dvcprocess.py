"""One real DVC for a whole test session: started once, then asked by JSON lines; a question costs milliseconds.

`tests/dvcserver.py` is the other end. Every test may use the fixture ``dvc_process``; without DVC it is skipped.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.programs import ROOT, find_dvc


class DvcRefused(Exception):
    """DVC raised instead of answering; the text is its error."""


class DvcProcess:
    """Real DVC in a process of its own.

    Args:
        python: The interpreter of DVC's environment.
        folder: For its home, caches and temporary projects; nothing is written anywhere else.
    """

    def __init__(self, python: str, folder: Path) -> None:
        self.folder = folder
        self._names = itertools.count()
        self._asked = itertools.count()
        home = folder / "home"
        home.mkdir(parents=True)
        environment = {
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "SHELL": "/bin/sh",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(home),
            "CI": "true",  # no look for a newer version
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(folder / "site"),
            "DVC_GLOBAL_CONFIG_DIR": str(home / "global"),
            "DVC_SYSTEM_CONFIG_DIR": str(home / "system"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY},
        }
        self._log = (folder / "server.err").open("wb")
        self._process = subprocess.Popen(
            [python, "-I", str(ROOT / "tests/dvcserver.py")],
            cwd=home,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )

    def ask(self, do: str, cd: Path | str | None = None, **more: Any) -> dict[str, Any]:
        """Asks one question.

        Args:
            do: Which (`DOING` in tests/dvcserver.py).
            cd: The folder to ask it in; the process's own home when None.
            more: What else that question takes.

        Returns:
            The answer: what DVC ``out`` and ``err`` printed, the ``code``, an ``error`` or None, and what was asked.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"id": next(self._asked), "do": do, "cd": str(cd or self.folder / "home"), **more}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            found: dict[str, Any] = json.loads(line)
            if found["id"] == request["id"]:  # else the test that asked was stopped before the answer came
                return found
        raise AssertionError(f"DVC's process is gone: {(self.folder / 'server.err').read_text()[-2000:]}")

    def run(self, cd: Path | str, *words: str, **env: str) -> SimpleNamespace:
        """Runs one command line of DVC's in a folder; the answer has ``code``, ``out`` and ``err``."""
        return SimpleNamespace(**self.ask("cli", cd, args=list(words), env=env))

    def resolve(self, cd: Path | str) -> dict[str, Any]:
        """The resolved stages and top-level parts of a repository. Raises DvcRefused when DVC refuses them."""
        found = self.ask("resolve", cd)
        if found["error"]:
            raise DvcRefused(found["error"])
        return found

    def repro(self, cd: Path | str, env: dict[str, str] | None = None, **options: Any) -> list[str]:
        """Reproduces a repository; returns what was not up to date. Raises DvcRefused when DVC fails.

        Args:
            cd: The repository.
            env: Variables for the stages.
            options: As `Repo.reproduce` has them: targets, force, downstream, ...
        """
        found = self.ask("repro", cd, env=env or {}, options=options)
        if found["error"]:
            raise DvcRefused(found["error"])
        done: list[str] = found["done"]
        return done

    def new(self, *, git: bool = True) -> Path:
        """A fresh folder with an empty DVC repository, in a Git repository of its own unless told otherwise."""
        root = self.folder / "work" / str(next(self._names))
        root.mkdir(parents=True)
        (root / ".dvc").mkdir()
        (root / ".dvc/config").write_text("" if git else "[core]\n    no_scm = True\n")
        (root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
        if git:
            for name in ("objects", "refs/heads", "info"):
                (root / ".git" / name).mkdir(parents=True)
            (root / ".git/HEAD").write_text("ref: refs/heads/main\n")
            (root / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")
        return root

    def new_pair(self) -> tuple[Path, Path]:
        """The same project twice, each in a Git repository of its own: DVC's, and assay's."""
        theirs = self.new()
        ours = theirs.with_name(f"{theirs.name}-ours")
        shutil.copytree(theirs, ours)
        (ours / ".dvc").rename(ours / ".assay")
        return theirs, ours

    def drop(self, root: Path) -> None:
        """Removes a folder that `new` made."""
        shutil.rmtree(root)

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=120)
        self._process.stdout.close()
        self._log.close()


_IDENTITY = (("NAME", "A U Thor"), ("EMAIL", "author@example.com"), ("DATE", "1700000000 +0100"))


def python_of_dvc() -> str | None:
    """The interpreter that DVC's program runs with; None when there is no DVC."""
    program = find_dvc()
    if program is None:
        return None
    first = Path(program).read_bytes().partition(b"\n")[0].decode(errors="replace")
    beside = Path(program).parent / "python"
    return str(beside) if beside.exists() else first.removeprefix("#!").strip()


@pytest.fixture(scope="session")
def python_with_hydra() -> str:
    """An interpreter that has hydra-core: this one, as with the extra ``dev``, else DVC's."""
    python = sys.executable if find_spec("hydra") else python_of_dvc()
    if python is None:
        pytest.skip("needs hydra-core")
    return python


@pytest.fixture
def hydra(python_with_hydra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configurations are composed by an interpreter that can."""
    monkeypatch.setattr("assay.cli.composer.PYTHON", python_with_hydra)


@pytest.fixture(scope="session")
def dvc_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DvcProcess]:
    """The one DVC of this session (of this worker, where tests run in several processes)."""
    python = python_of_dvc()
    if python is None:
        pytest.skip("needs dvc")
    process = DvcProcess(python, tmp_path_factory.mktemp("dvc"))
    yield process
    process.close()
