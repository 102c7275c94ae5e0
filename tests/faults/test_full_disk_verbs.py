"""A disk that is full at any step of a verb: files, index, HEAD and refs are old or new, and the next command works."""

from __future__ import annotations

import shutil

import pytest

from assay.engine import disk
from tests import projects
from tests.faults.fulldisk import NEEDS_SPACE, FullDisk
from tests.filetree import write

SAMPLES = 10
VERBS = {
    "run": ["run", "-n", "new", "-S", "train.lr=0.7"],
    "save": ["save", "-n", "new"],
    "apply": ["apply", "one"],
    "undo": ["undo"],
    "baseline": ["baseline", "-m", "second"],
    "switch": ["switch", "other"],
    "remove": ["remove", "one"],
}
MADE_BY_STAGES = ("data/", "model.bin", "metrics.json")


@pytest.fixture
def ready(tmp_path, assay, monkeypatch):
    """A project with two experiments, an undo record, a branch to go to, and a change that nobody has kept."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1700000000 +0000")
    folder = projects.write(tmp_path / "ready")
    assay("init", cwd=folder)
    assay("baseline", "-m", "first", cwd=folder)
    assay("run", "-n", "one", cwd=folder)
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=folder)
    assay("branch", "one", "other", cwd=folder)
    return folder


def prepared(verb, folder, assay):
    """Brings a copy of the project to where the verb has something to do."""
    if verb == "undo":
        assay("apply", "one", cwd=folder)
    if verb == "switch":
        assay("apply", "one", cwd=folder)
    if verb in ("run", "save", "baseline"):
        write(folder, {"notes/new.txt": "not kept yet\n", "train.sh": (folder / "train.sh").read_text() + "true\n"})


def files(folder):
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if not name.startswith((".git/", ".assay/")) and path.is_file():
            found[name] = path.read_bytes()
    return found


def of_git(git, folder):
    """What Git has: HEAD, index and refs, each by itself; a reflog's absence is no matter."""
    names = "refs/heads", "refs/tags", "refs/exps"
    shown = "--format=%(refname) %(tree) %(parent)"  # an experiment's commit says how long it took
    return {
        "HEAD": git("symbolic-ref", "HEAD", cwd=folder),
        "index": git("ls-files", "-s", cwd=folder),
        **{name: git("for-each-ref", shown, name, cwd=folder) for name in names},
    }


def count_steps(action):
    steps = 0

    def hook(step, path):
        nonlocal steps
        steps += step in NEEDS_SPACE

    with disk.injected(hook):
        action()
    return steps


@pytest.mark.parametrize("verb", VERBS)
def test_every_step_of_a_verb(verb, ready, tmp_path, assay, git):
    words = VERBS[verb]
    prepared(verb, ready, assay)
    old, old_git = files(ready), of_git(git, ready)
    golden = shutil.copytree(ready, tmp_path / "golden", symlinks=True)
    steps = count_steps(lambda: assay(*words, cwd=golden))
    new, new_git = files(golden), of_git(git, golden)
    assert steps > 3
    failed = 0
    for at in sorted({round(number * (steps - 1) / (SAMPLES - 1)) for number in range(SAMPLES)}):
        folder = shutil.copytree(ready, tmp_path / f"full-{at}", symlinks=True)
        with disk.injected(FullDisk(at)):
            said = assay(*words, cwd=folder, code=None)
        failed += said.code != 0
        check_files(folder, old, new, () if verb != "run" else MADE_BY_STAGES)
        now = of_git(git, folder)
        assert all(value in (old_git[name], new_git[name]) for name, value in now.items()), (at, said.err)
        assert git("fsck", "--strict", "--no-dangling", cwd=folder) == ""
        assert not list((folder / ".git").rglob("*.lock"))
        assay("status", cwd=folder)
        if said.code:
            again = assay(*words, cwd=folder, code=None)
            assert again.code == 0 or ended_before(verb, now, new_git), (at, again.err)
        if verb != "undo":
            assert files(folder) == new
            assert of_git(git, folder) == new_git
        shutil.rmtree(folder)
    assert failed > 2


def check_files(folder, old, new, unchecked):
    """Every file is the old or the new one, except those that a stage was writing itself when it was stopped."""
    now = files(folder)
    for name in {*old, *new, *now}:
        if not (unchecked and name.startswith(unchecked)):
            assert now.get(name) in (old.get(name), new.get(name)), name


def ended_before(verb, now, new_git):
    """Whether the first attempt had done all that shows, and so the second finds nothing to do."""
    return verb in ("run", "save", "baseline", "remove") and now == new_git
