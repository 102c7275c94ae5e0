"""A disk that is full at any step of a checkout or of writing the index: every file is the old one or the new one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine import disk
from assay.engine.errors import AssayError
from assay.engine.git.indexdraft import editing
from assay.engine.git.repository import Repository
from assay.engine.git.worktree import checkout_tree, write_files
from assay.engine.model import Oid
from tests.faults.fulldisk import every_full_disk
from tests.gitstatus import gits, opened

Git = Callable[..., str]
OLD = {"a": "1", "b/c": "2", "b/d": "3", "x": "4", "gone/e": "5"}
NEW = {"a": "one", "b/c": "two", "b/new/d": "3", "x/y": "4", "run": "6"}


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


@pytest.fixture
def root(git: Git, tmp_path: Path) -> Path:
    """A repository whose first commit is checked out, and which has a second."""
    folder = tmp_path / "work"
    git("init", "-q", "--template=", str(folder))
    write(folder, OLD)
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "old", cwd=folder)
    git("rm", "-q", "-r", ".", cwd=folder)
    write(folder, NEW)
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("a")
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "new", cwd=folder)
    git("branch", "new", cwd=folder)
    git("checkout", "-q", "HEAD~1", cwd=folder)
    return folder


def tree(git: Git, root: Path, name: str) -> Oid:
    return Oid(bytes.fromhex(git("rev-parse", f"{name}^{{tree}}", cwd=root)))


def files(root: Path) -> dict[str, str]:
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder) / name
            found[str(path.relative_to(root))] = os.readlink(path) if path.is_symlink() else path.read_text()
    return found


def test_a_checkout_goes_on_where_a_full_disk_stopped_it(git: Git, root: Path) -> None:
    old, new = tree(git, root, "HEAD"), tree(git, root, "new")
    index = (root / ".git/index").read_bytes()
    stopped = 0
    sentences = set()
    for full in every_full_disk():
        repo = opened(root)
        try:
            with disk.injected(full):
                checkout_tree(repo, old, new, write_index=True)
        except AssayError as error:
            sentences.add(error.message.partition(" while")[0])
            assert all(text in (OLD.get(path), NEW.get(path, "a")) for path, text in files(root).items())
            assert (root / ".git/index").read_bytes() == index
            assert not (root / ".git/index.lock").exists()
            stopped += 1
        finally:
            repo.close()
    assert stopped >= len(NEW) * 2
    assert sentences == {"No space left"}
    assert files(root) == {**NEW, "link": "a"}
    git("symbolic-ref", "HEAD", "refs/heads/new", cwd=root)
    assert gits(git, root) == []


def test_single_files_are_whole_whatever_step_fails(git: Git, root: Path) -> None:
    (root / "a").write_text("something else")
    repo: Repository = opened(root)
    blob = Oid(bytes.fromhex(git("rev-parse", "new:a", cwd=root)))
    for full in every_full_disk():
        try:
            with disk.injected(full):
                write_files(repo, {"a": (0o100644, blob), "deep/b": (0o100755, blob), "x": None})
        except AssayError:
            assert (root / "a").read_text() in ("something else", "one")
            assert not any(name.startswith(disk.TEMP_PREFIX) for name in os.listdir(root))
    repo.close()
    assert files(root) == {**{path: text for path, text in OLD.items() if path != "x"}, "a": "one", "deep/b": "one"}


def test_an_index_is_the_old_one_or_the_new_one_and_never_locked(git: Git, root: Path) -> None:
    path = root / ".git/index"
    before = path.read_bytes()
    for full in every_full_disk():
        try:
            with disk.injected(full), editing(str(root / ".git"), str(path)) as draft:
                draft.remove("a")
        except AssayError:
            assert path.read_bytes() == before
        assert not (root / ".git/index.lock").exists()
    assert "D  a" in gits(git, root)
