"""History and experiments below ``git/`` of a DVC remote: DVC neither sees nor harms them, and a clone is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dvcprocess import DvcProcess

Git = Callable[..., str]
PIPELINE = "stages:\n  s:\n    cmd: cp params.yaml out\n    params: [x]\n    outs: [out]\n"


class Shared:
    """A DVC project that shares everything through one data remote; a second clone is made from that alone."""

    def __init__(self, dvc: DvcProcess, assay: Callable[..., Any], git: Git, store: Path) -> None:
        self.dvc, self.assay, self.git, self.store = dvc, assay, git, store
        self.root = dvc.new()
        git("config", "user.name", "x", cwd=self.root)
        git("config", "user.email", "x@example.com", cwd=self.root)
        config = f"[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n"
        (self.root / ".dvc/config").write_text(config)
        (self.root / "params.yaml").write_text("x: 1\n")
        (self.root / "dvc.yaml").write_text(PIPELINE)
        (self.root / "data").mkdir()
        for name in ("a", "b"):
            (self.root / "data" / name).write_text(name)
        self.theirs("add", "-q", "data")
        self.theirs("repro", "-q")
        git("add", "-A", cwd=self.root)
        git("commit", "-q", "-m", "first", cwd=self.root)

    def theirs(self, *words: str, folder: Path | None = None) -> SimpleNamespace:
        said = self.dvc.run(folder or self.root, *words)
        assert said.code == 0, (words, said.out, said.err)
        return said

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.store.rglob("*") if path.is_file())
        return {str(path.relative_to(self.store)): path.read_bytes() for path in found}


@pytest.fixture
def shared(dvc_process: DvcProcess, assay: Callable[..., Any], git: Git, tmp_path: Path) -> Shared:
    return Shared(dvc_process, assay, git, tmp_path / "store")


def test_dvc_neither_sees_nor_harms_what_lies_below_git(shared: Shared) -> None:
    shared.git("checkout", "-q", "-b", "ab/cdef0123456789abcdef0123456789", cwd=shared.root)
    shared.theirs("exp", "run", "-q", "-n", "e1", "-S", "x=2")
    shared.assay("push", cwd=shared.root)
    before = {name: data for name, data in shared.files().items() if name.startswith("git/")}
    assert "git/heads/ab/cdef0123456789abcdef0123456789" in before
    assert shared.theirs("push", "-A").out == "Everything is up to date.\n"
    assert "in sync" in shared.theirs("status", "-c").out
    gone = shared.root / "params.yaml"
    gone.write_text("x: 3\n")
    shared.theirs("repro", "-q")
    shared.theirs("push")
    shared.theirs("gc", "-f", "-c", "-w")
    after = shared.files()
    assert {name: data for name, data in after.items() if name.startswith("git/")} == before
    assert len([name for name in after if name.startswith("files/")]) == 4, "the data, and the workspace's output"


def test_a_clone_is_a_dvc_project_with_data_and_experiments(shared: Shared, tmp_path: Path) -> None:
    shared.theirs("exp", "run", "-q", "-n", "e1", "-S", "x=2")
    shared.theirs("checkout", "-q")
    shared.git("checkout", "-q", "--", ".", cwd=shared.root)
    shared.theirs("checkout", "-q")
    shared.assay("push", cwd=shared.root)
    there = tmp_path / "clone"
    shared.assay("clone", str(shared.store), str(there))
    assert shared.git("status", "--porcelain", cwd=there) == ""
    assert shared.git("fsck", "--strict", "--no-dangling", cwd=there) == ""
    assert "e1" in shared.theirs("exp", "list", "--name-only", folder=there).out
    assert shared.theirs("status", folder=there).out == "Data and pipelines are up to date.\n"
    assert shared.theirs("remote", "default", folder=there).out == "store\n"
    shared.theirs("exp", "apply", "-q", "e1", folder=there)
    assert (there / "out").read_text() == "x: 2\n"


def test_experiments_go_to_the_git_remote_that_is_configured(shared: Shared, tmp_path: Path) -> None:
    bare = tmp_path / "origin.git"
    shared.git("init", "-q", "--bare", str(bare))
    shared.git("remote", "add", "origin", str(bare), cwd=shared.root)
    with open(shared.root / ".dvc/config", "a") as file:
        file.write("[exp]\n    git_remote = origin\n")
    shared.theirs("exp", "run", "-q", "-n", "e1", "-S", "x=2")
    shared.assay("push", cwd=shared.root)
    assert not (shared.store / "git/packs").exists()
    assert shared.git("for-each-ref", "--format=%(refname:lstrip=4)", cwd=bare) == "e1", "no branch"
    assert "e1" in shared.theirs("exp", "list", "origin").out
    shared.theirs("exp", "remove", "-q", "e1")
    shared.assay("pull", "e1", cwd=shared.root)
    assert "e1" in shared.theirs("exp", "list", "--name-only").out
    assert shared.git("for-each-ref", "refs/remotes", cwd=shared.root) == ""


def test_a_native_remote_is_refused(shared: Shared, git: Git, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/format").write_text('{"assay": 1, "hash": "xxh128"}\n')
    said = shared.assay("push", cwd=shared.root, code=255)
    assert "in assay's own layout" in said.err
    assert list(shared.files()) == ["format"]


def test_data_without_history_cannot_be_cloned(shared: Shared, tmp_path: Path) -> None:
    shared.theirs("push")
    said = shared.assay("clone", str(shared.store), str(tmp_path / "clone"), code=255)
    assert "no history was shared there" in said.err
    assert not (tmp_path / "clone").exists()


def test_what_refs_on_the_remote_need_is_not_collected(
    shared: Shared, assay_dvc: Callable[..., Any], tmp_path: Path
) -> None:
    shared.theirs("exp", "run", "-q", "-n", "e1", "-S", "x=2")
    shared.assay("push", "e1", cwd=shared.root)
    shared.theirs("exp", "remove", "e1")
    shared.git("checkout", "-q", ".", cwd=shared.root)
    (shared.store / "files/md5/00").mkdir()
    (shared.store / "files/md5/00" / ("0" * 30)).write_text("of no use")
    before = shared.files()
    said = assay_dvc("gc", "-w", "-c", "-f", cwd=shared.root)
    assert "Removed 1 objects from remote." in said.out
    assert before.keys() - shared.files().keys() == {"files/md5/00/" + "0" * 30}
    shared.assay("pull", "e1", cwd=shared.root)
