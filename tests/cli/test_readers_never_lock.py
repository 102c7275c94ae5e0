"""Every verb that only reads, while another process holds every lock there is: it works, and touches none of them."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import projects
from tests.conftest import IDENTITY, in_this_process
from tests.programs import ROOT

HOLDER = """\
import fcntl, json, os, sys
from contextlib import ExitStack
from assay.engine.locks import FileLock

root, cache = sys.argv[1:]
with ExitStack() as held:
    for path in (f"{root}/.git/assay/workspace.lock", f"{cache}/collection.lock"):
        held.enter_context(FileLock(path, command="a holder"))
    if os.path.isdir(f"{root}/.dvc"):
        os.makedirs(f"{root}/.dvc/tmp/exps", exist_ok=True)
        busy = {"pid": os.getpid(), "cmd": "a holder"}
        for name, used in (("rwlock", root), ("exps/rwlock", "workspace")):
            with open(f"{root}/.dvc/tmp/{name}", "w") as file:
                json.dump({"write": {used: busy, "refs/exps/exec": busy}}, file)
        for name in ("lock", "rwlock.lock", "exps/rwlock.lock"):
            file = held.enter_context(open(f"{root}/.dvc/tmp/{name}", "a"))
            fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
READING = [
    "list", "list -A", "show", "show -A --json", "diff one two", "diff one", "log", "logs one", "status", "dag",
    "metrics show", "metrics diff one", "params show", "params diff one", "data status", "data ls .", "data diff HEAD",
    "stage list", "remote list", "config --list", "note one",
]  # fmt: skip
READING_AS_DVC = [
    "exp show", "exp show --json", "exp list", "exp diff one two", "status", "data status", "diff HEAD one",
    "metrics show", "metrics diff HEAD one", "params diff HEAD one", "dag", "stage list", "remote list", "root",
    "config -l", "cache dir", "version",
]  # fmt: skip
CREATED, MOVED_IN, REMOVED, WRITTEN = 0x100, 0x80, 0x200, 0x8
CACHES = ("records", "stat.db")


class Watch:
    """What is created, moved in, removed or written in folders; made by the kernel, so that nothing is too short."""

    def __init__(self, folders: list[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = CREATED | MOVED_IN | REMOVED | WRITTEN
        self._names = {libc.inotify_add_watch(self._fd, os.fsencode(path), mask): path for path in folders}
        assert -1 not in self._names

    def seen(self) -> set[str]:
        """The paths since it was asked last, caches apart."""
        data = b""
        while True:
            try:
                data += os.read(self._fd, 1 << 16)
            except BlockingIOError:
                break
        found, at = set(), 0
        while at < len(data):
            watch, _, _, length = struct.unpack_from("iIII", data, at)
            name = data[at + 16 : at + 16 + length].rstrip(b"\0").decode()
            at += 16 + length
            if not name.startswith(CACHES):
                found.add(f"{self._names[watch]}/{name}")
        return found

    def close(self) -> None:
        os.close(self._fd)


def folders_with_locks(root: Path, cache: Path) -> list[Path]:
    """Those in which a lock of Git's, of DVC's or of assay's can lie."""
    git = root / ".git"
    refs = [path for path in (git / "refs").rglob("*") if path.is_dir()]
    shared = [path for path in (root / ".dvc", root / ".dvc/tmp", root / ".dvc/tmp/exps") if path.is_dir()]
    return [root, git, git / "assay", git / "refs", *refs, cache, *shared]


@contextmanager
def everything_held(root: Path, cache: Path) -> Iterator[None]:
    """Another process holds assay's locks, and DVC's in a DVC project; Git's lie there as if it were at work."""
    of_git = [root / ".git" / name for name in ("index.lock", "HEAD.lock", "packed-refs.lock")]
    command = [sys.executable, "-c", HOLDER, str(root), str(cache)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        for path in of_git:
            path.touch()
        try:
            yield
        finally:
            for path in of_git:
                path.unlink()
            holder.stdin.close()


@pytest.fixture(scope="module", params=["native", "dvc"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project with tracked data and two experiments, and its cache."""
    from assay.cli.main import main

    folder = projects.write(tmp_path_factory.mktemp("readers") / "project")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**IDENTITY, "HOME": str(tmp_path_factory.mktemp("home"))}.items():
            patch.setenv(name, value)
        assay = in_this_process(main, folder)
        assay("init", *(["--dvc"] if request.param == "dvc" else []))
        (folder / "raw.csv").write_text("1,2\n")
        assay("add", "raw.csv")
        assay("baseline", "-m", "first")
        assay("run", "-n", "one")
        assay("run", "-n", "two", "-S", "train.lr=0.5")
    return folder, folder / (".dvc/cache" if request.param == "dvc" else ".assay/cache")


@pytest.mark.law(4)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs inotify")
def test_readers_work_beside_every_lock_and_take_none(project, assay, assay_dvc):
    root, cache = project
    commands = [(assay, words.split()) for words in READING]
    if (root / ".dvc").is_dir():
        commands += [(assay_dvc, words.split()) for words in READING_AS_DVC]
    before = [act(*words, cwd=root).out for act, words in commands]
    for index in root.glob(".git/assay/records*.db*"):
        index.unlink()
    with everything_held(root, cache):
        watch = Watch(folders_with_locks(root, cache))
        for (act, words), said in zip(commands, before, strict=True):
            now = act(*words, cwd=root, code=None)
            assert now.code == 0, (words, now)
            assert now.out.startswith(said), words  # "status" says who holds a lock as well
            assert watch.seen() == set(), words
        watch.close()
