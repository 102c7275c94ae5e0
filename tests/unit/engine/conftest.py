"""A project in a real repository whose commits a test writes object by object."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.engine.experiments.init import init
from assay.engine.git.objects import BLOB, COMMIT, build_commit
from assay.engine.git.trees import edit_tree
from assay.engine.model import ExpRef, Signature
from assay.engine.project import World, open_project
from tests import projects

START = 1_700_000_000
DVC_YAML = """\
stages:
  train:
    cmd: python train.py
    deps:
    - data
    params:
    - lr
    outs:
    - model.bin
    metrics:
    - metrics.json:
        cache: false
"""


class FixedClock:
    """It is always the same time."""

    def now(self):
        return START, 0


class NoIds:
    """Nothing here makes up names."""

    def choose(self, options):
        return options[0]

    def nonce(self):
        return "0" * 16


class Built:
    """A project and the commits that a test makes in it."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).resolve()
        self.world = World(FixedClock(), NoIds(), user_cache=str(self.folder.parent / "user-cache"))
        init(str(self.folder), self.world)
        self.project = open_project(str(self.folder), self.world)
        self.head = None

    def write(self, files):
        """Writes files of the workspace."""
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, files, base=None, *, time=START, message="message\n", who="Ann"):
        """A commit whose tree is that of another, with files changed (None: taken away)."""
        database = self.project.repo.objects
        with database.batch() as batch:
            data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
            changes = {
                path: None if content is None else (0o100644, batch.add(BLOB, content))
                for path, content in data.items()
            }
            tree = edit_tree(batch, base and database.read_commit(base).tree, changes)
            by = Signature(who, f"{who.lower()}@example.com", time)
            return batch.add(COMMIT, build_commit(tree, (base,) if base else (), by, by, message))

    def baseline(self, files, *, branch="main", **more):
        """A commit that a branch, and HEAD, are at."""
        self.head = self.commit(files, **more)
        self.ref(f"refs/heads/{branch}", self.head)
        return self.head

    def experiment(self, name, files=(), base=None, **more):
        """An experiment of a commit (default: of HEAD)."""
        base = base or self.head
        commit = self.commit(dict(files), base, **more)
        self.ref(ExpRef(base, name).refname, commit)
        return commit

    def ref(self, name, commit):
        """Sets a ref."""
        with self.project.repo.refs.transaction() as refs:
            refs.put(name, commit)

    def reopened(self):
        """The project as another process sees it."""
        self.project.close()
        self.project = open_project(str(self.folder), self.world)
        return self.project


@pytest.fixture
def built(tmp_path):
    """A project without commits."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Built(folder)
    yield made
    made.project.close()


@pytest.fixture
def project(tmp_path, assay):
    """A two-stage project with its first baseline, as the command line makes it."""
    folder = projects.write(tmp_path / "two stages")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    return folder
