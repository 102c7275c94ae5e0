"""``assay demo``: everything once, on a small real project, each step by the command a user would type."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys

from assay.cli.wiring import Context
from assay.engine import disk

EXAMPLES = """\
  pip install 'assay[demo]'
  assay demo                  in ./assay-demo
  assay demo /tmp/digits
"""

EXPERIMENTS = {
    "few-trees": {"split.test_size": "0.40", "forest.n_estimators": "7", "forest.max_depth": "8"},
    "many-trees": {"split.test_size": "0.15", "forest.n_estimators": "70", "forest.max_depth": "12"},
    "shallow": {"split.test_size": "0.25", "forest.n_estimators": "70", "forest.max_depth": "3"},
    "deep": {"split.test_size": "0.25", "forest.n_estimators": "30", "forest.max_depth": "16"},
}
FILES = ("dvc.yaml", "params.yaml", "prepare.py", "train.py", "evaluate.py")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("folder", nargs="?", default="assay-demo", help="a new folder (assay-demo)")


def run(args: argparse.Namespace, context: Context) -> int:
    """Writes the project, runs four experiments, compares, applies the best, shares and clones."""
    _need_scikit_learn()
    top = os.path.realpath(os.path.join(context.here, args.folder))
    project, remote, clone = f"{top}/digits", f"{top}/remote", f"{top}/clone"
    _write_project(top, project, remote)
    stage = _Stage(context)
    stage.note(f"A small project: scikit-learn's handwritten digits, in {project}")
    stage.type(project, "init")
    stage.type(project, "baseline", "-m", "digits and a small forest")
    for name, params in EXPERIMENTS.items():
        words = [word for key, value in params.items() for word in ("-S", f"{key}={value}")]
        stage.type(project, "run", "-n", name, *words)
    stage.type(project, "show")
    best = _best(stage.quietly(project, "show", "--json", "--hide-workspace"))
    stage.note(f"{best} has the best accuracy, so it goes into the workspace.")
    stage.type(project, "apply", best)
    stage.note("A folder is the simplest remote; s3://bucket/prefix works the same.")
    stage.type(project, "remote", "add", "-d", "team", "../remote")
    stage.type(project, "push")
    stage.note("Somebody else, somewhere else:")
    stage.type(top, "clone", "remote", "clone")
    stage.type(clone, "show")
    stage.note(f"All of this is in {top}. Look around with `assay --help`.")
    return 0


def _need_scikit_learn() -> None:
    from importlib.util import find_spec

    from assay.engine.errors import AssayError

    if find_spec("sklearn") is None:
        raise AssayError(
            "The demo trains a real model and needs scikit-learn, which is not installed.",
            f"{sys.executable} -m pip install 'assay[demo]'",
        )


def _write_project(top: str, project: str, remote: str) -> None:
    from assay.engine.errors import Refused
    from assay.engine.git.repository import Repository

    if os.path.isdir(top) and os.listdir(top):
        raise Refused(f"{top} is not empty, so the demo leaves it alone.", "Name a new folder: `assay demo FOLDER`.")
    disk.make_folders(project)
    disk.make_folder(remote)
    Repository.init(project).close()  # of its own, also where the folder lies inside another repository
    source = os.path.join(os.path.dirname(os.path.dirname(__file__)), "demo_project")
    for name in FILES:
        with open(os.path.join(source, name), "rb") as file:
            disk.write_atomic(f"{project}/{name}", file.read())


def _best(shown: bytes) -> str:
    rows = [row for baseline in json.loads(shown)["baselines"] for row in baseline["experiments"]]
    best: str = max(rows, key=lambda row: row["metrics"]["metrics.json"]["accuracy"])["name"]
    return best


class _Stage:
    """Types commands as a user would: prints them, then runs them for real in a process of their own."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def note(self, text: str) -> None:
        """A line between two commands."""
        self._context.say(f"\n# {text}")
        self._context.out.flush()

    def type(self, folder: str, *words: str) -> None:
        """Prints and runs ``assay words`` in a folder; its failure is the demo's."""
        self._context.say(f"\n$ {shlex.join(['assay', *words])}")
        self._context.out.flush()
        self._run(folder, words, capture=False)

    def quietly(self, folder: str, *words: str) -> bytes:
        """Runs ``assay words`` and returns what it prints."""
        return self._run(folder, words, capture=True)

    def _run(self, folder: str, words: tuple[str, ...], *, capture: bool) -> bytes:
        from assay.engine.errors import AssayError

        pipe = subprocess.PIPE if capture else None
        command = [sys.executable, "-m", "assay", *words]
        done = subprocess.run(  # noqa: S603 - our own interpreter and words
            command, cwd=folder, env=self._context.environment, stdout=pipe, check=False
        )
        if done.returncode:
            raise AssayError(f"`assay {words[0]}` ended with exit code {done.returncode}, so the demo stops here.")
        return done.stdout or b""
