"""The import contracts hold, and each of them is seen to catch a planted breach."""

from __future__ import annotations

import re
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
    ("dulwich is a judge in tests", "remotes/git/server.py", "import dulwich"),
    ("fsspec stays in remotes", "assay/api/lab.py", "import fsspec"),
    ("hydra stays in one module", "cli/composer.py", "import hydra"),
    ("the two commands do not import each other", "cli/dvc/root.py", "import assay.cli.commands.repro"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run([*program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy in which all the breaches are planted; reading the imports is what takes long."""
    copied = tmp_path_factory.mktemp("breaches")
    for name in ("assay", "engine", "remotes", "cli"):
        shutil.copytree(ROOT / name, copied / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copied)
    for _, path, line in BREACHES:
        module = copied / path
        module.write_text(module.read_text() + f"\n{line}\n")
    done = lint(copied)
    assert done.returncode != 0
    return done.stdout


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
def test_a_planted_breach_is_caught(told: str, contract: str, path: str, line: str):
    assert f"{contract} BROKEN" in told
    _, _, blamed = told.rpartition("Broken contracts")[2].partition(f"\n{contract}\n")
    importer = path.removesuffix(".py").replace("/", ".")
    importer = importer if importer.startswith("assay.") else f"assay.{importer}"
    assert re.search(rf"{re.escape(importer)} -> {re.escape(line.split()[1])}\b", blamed), told
