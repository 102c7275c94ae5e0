"""Which lines of .dvcignore files speak about a path."""

from __future__ import annotations

import pytest

from assay.engine.data.ignored import explain


@pytest.fixture
def rules(built):
    built.write({".dvcignore": "*.log\n# words\n!keep.log\n/out/\nw\u00f6rter\n", "sub/.dvcignore": "*.txt\n/log\n"})
    return built.project


@pytest.mark.parametrize(
    ("path", "ignored", "lines"),
    [
        ("a.log", True, [(".dvcignore", 1)]),
        ("keep.log", False, [(".dvcignore", 1), (".dvcignore", 3)]),
        ("sub/keep.log", False, [(".dvcignore", 1), (".dvcignore", 3)]),
        ("sub/a.txt", True, [("sub/.dvcignore", 1)]),
        ("a.txt", False, []),
        ("sub/log", True, [("sub/.dvcignore", 2)]),
        ("sub/deep/log", False, []),
        ("out/a.txt", True, [(".dvcignore", 4)]),
        ("w\u00f6rter", True, [(".dvcignore", 5)]),
    ],
)
def test_the_last_line_decides(rules, path, ignored, lines):
    found = explain(rules, path, is_dir=False)
    assert (found.ignored, [(line.file, line.number) for line in found.lines]) == (ignored, lines)


def test_a_line_about_folders_is_not_about_files(rules):
    assert explain(rules, "out", is_dir=True).ignored
    assert not explain(rules, "out", is_dir=False).ignored


def test_what_is_built_in_has_no_file(rules):
    found = explain(rules, ".git/config", is_dir=False)
    assert found.ignored
    assert [(line.file, line.text) for line in found.lines] == [("", ".git/")]
