"""The import contracts hold, and each of them is seen to catch a planted breach."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

BREACHES = [
    ("cli over api over remotes over engine", "assay/api/lab.py", "import assay.cli.wiring"),
    ("inside the engine", "engine/disk.py", "import assay.engine.project"),
    ("inside the engine", "engine/data/add.py", "import assay.engine.experiments.run"),
    ("dulwich stays behind engine.git and remotes.git", "engine/project.py", "import dulwich.objects"),
    ("fsspec stays in remotes", "assay/api/lab.py", "import fsspec"),
    ("the two commands do not import each other", "cli/dvc/root.py", "import assay.cli.commands.repro"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run([*program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("assay", "engine", "remotes", "cli"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_every_contract_has_its_breach():
    text = (ROOT / "pyproject.toml").read_text()
    names = {
        line.split('"')[1] for line in text.partition("[tool.importlinter]")[2].splitlines() if line.startswith("name")
    }
    assert names == {contract for contract, _, _ in BREACHES}


@pytest.mark.parametrize(("contract", "path", "line"), BREACHES)
def test_a_planted_breach_is_caught(copied: Path, contract: str, path: str, line: str):
    module = copied / path
    module.write_text(module.read_text() + f"\n{line}\n")
    done = lint(copied)
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout
