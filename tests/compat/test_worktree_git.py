"""What is checked out is what the real Git would have checked out, and nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import WouldLose
from assay.engine.git.worktree import checkout_tree
from assay.engine.model import Oid
from tests.gitstatus import gits, opened, ours

Git = Callable[..., str]
PATHS = ("a", "a/b", "a/b/c", "a/d", "e", "f/g", "f/h/i", "é")
contents = st.sampled_from(["1", "2", "3", "link", "run"])
trees = st.dictionaries(st.sampled_from(PATHS), contents, max_size=6)


def place(root: Path, path: str, content: str) -> None:
    """Puts a file, an executable or a symlink at a path, unless something is in the way."""
    try:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if content == "link":
            (root / path).symlink_to("e")
        else:
            (root / path).write_text(content)
            (root / path).chmod(0o755 if content == "run" else 0o644)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return


def on_disk(root: Path) -> dict[str, tuple[str, bytes]]:
    """Every file below a folder, Git's own apart, with its kind and its content."""
    found = {}
    for folder, folders, names in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git" and name not in links]
        for name in names + links:
            path = Path(folder) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                found[str(path.relative_to(root))] = ("link", os.readlink(path).encode())
            else:
                found[str(path.relative_to(root))] = ("run" if mode & 0o100 else "file", path.read_bytes())
        if not names and not folders and not links and Path(folder) != root:
            found[str(Path(folder).relative_to(root)) + "/"] = ("empty", b"")
    return found


def commit(git: Git, root: Path, files: dict[str, str]) -> tuple[str, Oid]:
    """Makes a commit of files and leaves them checked out; returns its id and its tree's."""
    git("rm", "-q", "-r", "-f", "--ignore-unmatch", ".", cwd=root)
    for path in os.listdir(root):
        if path != ".git":
            shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    for path, content in files.items():
        place(root, path, content)
    git("add", "-A", cwd=root)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=root)
    return git("rev-parse", "HEAD", cwd=root), Oid(bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=root)))


@settings(max_examples=30)
@given(trees, trees, st.lists(st.tuples(st.sampled_from(PATHS), contents | st.none()), max_size=3))
def test_a_switch_ends_as_git_checkout_ends_or_changes_nothing(
    git: Git,
    tmp_path_factory: pytest.TempPathFactory,
    old: dict[str, str],
    new: dict[str, str],
    deeds: list[tuple[str, str | None]],
) -> None:
    root = tmp_path_factory.mktemp("tree")
    git("init", "-q", "--template=", cwd=root)
    target, new_tree = commit(git, root, new)
    _, old_tree = commit(git, root, old)
    for path, content in deeds:
        if os.path.lexists(root / path) and ((root / path).is_symlink() or not (root / path).is_dir()):
            (root / path).unlink()
        if content is not None:
            place(root, path, content)
    before = on_disk(root)
    twin = root.with_name(root.name + "-twin")
    shutil.copytree(root, twin, symlinks=True)

    repo = opened(root)
    try:
        checkout_tree(repo, old_tree, new_tree, write_index=True)
    except WouldLose:
        assert on_disk(root) == before
        assert git("checkout", "-q", target, cwd=twin, check=False) == ""
        assert git("rev-parse", "HEAD", cwd=twin) != target or old_tree == new_tree, "Git refuses too"
    else:
        repo.refs.set_head(Oid(bytes.fromhex(target)))
        git("checkout", "-q", target, cwd=twin, check=False)
        if git("rev-parse", "HEAD", cwd=twin) == target:
            assert on_disk(root) == on_disk(twin)
            assert ours(root) == gits(git, twin)
        assert ours(root) == gits(git, root)
        assert not (root / ".git/index.lock").exists()
        git("fsck", "--strict", "--no-dangling", cwd=root)
    finally:
        repo.close()
        shutil.rmtree(root)
        shutil.rmtree(twin)
