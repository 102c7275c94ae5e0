"""What the ignore rules say, one rule of the grammar at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.engine.ignore import IgnoreRules, parse


def rules(*lines: str, **files: str) -> IgnoreRules:
    """Rules of a root pattern file, and of others by their folder's name."""
    contents = {".gitignore": "\n".join(lines).encode()}
    contents.update({f"{folder.replace('__', '/')}/.gitignore": text.encode() for folder, text in files.items()})
    return IgnoreRules("/nowhere", read=contents.get)


@pytest.mark.parametrize(
    ("line", "path", "is_dir", "expected"),
    [
        ("*.pyc", "a/b/c.pyc", False, True),
        ("*.pyc", "c.pyo", False, False),
        ("build", "x/build/y", False, True),
        ("build/", "build", False, False),
        ("build/", "build", True, True),
        ("/build", "x/build", True, False),
        ("x/build", "y/x/build", True, False),
        ("**/logs", "a/b/logs", True, True),
        ("logs/**", "logs", True, False),
        ("logs/**", "logs/a/b", False, True),
        ("a/**/b", "a/b", False, True),
        ("a/**/b", "a/x/y/b", False, True),
        ("a*b", "a/b", False, False),
        ("x/a*b", "x/a/b", False, False),
        ("?.c", "é.c", False, False),
        ("??.c", "é.c", False, True),
        ("[a-c]x", "bx", False, True),
        ("[!a-c]x", "bx", False, False),
        ("[]]x", "]x", False, True),
        ("[[:digit:]]x", "7x", False, True),
        ("[[:nothing:]]x", ":x", False, False),
        ("[ab", "[ab", False, False),
        ("\\#a", "#a", False, True),
        ("#a", "#a", False, False),
        ("\\!a", "!a", False, True),
        ("a\\*", "a*", False, True),
        ("a\\*", "ab", False, False),
        ("a   ", "a", False, True),
        ("a\\ ", "a ", False, True),
        ("a\t", "a", False, False),
        ("a\r", "a", False, True),
        ("\ufeffa", "a", False, True),
        ("/", "a", True, False),
        ("!", "a", True, False),
        ("a\\", "a\\", False, False),
    ],
)
def test_one_pattern_says(line: str, path: str, is_dir: bool, expected: bool) -> None:
    assert rules(line).ignored(path, is_dir) is expected


def test_the_last_line_that_matches_wins() -> None:
    assert not rules("*.csv", "!keep.csv").ignored("keep.csv")
    assert rules("!keep.csv", "*.csv").ignored("keep.csv")


def test_nothing_is_taken_back_in_below_an_ignored_folder() -> None:
    assert rules("data/", "!data/keep.csv", data="!keep.csv").ignored("data/keep.csv")


def test_a_nearer_pattern_file_wins_over_one_above() -> None:
    found = rules("*.csv", a="!*.csv", a__b="x.csv")
    assert not found.ignored("a/y.csv")
    assert found.ignored("a/b/x.csv")
    assert not found.ignored("a/b/y.csv")
    assert found.ignored("y.csv")


def test_a_pattern_file_speaks_about_paths_below_its_own_folder() -> None:
    found = rules(a="/b/x\né/y")
    assert found.ignored("a/b/x")
    assert not found.ignored("b/x")
    assert not found.ignored("a/a/b/x")


def test_pattern_files_of_the_tree_win_over_those_outside_it_and_a_later_one_of_those_over_an_earlier() -> None:
    read = {".gitignore": b"!a"}.get
    found = IgnoreRules("/nowhere", outer=[b"a\nb\nc", b"!b"], read=read)
    assert [name for name in "abc" if found.ignored(name)] == ["c"]


def test_no_pattern_file_takes_back_what_is_always_ignored() -> None:
    found = IgnoreRules("/nowhere", always=(".assay/",), read={".gitignore": b"!.assay\n!.assay/"}.get)
    assert found.ignored(".assay", True)
    assert found.ignored("sub/.assay/tmp")
    assert not found.enter("sub/.assay")
    assert found.enter("sub")


def test_a_folder_may_have_pattern_files_of_several_names_and_the_later_name_wins() -> None:
    read = {".gitignore": b"a", ".dvcignore": b"!a\nb"}.get
    found = IgnoreRules("/nowhere", (".gitignore", ".dvcignore"), read=read)
    assert not found.ignored("a")
    assert found.ignored("b")


def test_pattern_files_below_an_ignored_folder_are_not_read() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return b"out/" if path == ".gitignore" else None

    assert IgnoreRules("/nowhere", read=read).ignored("out/deep/file")
    assert asked == [".gitignore"]


def test_each_pattern_file_is_read_once_and_only_when_its_folder_is_asked_about() -> None:
    asked: list[str] = []
    found = IgnoreRules("/nowhere", read=asked.append)
    for name in ("a/x", "a/y", "a/b/z"):
        found.ignored(name)
    assert asked == [".gitignore", "a/.gitignore", "a/b/.gitignore"]


def test_a_pattern_file_that_is_a_symlink_a_folder_or_a_pipe_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("*")
    (tmp_path / ".gitignore").symlink_to("real")
    (tmp_path / "a" / ".gitignore").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / ".gitignore")
    found = IgnoreRules(str(tmp_path))
    assert not any(found.ignored(path) for path in ("x", "a/x", "b/x"))


def test_names_that_are_not_utf8_are_matched_by_their_bytes() -> None:
    found = IgnoreRules("/nowhere", read={".gitignore": b"?\xff.bin"}.get)
    assert found.ignored("a\udcff.bin")


def test_case_counts_only_where_the_repository_says_so(git: Callable[..., str], tmp_path: Path) -> None:
    text = b"ABC\n*.LOG\n/Some/Path\n[A-C]x?\n\xc3\x89\n"
    names = ("abc", "x.log", "some/path", "bxy", "é")
    git("init", "-q")
    (tmp_path / ".gitignore").write_bytes(text)
    for flag in (True, False):
        asked = "\0".join(names).encode()
        answer = git("-c", f"core.ignoreCase={flag}", "check-ignore", "--stdin", "-z", stdin=asked, check=False)
        found = IgnoreRules(str(tmp_path), ignore_case=flag)
        assert [name for name in names if found.ignored(name)] == answer.split("\0")[:-1]


def test_a_comment_and_an_empty_line_hold_no_pattern() -> None:
    assert parse(b"# words\n\n   \n!\n/\nx\n") == parse(b"x")
