"""engine/git/refs.py: reading refs, loose and packed, symbolic, in linked worktrees."""

from __future__ import annotations

import os

import pytest

from assay.engine.errors import GitError
from assay.engine.git.packedrefs import HEADER
from assay.engine.git.refs import RefStore
from assay.engine.model import Oid

A, B, C = (Oid(bytes([number]) * 20) for number in (1, 2, 3))


@pytest.fixture
def git_dir(tmp_path):
    (tmp_path / "refs/heads").mkdir(parents=True)
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    return tmp_path


@pytest.fixture
def store(git_dir):
    return RefStore(str(git_dir), str(git_dir))


def loose(git_dir, name, value):
    path = git_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{value.hex()}\n" if isinstance(value, bytes) else f"ref: {value}\n")


def packed(git_dir, **refs):
    lines = sorted(f"{value.hex()} {name}\n" for name, value in refs.items())
    lines.sort(key=lambda line: line[41:])
    (git_dir / "packed-refs").write_bytes(HEADER + "".join(lines).encode())


def test_a_ref_is_read_from_its_file(store, git_dir):
    loose(git_dir, "refs/heads/main", A)
    assert store.read("refs/heads/main") == A


def test_a_ref_without_a_file_is_read_from_packed_refs(store, git_dir):
    packed(git_dir, **{"refs/heads/main": A})
    assert store.read("refs/heads/main") == A


def test_the_file_wins_over_packed_refs(store, git_dir):
    packed(git_dir, **{"refs/heads/main": A})
    loose(git_dir, "refs/heads/main", B)
    assert store.read("refs/heads/main") == B
    assert list(store.iterate()) == [("refs/heads/main", B)]


def test_packed_refs_that_another_process_replaced_is_read_again(store, git_dir):
    packed(git_dir, **{"refs/heads/main": A})
    assert store.read("refs/heads/main") == A
    os.unlink(git_dir / "packed-refs")
    assert store.read("refs/heads/main") is None
    packed(git_dir, **{"refs/heads/main": B})
    assert store.read("refs/heads/main") == B


def test_what_is_not_there_is_none(store):
    assert store.read("refs/heads/none") is None
    assert store.read("refs/heads") is None
    assert store.read("ORIG_HEAD") is None


@pytest.mark.law(5)
@pytest.mark.parametrize(
    "name", ["config", "../HEAD", "refs/../../etc/passwd", "refs/heads/../../config", "/etc/passwd", ""]
)
def test_a_name_that_no_ref_can_have_reads_no_file(store, name):
    assert store.read(name) is None
    assert list(store.iterate(name + "/")) == []


def test_head_leads_to_its_branch(store, git_dir):
    assert (store.symbolic("HEAD"), store.read("HEAD")) == ("refs/heads/main", None)
    loose(git_dir, "refs/heads/main", A)
    assert store.read("HEAD") == A
    assert store.resolve("HEAD") == ("refs/heads/main", A)
    assert store.symbolic("refs/heads/main") is None


def test_a_detached_head_is_not_symbolic(store, git_dir):
    loose(git_dir, "HEAD", B)
    assert (store.symbolic("HEAD"), store.read("HEAD")) == (None, B)


def test_a_head_that_is_a_symlink_is_symbolic(store, git_dir):
    os.unlink(git_dir / "HEAD")
    os.symlink("refs/heads/main", git_dir / "HEAD")
    loose(git_dir, "refs/heads/main", A)
    assert (store.symbolic("HEAD"), store.read("HEAD")) == ("refs/heads/main", A)


def test_symbolic_refs_that_go_round_are_an_error(store, git_dir):
    loose(git_dir, "refs/heads/a", "refs/heads/b")
    loose(git_dir, "refs/heads/b", "refs/heads/a")
    with pytest.raises(GitError, match="leads to no end"):
        store.read("refs/heads/a")
    assert list(store.iterate()) == []


@pytest.mark.parametrize(
    "content", ["", "not an id\n", "ab" * 19 + "\n", "ab" * 20 + "x", "ref: ../../etc/passwd\n", "ref: \n"]
)
def test_a_damaged_file_is_an_error_and_never_an_older_packed_value(store, git_dir, content):
    packed(git_dir, **{"refs/heads/main": A, "refs/heads/other": B})
    (git_dir / "refs/heads/main").write_text(content)
    with pytest.raises(GitError, match="The ref refs/heads/main is damaged"):
        store.read("refs/heads/main")
    assert list(store.iterate()) == [("refs/heads/other", B)]


def test_fetch_head_is_read_up_to_its_first_id(store, git_dir):
    (git_dir / "FETCH_HEAD").write_text(f"{A.hex()}\t\tbranch 'main' of /somewhere\n")
    assert store.read("FETCH_HEAD") == A


def test_listing_merges_both_in_order(store, git_dir):
    packed(git_dir, **{"refs/heads/b": A, "refs/heads/d": A, "refs/tags/t": C})
    loose(git_dir, "refs/heads/c", B)
    loose(git_dir, "refs/heads/a", B)
    assert [name for name, _ in store.iterate("refs/heads/")] == [f"refs/heads/{letter}" for letter in "abcd"]
    assert len(list(store.iterate())) == 5


def test_listing_takes_the_beginning_of_a_name(store, git_dir):
    packed(git_dir, **{"refs/heads/feature": A, "refs/heads/fix": A})
    loose(git_dir, "refs/heads/feat", B)
    assert [name for name, _ in store.iterate("refs/heads/fe")] == ["refs/heads/feat", "refs/heads/feature"]


def test_listing_leaves_out_locks_hidden_files_and_dangling_symbolic_refs(store, git_dir):
    loose(git_dir, "refs/heads/main", A)
    loose(git_dir, "refs/heads/main.lock", B)
    loose(git_dir, "refs/heads/.hidden", B)
    loose(git_dir, "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert list(store.iterate()) == [("refs/heads/main", A)]
    loose(git_dir, "refs/remotes/origin/main", B)
    assert ("refs/remotes/origin/HEAD", B) in list(store.iterate())


def test_refs_of_one_leaf_are_found_loose_and_packed(store, git_dir):
    packed(git_dir, **{"refs/exps/aa/b/one": A, "refs/exps/aa/b/two": A, "refs/heads/one": A})
    loose(git_dir, "refs/exps/cc/d/one", B)
    assert store.named("one", "refs/exps/") == ["refs/exps/aa/b/one", "refs/exps/cc/d/one"]


def test_bytes_that_are_not_utf8_travel_both_ways(store, git_dir):
    name = "refs/heads/\udcff"
    (git_dir / "packed-refs").write_bytes(HEADER + A.hex().encode() + b" refs/heads/\xff\n")
    loose(git_dir, "refs/heads/a", B)
    assert store.read(name) == A
    assert list(store.iterate()) == [("refs/heads/a", B), (name, A)]


@pytest.fixture
def linked(git_dir):
    """A linked worktree's store, and the main one."""
    own = git_dir / "worktrees/w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    return RefStore(str(own), str(git_dir))


def test_a_linked_worktree_has_its_own_head_and_everybodys_branches(store, linked, git_dir):
    loose(git_dir, "refs/heads/side", A)
    loose(git_dir, "refs/heads/main", B)
    assert (linked.read("HEAD"), store.read("HEAD")) == (A, B)
    assert linked.read("refs/heads/main") == B


def test_bisect_and_worktree_refs_belong_to_one_worktree(store, linked, git_dir):
    loose(git_dir, "refs/bisect/bad", A)
    loose(git_dir / "worktrees/w", "refs/bisect/good", B)
    loose(git_dir / "worktrees/w", "refs/heads/not-there", B)
    assert list(linked.iterate()) == [("refs/bisect/good", B)]
    assert list(store.iterate()) == [("refs/bisect/bad", A)]


def test_it_can_be_closed_and_read_again(store, git_dir):
    packed(git_dir, **{"refs/heads/main": A})
    store.read("refs/heads/main")
    store.close()
    assert store.read("refs/heads/main") == A
