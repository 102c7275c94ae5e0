"""Every test runs in a clean environment: no HOME of the developer's, no Git variables, no colour."""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest

from tests import projects

UNCHECKED = [hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow]  # a machine may be busy
hypothesis.settings.register_profile("assay", deadline=None, derandomize=True, suppress_health_check=UNCHECKED)
# `pytest --hypothesis-profile=explore` tries other examples every time.
hypothesis.settings.register_profile("explore", deadline=None, suppress_health_check=UNCHECKED)
hypothesis.settings.load_profile("assay")

pytest_plugins = ["tests.suite_report", "tests.dvcprocess", "tests.servers"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; here interrupts are tested
    signal.signal(signal.SIGINT, signal.default_int_handler)

FEW = 5
"""Examples of a property that are tried in any case."""
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TERM", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """PYTEST_EXAMPLES_PART=10 tries a tenth of the examples of each property, where another run tries them all."""
    part = int(os.environ.get("PYTEST_EXAMPLES_PART", "1"))
    for item in items if part > 1 else ():
        function = getattr(item, "obj", None)
        function = getattr(function, "__func__", function)
        wanted = getattr(function, "_hypothesis_internal_use_settings", None)
        if wanted is not None and wanted.max_examples > FEW:
            fewer = hypothesis.settings(wanted, max_examples=max(FEW, wanted.max_examples // part))
            function._hypothesis_internal_use_settings = fewer


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keeps the thousands of tests, which stay until the end, out of every collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a folder of a name and a number; `mktemp` reads all names there are for each, 7 ms at 6,000 of them."""
    above, numbers = tmp_path_factory.mktemp("each"), itertools.count()

    def make(name: str) -> Path:
        folder = above / f"{name}{next(numbers)}"
        folder.mkdir(mode=0o700)
        return folder

    return make


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, new_folder: Callable[[str], Path]) -> Path:
    """A folder that is this test's alone."""
    return new_folder(re.sub(r"\W", "_", request.node.name)[:30])


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, new_folder: Callable[[str], Path]) -> Path:
    """An empty HOME and nothing from the caller's environment but the path and the locale; returns that HOME."""
    home = new_folder("home")
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "HYPOTHESIS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(home / "system"))
    return home


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str


IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A U Thor"), ("EMAIL", "author@example.com"))
}


def in_this_process(main: Callable[[list[str]], int], default: Path) -> Callable[..., Said]:
    """A function that runs command lines here, in a folder (else the default), and expects a code (None: any)."""

    def run(*words: str, cwd: Path | str = default, code: int | None = 0) -> Said:
        out, err = io.StringIO(), io.StringIO()
        before = os.getcwd()
        os.chdir(cwd)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                got = main([str(word) for word in words])
        finally:
            os.chdir(before)
        said = Said(got, out.getvalue(), err.getvalue())
        if code is not None:
            assert got == code, f"{' '.join(map(str, words))} ended with {got}:\n{said.out}{said.err}"
        assert "Traceback" not in said.err
        return said

    return run


@pytest.fixture
def assay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Runs the command line in this process, in a folder (default tmp_path), and expects an exit code (default 0)."""
    from assay.cli.main import main

    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    return in_this_process(main, tmp_path)


@pytest.fixture
def assay_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """The same for the command that has DVC's verbs."""
    from assay.cli.dvc.main import main

    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    return in_this_process(main, tmp_path)


@pytest.fixture
def assay_process(tmp_path: Path) -> Callable[..., Said]:
    """Runs the command line in a process of its own, as a user would."""

    def run(*words: str, cwd: Path | str = tmp_path, code: int | None = 0, env: dict[str, str] | None = None) -> Said:
        root = Path(__file__).resolve().parents[1]
        environment = {**os.environ, **IDENTITY, "PYTHONPATH": str(root), **(env or {})}
        command = [sys.executable, "-m", "assay", *map(str, words)]
        done = subprocess.run(command, cwd=cwd, capture_output=True, env=environment, check=False)
        said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
        if code is not None:
            assert said.code == code, f"assay {' '.join(map(str, words))} ended with {said.code}:\n{said.out}{said.err}"
        return said

    return run


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Runs the real Git in a folder (default tmp_path) with a fixed identity; returns what it prints."""
    program = shutil.which("git")
    if program is None:
        pytest.skip("needs git")
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A U Thor"), ("EMAIL", "author@example.com"), ("DATE", "1700000000 +0100"))
    }

    def run(*words: str, cwd: Path | str = tmp_path, stdin: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [program, "-c", "init.defaultBranch=main", *words],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            env={**os.environ, **identity},
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(words)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    return run


@pytest.fixture
def project(tmp_path: Path, assay: Callable[..., Said]) -> Path:
    """A two-stage project with its first baseline, made without any Git program."""
    folder = projects.write(tmp_path / "project")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    return folder
