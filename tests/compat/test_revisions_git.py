"""Names of commits mean what `git rev-parse` says they mean."""

from __future__ import annotations

import itertools
import subprocess

import pytest

from assay.engine.errors import UnknownRevision
from assay.engine.git.repository import Repository
from assay.engine.git.revisions import resolve


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """A history with a merge, branches, tags and remotes whose names get in each other's way."""
    folder = tmp_path_factory.mktemp("repo")
    identity = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]

    def git(*words):
        done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    for number in range(4):
        git("commit", "-q", "--allow-empty", "-m", str(number))
        git("branch", f"b{number}")
    git("checkout", "-q", "-b", "side", "b1")
    git("commit", "-q", "--allow-empty", "-m", "side")
    git("merge", "-q", "-m", "merge", "b2")
    git("merge", "-q", "--no-ff", "-m", "again", "main")
    git("tag", "light", "b0")
    git("tag", "-a", "heavy", "-m", "heavy", "b1")
    git("tag", "-a", "nested", "-m", "nested", "heavy")
    git("tag", "tree", "HEAD^{tree}")
    git("branch", "both", "b0")
    git("tag", "-a", "both", "-m", "both", "b1")
    git("update-ref", "refs/both", "b2")
    git("update-ref", "refs/remotes/origin/main", "b2")
    git("update-ref", "refs/remotes/origin/both", "b3")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git("branch", "abcd", "b1")
    git("branch", "x/y", "b1")
    git("update-ref", "ORIG_HEAD", "b0")
    git("update-ref", "refs/exps/aa/bb/e", "b0")
    git("branch", git("rev-parse", "b3"), "b0")
    git("pack-refs", "--all")
    git("branch", "-f", "b0", "b1")
    opened = Repository.open(str(folder / ".git"))
    yield opened
    opened.close()


def by_git(repo, texts):
    """The commit that Git finds for each text, None where it finds none."""
    lines = "".join(f"{text}^{{commit}}\n" for text in texts)
    command = ["git", "cat-file", "--batch-check=%(objectname)"]
    done = subprocess.run(command, cwd=repo.git_dir, input=lines, capture_output=True, text=True, check=True)
    return [None if " " in line else line for line in done.stdout.splitlines()]


def ours(repo, text):
    try:
        return resolve(repo, text).hex()
    except UnknownRevision:
        return None


NAMES = [
    "HEAD", "@", "main", "side", "b0", "light", "heavy", "nested", "both", "heads/both", "tags/both", "refs/both",
    "refs/heads/both", "refs/tags/both", "origin", "origin/main", "origin/HEAD", "remotes/origin/both", "origin/both",
    "abcd", "x/y", "x", "ORIG_HEAD", "exps/aa/bb/e", "refs/exps/aa/bb/e", "refs/exps/aa", "tree", "none", "b9", "HEADS",
    "refs", "heads", "refs/heads", "MERGE_HEAD", "@@",
]  # fmt: skip
STEPS = ["", "~", "^", "~0", "~2", "^0", "^1", "^2", "^3", "^^", "~1^2", "^2~1", "^{}", "^{commit}", "^{commit}~1",
         "~9", "^2^2", "~1~1", "^0~0^{}"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_with_steps(repo, name):
    texts = [name + step for step in STEPS]
    assert dict(zip(texts, (ours(repo, text) for text in texts), strict=True)) == dict(
        zip(texts, by_git(repo, texts), strict=True)
    )


def test_every_length_of_every_id(repo):
    command = ["git", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]
    ids = subprocess.run(command, cwd=repo.git_dir, capture_output=True, text=True, check=True).stdout.split()
    texts = [oid[:length] for oid, length in itertools.product(ids, (3, 4, 5, 7, 39, 40))]
    texts += [text.upper() for text in texts]
    assert [ours(repo, text) for text in texts] == by_git(repo, texts)
    assert len(ids) > 10


@pytest.mark.parametrize("kind", ["tree", "blob", "tag"])
def test_what_leads_to_something_else_than_a_commit_is_refused(repo, kind):
    assert ours(repo, f"heavy^{{{kind}}}") is None


@pytest.mark.parametrize(
    "text", ["", "^", "~", "-", "--all", "main main", "main/", "/main", "main.lock", ".", "HEAD.", "^main"]
)
def test_odd_words(repo, text):
    assert ours(repo, text) is None
