"""Cached outputs are kept out of Git, by lines that are added and taken out, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.engine.errors import Refused
from assay.engine.ignore import IgnoreRules
from assay.engine.pipeline.gitignore import ignore, line_for, without_lines


def test_each_folder_gets_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert ignore(str(tmp_path), ["a", "sub/b", "c"]) == [".gitignore", "sub/.gitignore"]
    assert (tmp_path / ".gitignore").read_text() == "/a\n/c\n"
    assert (tmp_path / "sub/.gitignore").read_text() == "/b\n"


def test_every_byte_that_was_there_stays(tmp_path: Path) -> None:
    before = b"# \xff comment\r\n*.pyc\n\nlast without end"
    (tmp_path / ".gitignore").write_bytes(before)
    ignore(str(tmp_path), ["a"])
    assert (tmp_path / ".gitignore").read_bytes() == before + b"\n/a\n"


def test_what_is_ignored_already_is_not_added(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.bin\n/data/\n")
    (tmp_path / "data").mkdir()
    assert ignore(str(tmp_path), ["m.bin", "data"]) == []


def test_what_was_taken_back_in_is_ignored_again(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.bin\n!m.bin\n")
    assert ignore(str(tmp_path), ["m.bin"]) == [".gitignore"]


def test_twice_is_once(tmp_path: Path) -> None:
    ignore(str(tmp_path), ["we*ird [x]"])
    assert ignore(str(tmp_path), ["we*ird [x]"]) == []


def test_a_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / ".gitignore").symlink_to("other")
    with pytest.raises(Refused, match="is a symlink"):
        ignore(str(tmp_path), ["a"])
    assert (tmp_path / "other").read_text() == ""


@settings(max_examples=300)
@given(st.text(st.characters(blacklist_characters="/\0\n\r", blacklist_categories=["Cs"]), min_size=1, max_size=12))
def test_a_line_ignores_exactly_its_name(name: str) -> None:
    if name in (".", ".."):
        return
    rules = IgnoreRules("/nowhere", (), outer=(line_for(name).encode(),))
    assert rules.ignored(name)
    assert not rules.ignored("x" + name)
    assert not rules.ignored(name + "x")
    assert not rules.ignored("sub/" + name)


@pytest.mark.parametrize(
    "name", ["plain", "#hash", "!bang", "a b", " lead", "trail ", "two  ", "st*r", "q?", "[x]", "b\\s", "ünï"]
)
def test_git_agrees(tmp_path: Path, git: Callable[..., str], name: str) -> None:
    git("init", "-q")
    ignore(str(tmp_path), [name])
    for other in (name, name + "x", "x" + name):
        (tmp_path / other).write_text("")
    done = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin"], cwd=tmp_path, capture_output=True, check=False,
        input="\0".join([name, name + "x", "x" + name]).encode(),
    )  # fmt: skip
    assert done.stdout == name.encode() + b"\0"


def test_lines_that_say_exactly_these_names_go(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"# mine\n/a\r\n/a*\n*.a\n/a\n!/a\n/\\*b")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/.gitignore").write_bytes(b"/c\n")
    contents = without_lines(str(tmp_path), ["a", "*b", "sub/c", "sub/d", "nowhere/e"])
    assert contents == {".gitignore": b"# mine\n/a*\n*.a\n!/a", "sub/.gitignore": None}


def test_nothing_is_written_where_one_of_them_is_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/.gitignore").symlink_to("../x")
    with pytest.raises(Refused):
        ignore(str(tmp_path), ["a", "sub/b"])
    assert not (tmp_path / ".gitignore").exists()
