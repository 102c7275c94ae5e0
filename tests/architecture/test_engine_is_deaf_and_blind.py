"""The engine and the remotes read no environment, home, folder or terminal and print nothing; nobody unpickles."""

from __future__ import annotations

import pytest

from tests.architecture.sources import ROOT, python_files, spelled

OUTSIDE = {
    "os.environ", "os.environb", "os.getenv", "os.putenv", "os.path.expanduser", "os.path.expandvars", "os.getcwd",
    "os.getcwdb", "os.chdir", "os.getlogin", "os.isatty", "sys.argv", "sys.stdin", "sys.stdout", "sys.stderr",
    "sys.exit", "getpass", "print", "input", "pathlib.Path.home", "pathlib.Path.cwd", "Path.home", "Path.cwd",
}  # fmt: skip
NEVER = {"pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "eval", "exec", "compile", "__import__"}


def senses(source: str, forbidden: set[str]) -> list[str]:
    """Which forbidden names a source spells out."""
    found = []
    for line, name, call in spelled(source):
        parts = name.split(".")
        heads = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        if heads & forbidden and (call is not None or name not in ("compile", "input", "print")):
            found.append(f"line {line}: {name}")
    return found


DEAF = python_files("engine", "remotes", "assay/api")


@pytest.mark.law(6)
@pytest.mark.parametrize("path", DEAF, ids=lambda path: str(path.relative_to(ROOT)))
def test_engine_and_remotes_do_not_look_outside(path):
    assert senses(path.read_text(), OUTSIDE) == []


@pytest.mark.law(5)
@pytest.mark.parametrize("path", [*DEAF, *python_files("cli")], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_unpickles_or_evaluates(path):
    assert senses(path.read_text(), NEVER) == []


@pytest.mark.law(6)
@pytest.mark.parametrize(
    "planted", ["import os\nos.environ['A']", "print('x')", "from os import environ", "import getpass"]
)
def test_a_planted_look_outside_is_found(planted):
    assert senses(planted, OUTSIDE)


@pytest.mark.law(5)
@pytest.mark.parametrize("planted", ["import pickle", "eval('1')", "from pickle import loads"])
def test_a_planted_pickle_is_found(planted):
    assert senses(planted, NEVER)
