"""The ignore rules agree with the real Git on generated pattern files and trees."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.ignore import IgnoreRules

NAMES = ("a", "b", "ab", "a.c", "abc", "-x", "é", "a b", "#a", "!a", "A", "foo\\")
PIECES = (
    "a", "b", "ab", "c", ".", "é", "A", "x", "/", "/", "*", "*", "**", "**/", "/**", "?", "??", "[ab]", "[!a]", "[^b]",
    "[a-c]", "[]a]", "[a-]", "[[:alpha:]]", "[[:no:]]", "[[:punct:]x]", "[", "]", "\\", "\\a", "\\*", "-", "!", "#",
    " ", "\\ ",
)  # fmt: skip
HARD = (
    "*/", "!*/", "!a/", "!*", "/*", "!/a", "a/**", "**/a", "**", "a**", "a**/b", "a/**/b", "!a/b", "!ab/**/", "*.c",
    "!a.c", "/", "!", "#a", "\\#a", "\\!a", "a ", "a\\ b", "a\\", "//a", "a//", "!!a", "**/*", "a/*", "!a/*", "[!/]b",
    "a[/]b",
)  # fmt: skip

lines = st.one_of(
    st.sampled_from(HARD),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join),
    st.tuples(st.sampled_from(["!", "/", ""]), st.sampled_from(NAMES), st.sampled_from(["/", "", "*"])).map("".join),
)
pattern_files = st.lists(lines, max_size=6).map(lambda found: "\n".join(found).encode())
folders = st.sampled_from(["", "a", "b", "a/b", "ab", "é"])
trees = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), min_size=1, max_size=12)


def plant(root: Path, tree: list[list[str]], files: dict[str, bytes]) -> list[tuple[str, bool]]:
    """Makes a file at the end of each path where nothing stands in its way, and pattern files in the folders."""
    for names in tree:
        *folders, name = names
        place = root
        for folder in folders:
            place = place / folder
            if place.is_file():
                break
            place.mkdir(exist_ok=True)
        else:
            if not (place / name).exists():
                (place / name).write_bytes(b"")
    for folder, data in files.items():
        if (root / folder).is_dir():
            (root / folder / ".gitignore").write_bytes(data)
    found = []
    for where, folders, names in os.walk(root):
        relative = os.path.relpath(where, root)
        prefix = "" if relative == "." else relative + "/"
        folders[:] = [name for name in folders if name != ".git"]
        found += [(prefix + name, True) for name in folders] + [(prefix + name, False) for name in names]
    return found


@settings(max_examples=250)
@given(trees, st.dictionaries(folders, pattern_files, min_size=1), pattern_files)
def test_every_path_is_ignored_exactly_when_git_ignores_it(
    git: Callable[..., str], tmp_path: Path, tree: list[list[str]], files: dict[str, bytes], exclude: bytes
) -> None:
    root = tmp_path / "tree"
    if not root.exists():
        git("init", "-q", str(root))
    (root / ".git/info/exclude").write_bytes(exclude)
    paths = plant(root, tree, files)

    asked = "\0".join("./" + path for path, _ in paths).encode()
    answer = git("check-ignore", "--stdin", "-z", cwd=root, stdin=asked, check=False)
    expected = {path.removeprefix("./") for path in answer.split("\0") if path}
    rules = IgnoreRules(str(root), outer=[exclude])

    assert {path for path, is_dir in paths if rules.ignored(path, is_dir)} == expected
    for name in set(os.listdir(root)) - {".git"}:
        shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()
