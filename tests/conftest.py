"""Every test runs in a clean environment: no HOME of the developer's, no Git variables, no colour."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "assay", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
hypothesis.settings.load_profile("assay")

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TERM", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty HOME and nothing from the caller's environment but the path and the locale; returns that HOME."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "HYPOTHESIS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


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
            cwd=cwd, input=stdin, capture_output=True, env={**os.environ, **identity}, check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(words)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    return run
