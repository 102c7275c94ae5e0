"""Status and snapshot agree with the real Git, whatever was done to the work tree, the index and the ignore rules."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gitstatus import gits, gits_tree, our_tree, ours

Git = Callable[..., str]
PATHS = ("a", "b.txt", "d/a", "d/e/a", "d/e/b", "f", "f/a", "é")


def clear(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    elif os.path.lexists(place):
        place.unlink()


def room(root: Path, path: str) -> Path:
    """A place where a file can be put: nothing is there, and above it are folders."""
    above = root
    for part in path.split("/")[:-1]:
        above = above / part
        if above.is_symlink() or not above.is_dir():
            clear(above)
            above.mkdir()
    clear(root / path)
    return root / path


INDEX_DEEDS = {
    "add": ("add", "-f", "--"),
    "intent": ("add", "-f", "-N", "--"),
    "uncache": ("rm", "-q", "-r", "-f", "--cached", "--"),
    "promise": ("update-index", "--assume-unchanged", "--"),
    "commit": ("commit", "-q", "--allow-empty", "-m"),
    "refresh": ("update-index", "-q", "--refresh", "--"),
}
FILE_DEEDS: dict[str, Callable[[Path, int], object]] = {
    "same": lambda place, _: place.write_bytes(place.read_bytes()),
    "same size": lambda place, _: place.write_bytes(bytes(byte ^ 1 for byte in place.read_bytes())),
    "append": lambda place, _: place.write_bytes(place.read_bytes() + b"more\n"),
    "chmod": lambda place, _: place.chmod(place.stat().st_mode ^ 0o111),
    "touch": lambda place, number: os.utime(place, (number, number)),
}


def do(git: Git, root: Path, deed: str, path: str, number: int) -> None:
    """Does one thing to a path, if it can be done."""
    place = root / path
    if deed in INDEX_DEEDS:
        git(*INDEX_DEEDS[deed], path, cwd=root, check=False)
    elif deed in FILE_DEEDS:
        if place.is_file() and not place.is_symlink():
            FILE_DEEDS[deed](place, number)
    elif deed == "write":
        room(root, path).write_text(f"{number}\n")
    elif deed == "delete":
        clear(place)
    elif deed == "link":
        room(root, path).symlink_to("d/a")
    elif deed == "folder":
        (room(root, path) / "inside").parent.mkdir()
        (place / "inside").write_text("x")
    elif deed in ("ignore", "take back"):
        with (root / ".gitignore").open("a") as file:
            file.write(f"{'!' if deed == 'take back' else ''}{path}\n")
    elif deed == "conflict" and "/" not in path and path != "f":
        blob = git("hash-object", "-w", "--stdin", stdin=b"%d" % number, cwd=root)
        stages = [stage for stage in (1, 2, 3) if number + 1 & stage]
        lines = [f"0 {'0' * 40}\t{path}\n", *(f"100644 {blob} {stage}\t{path}\n" for stage in stages)]
        git("update-index", "--index-info", cwd=root, stdin="".join(lines).encode())


DEEDS = (*INDEX_DEEDS, *FILE_DEEDS, "write", "delete", "link", "folder", "ignore", "take back", "conflict")
deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.sampled_from(PATHS)), min_size=1, max_size=14)


@settings(max_examples=50)
@given(deeds)
def test_lists_and_trees_are_those_of_git_after_any_deeds(
    git: Git, tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    git("init", "-q", "--template=", cwd=root)
    for number, path in enumerate(path for path in PATHS if path != "f/a"):
        room(root, path).write_text(f"first {number}\n")
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "first", cwd=root)
    for number, (deed, path) in enumerate(deeds):
        do(git, root, deed, path, number)

    trees = [our_tree(root, untracked=untracked) for untracked in (False, True)]
    found = ours(root)
    assert found == gits(git, root)
    scratch = root.with_name(root.name + ".index")
    assert trees == [gits_tree(git, root, untracked=untracked, scratch=scratch) for untracked in (False, True)]
    assert found == ours(root), "also after Git refreshed its index"
    git("fsck", "--strict", "--no-dangling", cwd=root)
    shutil.rmtree(root)
