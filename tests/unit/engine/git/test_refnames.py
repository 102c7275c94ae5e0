"""engine/git/refnames.py: which names refs can have, and whose they are."""

from __future__ import annotations

import pytest

from assay.engine.errors import GitError
from assay.engine.git.refnames import (
    ancestors,
    check,
    is_per_worktree,
    is_readable,
    is_valid_experiment_name,
    is_valid_name,
)


@pytest.mark.parametrize("name", ["refs/heads/main", "refs/heads/é", "a/b", "refs/heads/a@b", "refs/x/-", "a/lock"])
def test_valid_names(name):
    assert is_valid_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "main", "/a/b", "a/b/", "a//b", "a/.b", "a/b.", "a/b.lock", "a.lock/b", "a/..", "a/b..c", "a/b c", "a/b~1",
     "a/b^", "a/b:c", "a/b?", "a/*", "a/[b", "a/b\\c", "a/@{b", "a/\x7f", "a/\n", "@", "../../etc/passwd"],
)  # fmt: skip
def test_invalid_names(name):
    assert not is_valid_name(name)


@pytest.mark.parametrize("name", ["exp-1", "lr=0.1", "größer", "-x", "@a"])
def test_experiments_can_have_the_last_part_of_a_ref_name(name):
    assert is_valid_experiment_name(name)


@pytest.mark.parametrize("name", ["", "@", "a/b", "a b", ".a", "a.", "a.lock", "a..b", "a~1", "a:b"])
def test_an_experiment_name_has_no_slash_and_nothing_git_refuses(name):
    assert not is_valid_experiment_name(name)


@pytest.mark.parametrize("name", ["HEAD", "ORIG_HEAD", "refs/heads/main", "refs/stash"])
def test_what_can_be_read_as_a_ref(name):
    assert is_readable(name)


@pytest.mark.parametrize("name", ["config", "objects/info", "refs/../config", "../HEAD", "/etc/passwd", "HEAD/x", ""])
def test_other_files_of_a_repository_are_not_refs(name):
    assert not is_readable(name)
    with pytest.raises(GitError, match="not a name that a ref can have"):
        check(name)


@pytest.mark.parametrize(
    ("name", "own"),
    [("HEAD", True), ("refs/bisect/bad", True), ("refs/worktree/x", True), ("refs/heads/main", False),
     ("refs/bisectors", False)],
)  # fmt: skip
def test_which_refs_each_worktree_has_of_its_own(name, own):
    assert is_per_worktree(name) is own


def test_ancestors_are_the_names_that_cannot_exist_beside_one():
    assert ancestors("refs/exps/ab/cd/x") == ["refs/exps/ab/cd", "refs/exps/ab", "refs/exps"]
    assert ancestors("refs/stash") == []
    assert ancestors("HEAD") == []
