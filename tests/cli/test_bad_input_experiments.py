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


@pytest.mark.parametrize("tag", ["", "a b", "a,b", "a\nb", "x" * 101, "a\u202eb", "a\tb"])
def test_a_forbidden_tag(refused, two, tag):
    refused(two, 254, "tag", "one", "fine", tag, says=["cannot be a tag"])


@pytest.mark.parametrize(
    "words",
    [["-d"], ["-d", "one"], ["--where", "name = 'one'"], ["-A", "one", "x"], ["--where", "name", "x"], ["one", "-x"]],
)
def test_tagging_without_enough_words(refused, two, words):
    refused(two, 254, "tag", *words)


def test_taking_off_a_tag_that_is_not_there(refused, two, assay):
    refused(two, 1, "tag", "-d", "one", "best", says=["'best'"])
    assay("tag", "one", "best", cwd=two)
    refused(two, 1, "tag", "-d", "one", "best", "bset", says=["'bset'", "best"])
    refused(two, 1, "tag", "-d", "--where", "name = 'two'", "best", says=["'best'"])


def test_remarks_on_what_is_not_there(refused, two):
    for words in (["tag", "tow", "x"], ["tag", "tow"], ["note", "tow"], ["note", "tow", "-m", "x"]):
        refused(two, 255, *words, says=["tow", "two"])


@pytest.mark.parametrize("text", ["", " \n", "x" * 65_537])
def test_a_note_that_says_nothing_or_too_much(refused, two, text):
    refused(two, 254, "note", "one", "-m", text)


def test_removing_a_note_that_is_not_there(refused, two):
    refused(two, 1, "note", "one", "--remove", says=["no note"])
    refused(two, 254, "note", "one", "--remove", "-m", "x")
    refused(two, 254, "note")


def test_remarks_that_somebody_damaged(refused, two, assay, git):
    assay("tag", "one", "best", cwd=two)
    git("update-ref", "refs/assay/notes", "HEAD", cwd=two)
    assert assay("show", cwd=two).code == 0
    assay("tag", "one", "best", cwd=two)
    blob = git("hash-object", "-w", "--stdin", cwd=two, stdin=b"[]")
    commit = git("rev-parse", "HEAD", cwd=two)
    inner = git("mktree", cwd=two, stdin=f"100644 blob {blob}\t{commit[2:]}\n".encode())
    outer = git("mktree", cwd=two, stdin=f"040000 tree {inner}\t{commit[:2]}\n".encode())
    git("update-ref", "refs/assay/notes", git("commit-tree", outer, "-m", "x", cwd=two), cwd=two)
    assert "not shown" in assay("show", cwd=two).err
    refused(two, 1, "tag", "HEAD", "best", says=["cannot be understood"])
