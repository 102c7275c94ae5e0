"""`assay-dvc add`, `commit`, `checkout`, `move`, `remove`, `config`, `check-ignore` do and print what DVC's do."""

from __future__ import annotations

import os
import time

import pytest

from tests.dvcsides import Sides
from tests.filetree import write


@pytest.fixture(scope="module")
def made(dvc_process):
    """A project with added data and one stage that ran."""
    root = dvc_process.new()
    write(root, {"d/1": "1\n", "d/2": "2\n", "s.txt": "9\n", "sub/s2.txt": "8\n", "a.txt": "hello\n"})
    stage = "stages:\n  one:\n    cmd: cat a.txt > b.txt\n    deps:\n    - a.txt\n    outs:\n    - b.txt\n"
    write(root, {"dvc.yaml": stage})
    assert dvc_process.run(root, "add", "d", "s.txt", "sub/s2.txt").code == 0
    assert dvc_process.run(root, "repro").code == 0
    return root


@pytest.fixture
def sides(dvc_process, assay_dvc, made, tmp_path):
    return Sides(dvc_process, assay_dvc, made, tmp_path)


@pytest.fixture
def empty(dvc_process, assay_dvc, tmp_path):
    return Sides(dvc_process, assay_dvc, dvc_process.new(), tmp_path)


def test_adding_tells_what_git_should_know(empty):
    empty.write({"a b.txt": "1", "d/1": "1", "sub/x": "2"})
    empty.same("add", "a b.txt", "d")
    empty.same("add", "d")
    empty.same("add", "x", cd="sub")
    empty.same("add", "nope")
    empty.same("add", "--no-commit", "sub/x")
    empty.same("add", "-o", "e", "d", "sub")
    empty.same_files()


def test_adding_to_the_index_tells_nothing(empty):
    empty.write({".dvc/config": "[core]\n    autostage = true\n", "x": "1"})
    assert empty.same("add", "x") == ""
    empty.same_files()


def test_committing_is_dvcs(sides):
    sides.same("commit")
    sides.write({"a.txt": "other\n"})
    sides.same("commit")
    sides.same("commit", "nope")
    sides.write({"b.txt": "edited\n", "d/3": "3\n"})
    sides.same("commit", "-f", ordered=True)
    sides.same("status", "--json")
    sides.same_files()


def test_checking_out_tells_what_came(sides):
    sides.same("checkout")
    sides.write({"b.txt": None, "d": None, "sub/s2.txt": None})
    sides.same("checkout", "b.txt", ordered=True)
    sides.same("checkout", "s2.txt", cd="sub")
    sides.same("checkout")
    sides.same("checkout", "nope")
    sides.same_files()


def test_checking_out_over_edits_needs_force(sides):
    sides.write({"s.txt": "edited\n", "d/1": "edited\n"})
    sides.same("checkout", "s.txt")
    sides.same("checkout", "-f")
    sides.same("checkout", "--relink")
    sides.same_files()


@pytest.mark.parametrize(
    "files",
    [{"b.txt": None}, {"d": None, "s.txt": None}, {"d/1": None}, {"d/1": "x\n", "s.txt": None}, {"d/7": "x"}, {}],
    ids=str,
)
def test_a_summary_counts_as_dvc_counts(sides, files):
    sides.write(files)
    sides.same("checkout", "-f", "--summary")


def test_what_the_cache_lacks_fails_unless_it_is_allowed(sides):
    sides.write({".dvc/cache/files": None, "d": None, "b.txt": None})
    sides.same("checkout", "d")
    sides.same("checkout", "--allow-missing")


def test_moving_tells_what_git_should_know(sides):
    sides.write({"into/x": "1"})
    sides.same("move", "s.txt", "into/s.txt")
    sides.same("move", "sub/s2.txt", "t.txt")
    sides.same("move", "d", "into")
    sides.same("move", "nope", "x")
    sides.same("move", "b.txt", "x")
    sides.same_files()


def test_removing_is_dvcs(sides):
    sides.same("remove", "s.txt.dvc")
    sides.same("remove", "s2.txt.dvc", "--outs", cd="sub")
    sides.same("remove", "nope")
    sides.same("remove", "nope.dvc")
    sides.same("remove", "d")
    sides.same_files()


def test_unprotecting_says_nothing(sides):
    assert sides.same("unprotect", "d", "s.txt") == ""


def age(sides):
    """Makes everything in both caches old enough to be collected."""
    then = time.time() - 7200
    for root in (sides.theirs, sides.ours):
        for path in (root / ".dvc/cache").rglob("*"):
            os.utime(path, (then, then))


def test_collecting_says_how_much_went(sides, dvc_process, assay_dvc):
    sides.write({"s.txt": "new\n"})
    sides.same("add", "s.txt")
    age(sides)
    first = "Removed 1 objects from repo cache."
    for words in (["--dry"], ["-f"]):
        assert assay_dvc("gc", "-w", *words, cwd=sides.ours).out.splitlines() == [first]
    sides.same_files()
    assert dvc_process.run(sides.theirs, "gc", "-w", "-f").out.splitlines()[0] == first
    objects = [
        sorted(path.name for path in (root / ".dvc/cache/files").rglob("*") if path.is_file())
        for root in (sides.theirs, sides.ours)
    ]
    assert objects[0] == objects[1]


def test_collecting_without_a_word_on_what_to_keep_fails(sides):
    sides.same("gc")
    sides.same("gc", "-n", "2", "-f")


SETTINGS = [
    ["core.autostage", "true"],
    ["core.autostage"],
    ["core.nope"],
    ["core.nope", "x"],
    ["core.autostage", "maybe"],
    ["core.remote", "up"],
    ["--local", "cache.type", "hardlink,copy"],
    ["cache.type"],
    ["--list"],
    ["--list", "--show-origin"],
    ["--show-origin", "cache.type"],
    ["--local", "core.remote"],
    ["--project", "core.remote"],
    ["remote.up.url", "../up"],
    ["remote.up.url"],
    ["--local", "cache.dir", "../cache"],
    ["cache.dir"],
    ["-l"],
    ["-u", "core.remote"],
    ["-u", "core.remote"],
    ["-l", "core.x"],
    [],
    ["remote.nope.url"],
    ["exp.auto_push", "true"],
    ["parsing.bool", "boolean_optional"],
]


def test_settings_are_written_and_read_as_in_dvc(empty):
    for words in SETTINGS:
        empty.same("config", *words)
    empty.same_files()


def test_settings_are_listed_remotes_first(empty):
    text = (
        "[core]\n    remote = b\n['db \"d\"']\n    url = x\n[cache]\n    type = copy\n['remote \"b\"']\n    url = /b\n"
    )
    empty.write({".dvc/config": text})
    assert empty.same("config", "--list", ordered=True).startswith("remote.b.url=")


def test_a_setting_in_a_folder_below_is_relative_to_it(empty):
    empty.write({"sub/x": ""})
    empty.same("config", "cache.dir", "../../c", cd="sub")
    empty.same("config", "-l", "--show-origin", cd="sub")
    empty.same_files()


def test_the_cache_is_where_dvc_has_it(empty):
    empty.write({"sub/x": ""})
    for words in ([], ["--local"], ["-u"], ["--local", "x", "-u"]):
        empty.same("cache", "dir", *words)
    empty.same("cache", "dir", "../../c", cd="sub")
    empty.same("cache", "dir")
    empty.same("cache", "dir", "--project", cd="sub")
    empty.same_files()


IGNORED = [
    ["a.log", "keep.log"],
    ["a.txt"],
    ["-d", "a.log", "keep.log", "mm", "mm/x", "sub/yes", "sub/x", "sub/x/y", "a.txt"],
    ["-d", "-n", "a.txt", "a.log"],
    ["-a", "keep.log"],
    ["-n", "keep.log"],
    ["-q", "-d", "a.log"],
    [],
    [".git/config"],
    ["-d", ".git/config", ".dvc/tmp"],
]


@pytest.mark.parametrize("words", IGNORED, ids=" ".join)
def test_what_is_ignored_is_told_as_dvc_tells_it(empty, words):
    empty.write({".dvcignore": "*.log\n# x\n!keep.log\n/mm/\nsub/x\n", "sub/.dvcignore": "y*\n", "mm/x": ""})
    empty.same("check-ignore", *words, ordered=True)
    empty.same("check-ignore", "-d", "yes", "x", "../a.log", cd="sub", ordered=True)


def test_the_root_is_where_dvc_finds_it(sides):
    sides.same("root")
    sides.same("root", cd="sub")
