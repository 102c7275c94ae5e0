"""engine/git/revisions.py: names people write, and the sentences for those that mean nothing."""

from __future__ import annotations

import pytest

from assay.engine.errors import UnknownRevision
from assay.engine.git.objects import COMMIT, TREE, build_commit
from assay.engine.git.repository import Repository
from assay.engine.git.revisions import resolve
from assay.engine.model import ExpRef, Signature

WHO = Signature("A", "a@b", 1700000000)


@pytest.fixture
def repo(tmp_path):
    repo = Repository.init(str(tmp_path))
    yield repo
    repo.close()


def commit(repo, text, *parents):
    tree = repo.objects.write(TREE, b"")
    return repo.objects.write(COMMIT, build_commit(tree, parents, WHO, WHO, text))


@pytest.fixture
def history(repo):
    """Three commits on main, the ids oldest first."""
    ids = [commit(repo, "0")]
    ids += [commit(repo, "1", ids[0])]
    ids += [commit(repo, "2", ids[1])]
    put(repo, "refs/heads/main", ids[2])
    return ids


def put(repo, name, oid):
    with repo.refs.transaction() as change:
        change.put(name, oid)


def refused(repo, text):
    with pytest.raises(UnknownRevision) as caught:
        resolve(repo, text)
    return f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "number"), [("HEAD", 2), ("@", 2), ("@~1", 1), ("main^", 1), ("HEAD~2", 0), ("HEAD^^", 0)]
)
def test_head_branches_and_descent(repo, history, text, number):
    assert resolve(repo, text) == history[number]


def test_ids_full_and_shortened_in_either_case(repo, history):
    text = history[1].hex()
    assert resolve(repo, text) == resolve(repo, text[:8]) == resolve(repo, text.upper()) == history[1]
    assert resolve(repo, text[:8] + "~1") == history[0]


def test_a_shortened_id_has_four_digits(repo, history):
    assert "There is no commit" in refused(repo, history[1].hex()[:3])


def test_an_id_that_several_commits_begin_with_is_ambiguous(repo):
    seen = {}
    for number in range(3000):
        oid = commit(repo, str(number))
        if oid.hex()[:4] in seen:
            break
        seen[oid.hex()[:4]] = oid
    sentence = refused(repo, oid.hex()[:4])
    assert "is the beginning of several commits" in sentence
    assert oid.hex()[:12] in sentence
    assert resolve(repo, oid.hex()[:20]) == oid


def test_an_object_that_is_no_commit_is_named(repo, history):
    tree = repo.objects.write(TREE, b"")
    assert "is not a commit" in refused(repo, tree.hex())
    assert "There is no commit" in refused(repo, tree.hex()[:10])


def test_an_id_that_is_not_there(repo, history):
    assert f"There is no object {'ab' * 20}" in refused(repo, "ab" * 20)


def test_an_experiment_of_the_current_baseline(repo, history):
    one, two = commit(repo, "exp", history[2]), commit(repo, "other", history[1])
    put(repo, ExpRef(history[2], "best").refname, one)
    put(repo, ExpRef(history[1], "best").refname, two)
    put(repo, ExpRef(history[1], "older").refname, two)
    assert resolve(repo, "best") == one
    assert resolve(repo, "older") == two
    assert resolve(repo, "best~1") == history[2]


def test_an_experiment_of_several_other_baselines_is_ambiguous(repo, history):
    for base in history[:2]:
        put(repo, ExpRef(base, "best").refname, commit(repo, "exp", base))
    sentence = refused(repo, "best")
    assert "is the name of several experiments" in sentence
    for base in history[:2]:
        assert ExpRef(base, "best").refname in sentence
        assert resolve(repo, ExpRef(base, "best").refname)


def test_a_branch_comes_before_an_experiment_of_that_name(repo, history):
    put(repo, ExpRef(history[2], "best").refname, commit(repo, "exp", history[2]))
    put(repo, "refs/heads/best", history[0])
    assert resolve(repo, "best") == history[0]


def test_refs_of_dvc_that_are_not_experiments_are_no_experiments(repo, history):
    put(repo, "refs/exps/exec/EXEC_HEAD", history[0])
    put(repo, "refs/exps/stash", history[0])
    assert "There is no commit" in refused(repo, "EXEC_HEAD")
    assert "There is no commit" in refused(repo, "stash")
    assert resolve(repo, "refs/exps/stash") == history[0]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("HEAD:file", "a path inside a commit"), ("a..b", "a range"), ("@{u}", "reflog"),
     ("main@{upstream}", "upstream"), ("HEAD@{1}", "reflog"), ("HEAD^{/text}", "search in messages"),
     (":/text", "a path"), ("HEAD^@", "several commits"), ("../HEAD", "a range"),
     ("HEAD^{tree}", "does not ask for a commit")],
)  # fmt: skip
def test_what_is_not_one_commit_is_refused_in_one_sentence(repo, history, text, meaning):
    assert meaning in refused(repo, text)


def test_beyond_the_first_commit(repo, history):
    assert "is the first of its history" in refused(repo, "HEAD~3")
    assert "has no parent number 2" in refused(repo, "HEAD^2")


def test_beyond_a_shallow_clone(repo, history):
    with open(f"{repo.git_dir}/shallow", "w") as file:
        file.write(history[1].hex() + "\n")
    assert resolve(repo, "HEAD~1") == history[1]
    assert "shallow clone" in refused(repo, "HEAD~2")


def test_a_repository_without_commits_says_so(repo):
    assert "HEAD has no commit yet" in refused(repo, "HEAD")
    assert "HEAD has no commit yet" in refused(repo, "@~1")


def test_an_unknown_name_is_answered_with_near_ones(repo, history):
    put(repo, ExpRef(history[2], "quick-fox").refname, history[2])
    put(repo, "refs/tags/v1.0", history[2])
    put(repo, "refs/remotes/origin/feature", history[2])
    assert "Did you mean quick-fox?" in refused(repo, "quick-fix")
    assert "Did you mean v1.0?" in refused(repo, "v1.1")
    assert "origin/feature" in refused(repo, "origin/featur")
    assert "main" in refused(repo, "mian")
    assert "`assay list`" in refused(repo, "zzzzzzzz")


@pytest.mark.parametrize("text", ["", "~1", "^", "--flag", "/HEAD", "/etc/passwd", "\0", "config", "a b"])
def test_odd_words_are_unknown_and_nothing_worse(repo, history, text):
    assert "There is no commit" in refused(repo, text)
