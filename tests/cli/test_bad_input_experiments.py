"""Bad input to the verbs about experiments: one sentence, the right exit code, nothing changed."""

from __future__ import annotations

import pytest

from tests.cli.test_bad_input import refused

__all__ = ["refused"]


@pytest.fixture
def two(project, assay):
    """The experiments one and two."""
    assay("save", "-n", "one", "-m", "1", cwd=project)
    assay("save", "-n", "two", "-m", "2", cwd=project)
    return project


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-n", "3"],
        ["--keep"],
        ["one", "-A"],
        ["one", "--rev", "HEAD"],
        ["one", "--where", "name = 'one'"],
        ["-A", "--rev", "HEAD"],
        ["--keep", "--where", "name = 'nobody'"],
        ["--where", "name ="],
        ["-A", "--where", "nothing.like.it = 1"],
        ["--num", "x"],
    ],
)
def test_a_selection_that_is_none(refused, two, words):
    refused(two, 254, "remove", *words)


@pytest.mark.parametrize("words", [["one", "tow"], ["--keep", "tow"], ["", "one"], ["refs/heads/main"], ["one/"]])
def test_an_unknown_experiment_stops_all_of_it(refused, two, words):
    refused(two, 255, "remove", *words, says=["nothing was changed"])


def test_an_unknown_revision(refused, two):
    refused(two, 255, "remove", "--rev", "nowhere", says=["nowhere"])


@pytest.mark.parametrize("name", ["a/b", "a..b", "a b", "a~1", "", "x.lock", "@{", "two words"])
def test_a_forbidden_new_name(refused, two, name):
    refused(two, 254, "rename", "one", name)


def test_a_new_name_that_is_taken(refused, two):
    refused(two, 1, "rename", "one", "two", says=["'two'", "-f"])
    refused(two, 1, "rename", "one", "one", says=["already"])


def test_renaming_what_is_not_there(refused, two):
    refused(two, 255, "rename", "tow", "x", says=["tow", "two"])
    refused(two, 255, "rename", "main", "x", says=["main"])
    refused(two, 254, "rename", "one")
