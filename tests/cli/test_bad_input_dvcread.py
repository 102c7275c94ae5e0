"""Bad input to `assay-dvc exp show`, `list` and `diff`: one sentence, the right exit code, nothing changed."""

from __future__ import annotations

import pytest

from assay.engine.git.repository import Repository
from tests.dvchistory import BASE, History
from tests.filetree import picture


@pytest.fixture
def root(tmp_path):
    """A DVC project with one experiment, made without DVC."""
    (tmp_path / "project").mkdir()
    Repository.init(str(tmp_path / "project")).close()
    history = History(tmp_path / "project", BASE)
    history.experiments(history.first, {"one": {"params.yaml": "lr: word\n"}, "two": {}})
    history.repo.close()
    return tmp_path / "project"


@pytest.fixture
def refused(assay_dvc, root):
    """Runs a command that must fail with a code and words, and leave the project as it was."""

    def check(code, words, *says):
        before = picture(root)
        said = assay_dvc(*words.split(), cwd=root, code=code)
        assert said.out == ""
        assert said.err.count("ERROR: ") == 1
        for text in says:
            assert text in said.err
        assert picture(root) == before

    return check


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("exp show --rev nope", 1),
        ("exp show --rev HEAD~9", 1),
        ("exp show --rev main..one --json", 1),
        ("exp diff nope", 1),
        ("exp diff HEAD nope --json", 1),
        ("exp list --rev nope", 255),
        ("exp list --rev HEAD~9 --name-only", 255),
    ],
)
def test_a_revision_that_is_none(refused, words, code):
    refused(code, words, "unknown Git revision")


def test_names_to_sort_by_that_are_none_or_several(refused):
    refused(255, "exp show --sort-by nope", "Unknown sort column 'nope'")
    refused(255, "exp show --csv --sort-by params.yaml:nope", "Unknown sort column")


@pytest.mark.parametrize("flag", ["--drop", "--keep"])
def test_patterns_that_are_none(refused, flag):
    refused(255, f"exp show {flag} (", "regular expression")


@pytest.mark.parametrize(
    "words",
    [
        "exp show --precision x",
        "exp show --sort-order up",
        "exp show one",
        "exp list --name-only --sha-only",
        "exp diff a b c",
    ],
)
def test_words_that_make_no_command(refused, words):
    refused(254, words)


@pytest.mark.parametrize("words", ["exp show --json", "exp list", "exp diff"])
def test_no_project(assay_dvc, tmp_path, words):
    said = assay_dvc(*words.split(), cwd=tmp_path, code=253)
    assert said.out == ""


def test_numbers_and_words_are_sorted_all_the_same(assay_dvc, root):
    out = assay_dvc("exp", "show", "--csv", "--sort-by", "lr", "--hide-workspace", cwd=root).out
    assert [line.split(",")[0] for line in out.splitlines()[2:]] == ["two", "one"]
