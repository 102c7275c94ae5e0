"""A disk that is full at any step of a data verb: files are old or new, no record names what the cache has not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.data.add import add, add_copy
from assay.engine.data.checkout import How as Checkout
from assay.engine.data.checkout import checkout
from assay.engine.data.commit import commit
from assay.engine.data.move import move
from assay.engine.data.remove import remove
from assay.engine.errors import AssayError
from assay.engine.experiments.baseline import baseline
from assay.engine.experiments.save import save
from assay.engine.pipeline.spec import load
from assay.engine.project import World, open_project
from assay.engine.store.manifest import digests_of
from tests.faults.fulldisk import NEEDS_SPACE, FullDisk
from tests.workspace import CountingIds, FixedClock, Workspace

SAMPLES = 10
VERBS = {
    "add": lambda project: add(project, ["new", "data", "large"]),
    "add a part": lambda project: add(project, ["data/more"]),
    "add a copy": lambda project: add_copy(project, f"{project.root}/new/x", "copied"),
    "replace by a copy": lambda project: add_copy(project, f"{project.root}/new", "data", force=True),
    "checkout": lambda project: checkout(project, [], Checkout(force=True)),
    "commit": commit,
    "save": lambda project: save(project, name="one", force=True),
    "move": lambda project: move(project, "data", "deep/er"),
    "remove": lambda project: remove(project, ["data"], outs=True),
}


@pytest.fixture
def ready(tmp_path):
    """Tracked data, edited since, and some that is not tracked yet."""
    workspace = Workspace(tmp_path / "ready")
    for name in ("data/a", "data/sub/b", "f"):
        workspace.write(name, name)
    add(workspace.project, ["data", "f"])
    baseline(workspace.project, "first")
    for name in ("new/x", "new/y"):
        workspace.write(name, name)
    (workspace.root / "large").write_bytes(os.urandom(400_000))
    workspace.write("data/a", "edited")
    workspace.write("data/more", "more")
    workspace.write(".gitignore", "/data\n/f\n/new\n/large\n")
    workspace.project.close()
    return workspace.root


def files(root: Path) -> dict[str, bytes]:
    """What a user sees."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith((".git/", ".assay/"))}


def opened(root: Path):
    """The project as a new command sees it."""
    return open_project(str(root), World(FixedClock(), CountingIds(), environment={"PATH": os.environ["PATH"]}))


@pytest.mark.law(1)
@pytest.mark.parametrize("verb", VERBS)
def test_every_step_of_a_data_verb(verb, ready, tmp_path):
    action = VERBS[verb]
    old = files(ready)
    golden = shutil.copytree(ready, tmp_path / "golden", symlinks=True)
    steps = 0

    def count(step, path):
        nonlocal steps
        steps += step in NEEDS_SPACE

    project = opened(golden)
    with disk.injected(count):
        action(project)
    project.close()
    new = files(golden)
    assert old != new
    failed = 0
    for at in sorted({round(number * (steps - 1) / (SAMPLES - 1)) for number in range(SAMPLES)}):
        root = shutil.copytree(ready, tmp_path / f"full-{at}", symlinks=True)
        project = opened(root)
        try:
            with disk.injected(FullDisk(at)):
                action(project)
        except (AssayError, OSError):
            failed += 1
        project.close()
        now = files(root)
        for name in {*old, *new, *now}:
            assert now.get(name) in (old.get(name), new.get(name)), (at, name)
        project = opened(root)
        for file in load(project).data.values():
            for artifact in file.cached.values():
                assert not project.cache.missing(digests_of(project.cache, artifact)), (at, file.path)
        if now != new:
            try:
                action(project)
            except AssayError:  # a move that was cut short has its old record and its new place
                assert verb in ("move", "remove", "add a copy")
            else:
                assert files(root) == new, at
        project.close()
        shutil.rmtree(root)
    assert failed > 2
