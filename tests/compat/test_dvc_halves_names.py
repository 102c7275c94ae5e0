"""Directories whose files have odd names, or that have very many: the same listing and objects, whoever writes them."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.halves import all_ways, picture

ODD = [
    "two words", " lead", "trail ", "tab\there", "new\nline", "quote\"'", "back\\slash", "né", "ne\u0301", "日本", "😀",
    "a.b.c", "-dash", "--", "#hash", "50%", "[x]", "{y}", "*", "?", "~", "$HOME", "a&b", "a;b", "a=b,c", "UP", "up",
    "deep/er/one", "deep/two words/né", "x" * 200, "10", "9", "_", "\x7f", "\x01", "\u2028", "con", "a:b", "null",
]  # fmt: skip


def test_files_of_any_name_in_data_and_in_an_output(both):
    pipeline = "stages:\n  copy:\n    cmd: cp -r data out\n    deps:\n    - data\n    outs:\n    - out\n"
    files = {f"data/{name}": name for name in ODD}
    steps = [
        files,
        ["add", "data"],
        ["repro"],
        {"out": None, "data": None},
        ["checkout"],
        {f"data/{ODD[4]}": "changed", f"data/{ODD[0]}": None},
        ["add", "data"],
        ["repro"],
        ["status"],
    ]
    for root in all_ways(both, {"dvc.yaml": pipeline}, steps).values():
        listings = (root / ".dvc/cache/files/md5").rglob("*.dir")
        names = [{item["relpath"] for item in json.loads(path.read_bytes())} for path in listings]
        assert sorted(map(len, names)) == [len(ODD) - 1, len(ODD)]
        assert set(ODD) in names


@pytest.mark.parametrize("name", ["日本.csv", "[x].csv", "#1.csv", "a b/it's.csv"])
def test_single_files_of_any_name(both, name):
    steps = [{name: "1\n"}, ["add", name], {name: None}, ["checkout"]]
    all_ways(both, {}, steps)


TEN_THOUSAND = """\
stages:
  many:
    cmd: mkdir -p $(printf 'many/%s ' a b c/d) && awk -f many.awk
    deps:
    - many.awk
    outs:
    - many
"""
MANY_AWK = """\
BEGIN {
    split("a b c/d", folders, " ")
    for (i = 0; i < 10000; i++) {
        file = "many/" folders[i % 3 + 1] "/" i ".txt"
        print i % 50 > file
        close(file)
    }
}
"""


@pytest.mark.slow
def test_ten_thousand_files_in_one_directory(both):
    theirs = both.make({"dvc.yaml": TEN_THOUSAND, "many.awk": MANY_AWK})
    ours = both.twin(theirs, "ours")
    both.does("D", theirs, "repro")
    both.does("A", ours, "repro")
    assert picture(ours) == picture(theirs)
    assert both.does("D", ours, "status").strip() == "Data and pipelines are up to date."
    shutil.rmtree(theirs / "many")
    both.does("A", theirs, "checkout")
    assert picture(ours) == picture(theirs)
