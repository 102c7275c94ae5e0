"""Verbs that write, stopped at their steps: by a disk that is full, by one that fails, by SIGKILL.

After each stop: HEAD, branches and tags are where they were; every file is the old or the new one; what a ref, a lock
file or a .dvc file names is there; what the user had is in the workspace, the cache or Git's objects; the same command
again finishes, and where there is an undo record `undo` goes back. A few steps of each verb for each way of stopping;
with ``--hypothesis-profile=explore`` all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
import yaml

from assay.engine import disk
from tests import projects
from tests.closure import Closure
from tests.conftest import IDENTITY, Said
from tests.faults.fulldisk import NEEDS_SPACE, BrokenDisk, FullDisk
from tests.faults.kills import killed_at
from tests.filetree import write

SAMPLES = 4
SIGNED = {**IDENTITY, "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000"}
BY_STAGES = ("data/", "model.bin", "metrics.json")


class Case(NamedTuple):
    """A verb and what comes before it.

    Attributes:
        words: The command.
        before: Commands that bring the project to where it has something to do.
        edits: Files that are written then.
        gone: Files and folders that are removed before that.
        then: Commands after that.
        unchecked: Beginnings of paths that commands of stages write.
        can_repeat: Whether the same command again must finish what a stop left; else `undo` has to go back.
    """

    words: str
    before: tuple[str, ...] = ()
    edits: Mapping[str, str] = MappingProxyType({})
    gone: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    can_repeat: bool = True


HARD = ("config cache.type hardlink", "checkout --relink")
SOFT = ("config cache.type symlink", "checkout --relink")
NEW = {"new/x": "x", "new/deep/y": "y", "large": "z" * 200_000}
EDITED = {"pics/a": "edited", "pics/more": "more", "raw.csv": "edited too"}
MINE = {"model.bin": "mine\n", "data/upper.txt": "mine too\n"}
CASES = {
    "stage add": Case("stage add -n extra -d raw.txt -o extra.bin -M extra.json true"),
    "stage add -f": Case("stage add -f -n train -d data -o other.bin true"),
    "stage remove": Case("stage remove prepare train", HARD, can_repeat=False),
    "stage remove --outs": Case("stage remove prepare train --outs", edits=MINE, can_repeat=False),
    "freeze": Case("freeze train pics.dvc raw.csv.dvc"),
    "repro": Case("repro", edits={"raw.txt": "other\n", **EDITED}, unchecked=BY_STAGES),
    "repro of a stage with edited outputs": Case("repro -f", edits=MINE, unchecked=BY_STAGES),
    "repro from the run cache": Case(
        "repro", ("run -n three -S train.lr=0.9",), {"params.yaml": projects.PARAMS, "model.bin": "mine\n"}
    ),
    "repro from the run cache, with links": Case(
        "repro", (*HARD, "run -n three -S train.lr=0.9"), {"params.yaml": projects.PARAMS}
    ),
    "add": Case("add new large", HARD[:1], NEW),
    "add of what changed": Case("add pics raw.csv", HARD, EDITED, gone=("pics/a", "raw.csv", "pics/sub")),
    "add --out": Case("add new -o copied", (), NEW, can_repeat=False),
    "add --out --force": Case("add new -o pics --force", (), {**NEW, **EDITED}),
    "add with the index": Case("add new large", ("config core.autostage true",), NEW),
    "commit": Case("commit --force", (), {**EDITED, **MINE}),
    "checkout --force": Case("checkout --force", (), {**EDITED, **MINE}, gone=("pics/sub",)),
    "checkout of a folder where a file is": Case("checkout --force", HARD, {"pics": "a file now"}, gone=("pics",)),
    "checkout --relink": Case("checkout --relink", SOFT[:1]),
    "data remove": Case("data remove pics raw.csv", HARD, can_repeat=False),
    "data remove --outs": Case("data remove pics raw.csv --outs", (), EDITED, can_repeat=False),
    "data move": Case("data move pics deep/er", (), EDITED, can_repeat=False),
    "data move of a file": Case("data move raw.csv moved.csv", SOFT, can_repeat=False),
    "unprotect hard links": Case("unprotect pics raw.csv", HARD),
    "unprotect symlinks": Case("unprotect pics raw.csv model.bin", SOFT),
    "rename": Case("rename one better", can_repeat=False),
    "rename --force": Case("rename -f one two", can_repeat=False),
    "tag": Case("tag one good better"),
    "tag -d": Case("tag -d one good", ("tag one good better",)),
    "note": Case("note one -m text", ("note one -m before",)),
    "remove --where": Case("remove --where acc<1", ("tag one good",)),
    "convert to DVC's form": Case("convert --to dvc"),
    "convert back": Case("convert --to native", ("convert --to dvc",)),
    "convert to another hash": Case("convert --to native --hash sha256"),
    "undo of a data move": Case("undo", ("data move pics deep/er",)),
    "undo of a stage that went": Case("undo", ("stage remove train --outs",)),
    "undo of a checkout": Case("undo", (), {**EDITED, **MINE}, then=("checkout --force",)),
    "undo of a rename": Case("undo", ("rename -f one two",)),
    "undo of a tag": Case("undo", ("tag one good",)),
}


def main(words: str | list[str], folder: Path) -> Said:
    """The command line in this process."""
    from assay.cli.main import main as command_line

    out, err, before = io.StringIO(), io.StringIO(), os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = command_line(words.split())
    finally:
        os.chdir(before)
    return Said(code, out.getvalue(), err.getvalue())


def done(words: str, folder: Path) -> Said:
    said = main(words, folder)
    assert said.code == 0, (words, said)
    return said


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pipeline, data of the user's, and two experiments."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SIGNED, "HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        folder = projects.write(tmp_path_factory.mktemp("stopped") / "template")
        done("init", folder)
        write(folder, {"pics/a": "a", "pics/sub/b": "b", "pics/big": "c" * 100_000, "raw.csv": "1,2\n"})
        done("add pics raw.csv", folder)
        done("baseline -m first", folder)
        done("run -n two -S train.lr=0.5", folder)
        done("run -n one -S train.lr=0.1", folder)
        yield folder


class State(NamedTuple):
    """What a project shows: files, what must not move, what verbs about experiments change, the newest undo record."""

    files: dict[str, bytes]
    still: tuple[str, ...]
    index: str
    exps: tuple[str, ...]
    undo: int


def state(folder: Path, git: Callable[..., str], *, remarks: bool) -> State:
    refs = git("for-each-ref", cwd=folder).splitlines()
    heads = [line for line in refs if "refs/heads/" in line or "refs/tags/" in line]
    exps = [line for line in refs if "refs/exps/" in line]
    said = [done("tag", folder).out] if remarks else []
    if remarks and exps and exps[0].endswith("/one"):
        said.append(done("note one --all", folder).out)
    undo = max((int(line.rpartition("/")[2]) for line in refs if "refs/assay/undo/" in line), default=0)
    still = (folder / ".git/HEAD").read_text(), *heads
    return State(files(folder), still, git("ls-files", "-s", cwd=folder), (*exps, *said), undo)


def files(folder: Path) -> dict[str, bytes]:
    """What a user sees, without what a kill leaves behind under a temporary name."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not name.startswith((".git/", ".assay/", ".dvc/tmp/")) and path.is_file() and not disk.is_temp(path.name):
            found[name] = path.read_bytes()
    return found


def prepared(case: Case, folder: Path) -> None:
    """Brings a project to where the verb has something to do."""
    for words in case.before:
        done(words, folder)
    for name in case.gone:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in case.edits:
        (folder / name).unlink(missing_ok=True)  # the cache has it too, where it is a link
    write(folder, dict(case.edits))
    for words in case.then:
        done(words, folder)


def copy(source: Path, target: Path) -> None:
    """Replaces a folder by another, hard links and absolute symlinks kept."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def steps_of(act: Callable[[], object]) -> list[str]:
    taken: list[str] = []
    with disk.injected(lambda step, path: taken.append(step)):
        act()
    return taken


def sampled(count: int, every: bool) -> list[int]:
    if every or count <= SAMPLES:
        return list(range(count))
    return sorted({round(number * (count - 1) / (SAMPLES - 1)) for number in range(SAMPLES)})


@pytest.mark.law(1)
@pytest.mark.law(2)
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_stopped_at_any_step(name, template, tmp_path, git, request, monkeypatch):
    for variable, value in SIGNED.items():
        monkeypatch.setenv(variable, value)
    case = CASES[name]
    remarks = case.words.split()[0] in ("tag", "note", "rename", "remove") or "undo" in name
    every = request.config.getoption("--hypothesis-profile") == "explore"
    folder, ready = tmp_path / "project", tmp_path / "ready"
    copy(template, folder)
    prepared(case, folder)
    old = state(folder, git, remarks=remarks)
    copy(folder, ready)
    taken = steps_of(lambda: done(case.words, folder))
    new = state(folder, git, remarks=remarks)
    assert (old.files, old.exps) != (new.files, new.exps) or "protect" in name or "relink" in name
    check_kept(folder, old.files, git)
    space = sum(step in NEEDS_SPACE for step in taken)
    ways = {"full": space, "broken": len(taken), "killed": len(taken)}
    stops = 0
    for way, count in ways.items():
        for at in sampled(count, every):
            copy(ready, folder)
            said = stopped(way, at, lambda: main(case.words, folder))
            where = name, way, at, taken[at] if way != "full" else "", said
            check_said(said, folder, where)
            now = state(folder, git, remarks=remarks)
            check_stopped(case, folder, old, new, now, git, where)
            if now.undo > old.undo:
                copy(folder, tmp_path / "aside")
                check_undo(case, folder, old, git, remarks, where)
                copy(tmp_path / "aside", folder)
            if said is None or said.code:
                check_again(case, folder, old, new, now, git, remarks, where)
            stops += 1
    assert stops > 6


def stopped(way: str, at: int, act: Callable[[], Said]) -> Said | None:
    """Does something that is stopped at a step; what it says, where it lives on."""
    if way == "killed":
        killed_at(at, act)
        return None
    with disk.injected(FullDisk(at, lasting=True) if way == "full" else BrokenDisk(at)):
        return act()


def check_said(said: Said | None, folder: Path, where: object) -> None:
    """Where the process lives: a sentence and a code, no temporary file, no lock."""
    if said is None:
        return
    assert "mistake in assay" not in said.err, where
    if said.code:
        assert said.code in (1, 255), where
        assert sum(line.startswith("error: ") for line in said.err.splitlines()) == 1, where
    locks = [path for path in folder.rglob("*") if path.name.endswith(".lock") and path.name != "dvc.lock"]
    assert not [path for path in locks if ".dvc/tmp" not in str(path)], where  # DVC's stay, unlocked


def check_stopped(case, folder, old, new, now, git, where):
    assert now.still == old.still, where
    assert now.index in (old.index, new.index), where
    for path in {*old.files, *new.files, *now.files}:
        if case.unchecked and path == "dvc.lock":
            check_entries(*(one.files.get(path) for one in (old, new, now)), where)
        elif path == ".gitignore":
            was, will, here = (set(one.files.get(path, b"").split()) for one in (old, new, now))
            assert was & will <= here <= was | will, where  # a new line comes before, an old one goes after
        elif not (case.unchecked and path.startswith(case.unchecked)):
            assert now.files.get(path) in (old.files.get(path), new.files.get(path)), (path, where)
    assert git("fsck", "--strict", "--no-dangling", cwd=folder) == "", where
    check_kept(folder, old.files, git, where)
    check_named(folder, git if now.exps != old.exps else None)


def check_entries(old: bytes | None, new: bytes | None, now: bytes | None, where: object) -> None:
    """Every entry of a lock file is the old or the new one."""
    before, after, there = (yaml.safe_load(text)["stages"] if text else {} for text in (old, new, now))
    for stage in {*before, *after, *there}:
        assert there.get(stage) in (before.get(stage), after.get(stage)), where


def check_kept(folder: Path, before: dict[str, bytes], git: Callable[..., str], where: object = "") -> None:
    """Everything that was in the workspace is there, or in the cache, or in an object of Git's."""
    gone = set(before.values()) - set(files(folder).values())
    if not gone:
        return
    gone -= set(Closure(folder).objects().values())
    ids = {hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(): data for data in gone}
    known = git("cat-file", "--batch-check", "--batch-all-objects", cwd=folder).split()
    lost = [data for oid, data in ids.items() if oid not in known]
    assert lost == [], where


def check_named(folder: Path, git: Callable[..., str] | None) -> None:
    """Everything that the files here name is in the cache, and with Git what experiments name."""
    closure = Closure(folder)
    commits = git("for-each-ref", "--format=%(objectname)", "refs/exps", cwd=folder).split() if git else ()
    trees = [files(folder), *(closure.tree(bytes.fromhex(commit)) for commit in set(commits))]
    for tree in trees:
        closure.outs(tree.get("dvc.lock"))
        for name in tree:
            if name.endswith(".dvc"):
                closure.outs(yaml.safe_dump({"stages": {"": yaml.safe_load(tree[name])}}).encode())


def check_undo(case: Case, folder: Path, old: State, git: Callable[..., str], remarks: bool, where: object) -> None:
    """The undo record that the stopped command wrote gives back what was there; of stages, what was edited."""
    said = main("undo", folder)
    assert said.code == 0, (said, where)
    back = state(folder, git, remarks=remarks)
    if case.words.startswith("repro"):
        assert {path: back.files.get(path) for path in case.edits} == {path: old.files[path] for path in case.edits}, (
            where
        )
    else:
        assert back.files == old.files, where
    assert back.exps[: len(old.exps) - 1] == old.exps[: len(old.exps) - 1], where


def check_again(case, folder, old, new, now, git, remarks, where):
    """The same command finishes the job; or it was finished; or there is an undo record."""
    again = main(case.words, folder)
    after = state(folder, git, remarks=remarks)
    if case.words == "undo":  # which goes back and forth
        assert again.code == 0, (again, where)
        assert (after.files, after.exps) in ((old.files, old.exps), (new.files, new.exps)), where
    elif again.code == 0:
        assert after.files == new.files, where
        assert after.index == new.index, where
        assert after.exps == new.exps, where
    else:
        finished = (now.files, now.exps) == (new.files, new.exps)
        assert finished or (not case.can_repeat and now.undo > old.undo), (again, where)
