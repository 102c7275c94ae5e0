"""The laws in a DVC project, without DVC: kills, what is the user's, planted pickles, caches that go, names of refs."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.engine import disk
from tests import projects
from tests.conftest import IDENTITY, in_this_process
from tests.faults.kills import killed_at

SAMPLES = 3
VISIBLE = re.compile(r"\.dvc$|dvc\.lock$|\.dir$|/refs/")
DATED = {**IDENTITY, "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000"}
Git = Callable[..., str]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC project ``here`` with data, an experiment, a stash and a staged file; ``there`` a clone without data."""
    from assay.cli.main import main

    top = tmp_path_factory.mktemp("laws")
    here = projects.write(top / "here")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**DATED, "HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        assay = in_this_process(main, here)
        assay("init", "--dvc")
        (here / "pics").mkdir()
        for name in "abc":
            (here / "pics" / name).write_text(name * 100)
        assay("add", "pics")
        assay("remote", "add", "-d", "store", "../store")
        assay("baseline", "-m", "first")
        assay("run", "-n", "one")
        for words in (
            ["stash", "store", "-m", "mine", "HEAD"],
            ["clone", "-q", "--no-local", ".", "../there"],
            ["init", "-q", "--bare", "../bare.git"],
            ["push", "-q", "../bare.git", "HEAD:refs/heads/main"],
        ):
            subprocess.run(["git", *words], cwd=here, check=True, capture_output=True)
        (here / "staged.py").write_text("x = 1\n")
        subprocess.run(["git", "add", "staged.py"], cwd=here, check=True)
    return top


@pytest.fixture
def top(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    for name, value in DATED.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(template, tmp_path / "top", symlinks=True)
    return tmp_path / "top"


def standing(git: Git, folder: Path) -> tuple[str, ...]:
    """What is the user's in a repository."""
    refs = git("for-each-ref", "refs/heads", "refs/stash", "refs/tags", cwd=folder)
    return (folder / ".git/HEAD").read_text(), refs, git("ls-files", "-s", cwd=folder), git("stash", "list", cwd=folder)


def named(texts: dict[str, str]) -> Iterator[str]:
    """The digests that the lock file and the ``.dvc`` files of a tree name."""
    for name, text in texts.items():
        data: Any = yaml.safe_load(text) or {}
        stages = data.get("stages", {}).values() if name.endswith("dvc.lock") else [data]
        for stage in stages:
            for out in stage.get("outs", ()):
                if out["path"] != "metrics.json":
                    yield out["md5"]


def check_there(objects: Path, digests: Iterator[str]) -> None:
    """Every object that is named is there and whole, and so is what a listing names."""
    for digest in digests:
        data = (objects / digest[:2] / digest[2:]).read_bytes()
        assert hashlib.md5(data, usedforsecurity=False).hexdigest() == digest.removesuffix(".dir")
        if digest.endswith(".dir"):
            check_there(objects, (row["md5"] for row in json.loads(data)))


def experiments(git: Git, folder: Path) -> Iterator[dict[str, str]]:
    """The files of every experiment that name data."""
    for ref in git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=folder).splitlines():
        yield {name: git("show", f"{ref}:{name}", cwd=folder) for name in ("pics.dvc", "dvc.lock")}


def check_closed(git: Git, top: Path, folder: Path) -> None:
    """Nothing names what is not there: files, commits and refs here; listings and refs on the remote."""
    here, cache, store = top / "here", folder / ".dvc/cache/files/md5", top / "store/files/md5"
    for tree in experiments(git, folder):
        check_there(cache, named(tree))
    if folder == here:
        check_there(cache, named({path.name: path.read_text() for path in here.glob("[a-z]*.dvc")}))
        check_there(cache, named({"dvc.lock": (here / "dvc.lock").read_text()}))
    listings = [path for path in store.glob("??/*.dir") if not disk.is_temp(path.name)]
    check_there(store, (path.parent.name + path.name for path in listings))
    if (top / "store/git/refs").exists():
        for tree in experiments(git, here):
            check_there(store, named(tree))
    git("fsck", "--strict", "--no-dangling", cwd=folder)


def moments(steps: list[str]) -> list[int]:
    """A few steps: those after which something has just got a visible name, and the middle."""
    ended = [at for at in range(len(steps) - 1) if steps[at + 1] != steps[at]]
    naming = [at + 1 for at in ended if VISIBLE.search(steps[at])]
    few = {naming[round(number * (len(naming) - 1) / (SAMPLES - 1))] for number in range(SAMPLES)} if naming else set()
    return sorted({len(steps) // 2, *few})


CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "run": ("here", ("run", "-n", "two", "-S", "train.lr=0.5")),
    "add": ("here", ("add", "new")),
    "push": ("here", ("push",)),
    "pull": ("there", ("pull",)),
    "checkout": ("here", ("checkout", "--force")),
}


@pytest.mark.law(1)
@pytest.mark.law(2)
@pytest.mark.parametrize("name", CASES)
def test_killed_when_something_just_got_its_name_nothing_names_what_is_not_there(
    name: str, top: Path, assay: Callable[..., Any], git: Git, tmp_path: Path
) -> None:
    where, words = CASES[name]
    here = top / "here"
    (here / "new").mkdir()
    for number in "12":
        (here / "new" / number).write_text(number)
    if name == "pull":
        assay("push", cwd=here)
    if name == "checkout":
        shutil.rmtree(here / "pics")
        (here / "model.bin").unlink()
        (here / "model.bin").write_text("by hand")
    shutil.copytree(top, tmp_path / "ready", symlinks=True)
    folder = top / where
    before = standing(git, folder)
    steps: list[str] = []  # the paths that they are about
    killed = 0
    with disk.injected(lambda step, path: steps.append(path)):
        assay(*words, cwd=folder)
    for at in moments(steps):
        shutil.rmtree(top)
        shutil.copytree(tmp_path / "ready", top, symlinks=True)
        killed += killed_at(at, lambda: assay(*words, cwd=folder))
        assert standing(git, folder) == before
        check_closed(git, top, folder)
        again = assay(*words, cwd=folder, code=None)
        assert again.code == 0 or "one of that name" in again.err or "already" in again.err, again
    assert killed, "with threads the steps may be fewer another time"


@pytest.mark.law(2)
@pytest.mark.law(8)
def test_what_is_the_users_stays_where_it_is_and_refs_have_dvcs_shapes(
    top: Path, assay: Callable[..., Any], assay_dvc: Callable[..., Any], git: Git
) -> None:
    here = top / "here"
    before, pipeline = standing(git, here), (here / "dvc.yaml").read_bytes()
    for words in (
        "exp run -n two -S train.lr=0.5",
        "exp save -n three",
        "exp show",
        "exp list",
        "exp apply one",
        "exp rename three four",
        "exp remove four",
        "exp push ../bare.git two",
    ):
        assay_dvc(*words.split(), cwd=here)
        assert standing(git, here) == before, words
    assay("tag", "one", "good", cwd=here)
    for folder in (here, top / "bare.git"):
        names = git("for-each-ref", "--format=%(refname)", cwd=folder).splitlines()
        shapes = {len(name.split("/")) for name in names if name.startswith("refs/exps/") and "/exec/" not in name}
        assert shapes == {5}
        ours = [name for name in names if not name.startswith(("refs/exps/", "refs/heads/", "refs/stash"))]
        assert [name for name in ours if not name.startswith("refs/assay/") or folder != here] == []
    assert (here / "dvc.yaml").read_bytes() == pipeline


class Exploding:
    """An object that tells when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (os.environ["EXPLODED"],)


@pytest.mark.law(5)
def test_a_planted_pickle_is_never_opened(
    top: Path,
    assay: Callable[..., Any],
    assay_dvc: Callable[..., Any],
    git: Git,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    here, there = top / "here", top / "there"
    monkeypatch.setenv("EXPLODED", str(tmp_path / "exploded"))
    bomb = pickle.dumps(Exploding())
    [ref] = git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=here).splitlines()
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    git("read-tree", ref, cwd=here)
    blob = git("hash-object", "-w", "--stdin", cwd=here, stdin=bomb)
    git("update-index", "--add", "--cacheinfo", f"100644,{blob},.dvc/tmp/repro.dat", cwd=here)
    tree = git("write-tree", cwd=here)
    monkeypatch.delenv("GIT_INDEX_FILE")
    git("update-ref", ref, git("commit-tree", tree, "-p", "HEAD", "-m", "planted", cwd=here), cwd=here)
    for folder in (here, there):
        for place in ("celery/broker/in", "celery/broker/processed", "celery/result", "run/workspace"):
            (folder / ".dvc/tmp/exps" / place).mkdir(parents=True)
            for name in ("1_x.celery.msg", "celery-task-meta-1", "workspace.run", "workspace.json"):
                (folder / ".dvc/tmp/exps" / place / name).write_bytes(bomb)
    dvc, own = assay_dvc, assay
    for act, folder, words in (
        (dvc, here, "exp show"), (dvc, here, "exp show -A --json"), (own, here, "show"), (own, here, "diff one"),
        (dvc, here, "exp push ../bare.git one"), (dvc, there, "exp pull ../bare.git one --no-cache"),
        (own, here, "push"), (own, there, "pull -f"), (dvc, there, "exp show"), (own, there, "show"),
        (dvc, there, "exp apply one"), (own, here, "apply one"), (dvc, there, "exp list"), (own, there, "save -n x"),
    ):  # fmt: skip
        act(*words.split(), cwd=folder)
        assert not (tmp_path / "exploded").exists(), words
        assert not (folder / ".dvc/tmp/repro.dat").exists(), words


@pytest.mark.law(7)
def test_without_what_assay_keeps_beside_dvc_the_answers_are_the_same(
    top: Path, assay: Callable[..., Any], assay_dvc: Callable[..., Any]
) -> None:
    here = top / "here"
    commands = [(assay, words.split()) for words in ("show --json", "status", "data status --json", "dag")]
    commands += [(assay_dvc, words.split()) for words in ("exp show --json", "exp list", "status", "diff --json")]
    before = [act(*words, cwd=here).out for act, words in commands]
    for (act, words), said in zip(commands, before, strict=True):
        assert (here / ".dvc/tmp/assay/stat.db").exists()
        shutil.rmtree(here / ".dvc/tmp/assay")
        for path in here.glob(".git/assay/records*"):
            path.unlink()
        assert act(*words, cwd=here).out == said, words
        assay("status", cwd=here)
    shutil.rmtree(here / ".dvc/tmp/assay")
    assay("run", "-n", "two", "-S", "train.lr=0.5", cwd=here)
    assay("apply", "one", cwd=here)
    assert "lr: 0.1 " in (here / "params.yaml").read_text()
    shutil.rmtree(here / ".dvc/tmp/assay")
    assay("undo", cwd=here)
    assert "lr: 0.5 " in (here / "params.yaml").read_text()
