"""engine/git/refpacking.py: loose refs into packed-refs, and nothing lost on the way."""

from __future__ import annotations

import errno
import os

import pytest

from assay.engine import disk
from assay.engine.errors import GitError, Locked, MissingObject
from assay.engine.git import reflocks
from assay.engine.git.objects import COMMIT, TAG
from assay.engine.git.packedrefs import HEADER
from assay.engine.git.refs import RefStore
from assay.engine.model import Oid

A, B, C = (Oid(bytes([number]) * 20) for number in (1, 2, 3))


class Objects:
    """B is an annotated tag of A; C is not there."""

    def read(self, oid):
        if oid == C:
            raise MissingObject("not there")
        return (TAG, b"object %b\ntype commit\ntag t\n\n" % A.hex().encode()) if oid == B else (COMMIT, b"")


@pytest.fixture
def store(tmp_path):
    (tmp_path / "refs/heads").mkdir(parents=True)
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    return RefStore(str(tmp_path), str(tmp_path), Objects)


def put(store, **refs):
    with store.transaction() as change:
        for name, oid in refs.items():
            change.put(name, oid)


def test_loose_refs_move_and_keep_their_values(store, tmp_path):
    put(store, **{"refs/exps/aa/bb/x": A, "refs/exps/aa/bb/y": A, "refs/heads/main": A})
    assert store.pack() == 2
    assert not (tmp_path / "refs/exps/aa").exists()
    assert (tmp_path / "refs/heads/main").exists()
    assert [name for name, _ in store.iterate("refs/exps/")] == ["refs/exps/aa/bb/x", "refs/exps/aa/bb/y"]


def test_a_loose_value_replaces_the_packed_one(store):
    put(store, **{"refs/heads/main": A})
    store.pack("refs/")
    put(store, **{"refs/heads/main": B})
    store.pack("refs/")
    assert store.packed().items() == [("refs/heads/main", B)]


def test_nothing_to_pack_writes_nothing(store, tmp_path):
    assert store.pack() == 0
    assert not (tmp_path / "packed-refs").exists()


def test_tags_are_peeled_and_the_header_says_so(store, tmp_path):
    put(store, **{"refs/tags/v1": B})
    store.pack("refs/")
    assert (tmp_path / "packed-refs").read_bytes() == HEADER + f"{B.hex()} refs/tags/v1\n^{A.hex()}\n".encode()


def test_symbolic_damaged_and_unreadable_refs_and_those_of_a_worktree_stay(store, tmp_path):
    put(store, **{"refs/remotes/o/main": A, "refs/bisect/bad": A, "refs/tags/lost": C})
    with store.transaction() as change:
        change.point("refs/remotes/o/HEAD", "refs/remotes/o/main")
    (tmp_path / "refs/heads/broken").write_text("")
    assert store.pack("refs/") == 1
    assert store.symbolic("refs/remotes/o/HEAD") == "refs/remotes/o/main"
    assert store.packed().items() == [("refs/remotes/o/main", A)]
    assert (tmp_path / "refs/heads/broken").exists()
    assert store.read("refs/bisect/bad") == A
    assert store.read("refs/tags/lost") == C


def test_without_objects_only_refs_of_commits_are_packed(tmp_path, store):
    put(store, **{"refs/tags/v1": B, "refs/exps/aa/bb/x": A})
    assert RefStore(str(tmp_path), str(tmp_path)).pack("refs/") == 1
    assert store.packed().items() == [("refs/exps/aa/bb/x", A)]


def at(step_wanted, path_wanted, action):
    """Does something once, just before a step."""

    def hook(step, path):
        nonlocal action
        if action is not None and step == step_wanted and path.endswith(path_wanted):
            now, action = action, None
            now()

    return disk.injected(hook)


def test_a_ref_that_changes_after_it_was_packed_keeps_its_new_value(store, tmp_path):
    put(store, **{"refs/heads/a": A})
    with at("rename", "packed-refs", lambda: (tmp_path / "refs/heads/a").write_text(B.hex() + "\n")):
        assert store.pack("refs/") == 0
    assert store.read("refs/heads/a") == B


def test_a_ref_that_is_deleted_and_made_again_meanwhile_is_not_lost(store, tmp_path):
    def others():
        (tmp_path / "packed-refs").write_bytes(HEADER)
        (tmp_path / "refs/heads/a").write_text(A.hex() + "\n")

    put(store, **{"refs/heads/a": A})
    with at("link", "refs/heads/a.lock", others):
        assert store.pack("refs/") == 0
    assert store.read("refs/heads/a") == A


def test_a_ref_that_somebody_has_locked_stays_loose(store, tmp_path, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.05)
    put(store, **{"refs/heads/a": A, "refs/heads/b": A})
    (tmp_path / "refs/heads/a.lock").write_text("")
    assert store.pack("refs/") == 1
    assert store.read("refs/heads/a") == A
    assert (tmp_path / "refs/heads/a").exists()


def test_packed_refs_that_somebody_has_locked_stops_it(store, tmp_path, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.05)
    put(store, **{"refs/heads/a": A})
    (tmp_path / "packed-refs.lock").write_text("")
    with pytest.raises(Locked):
        store.pack("refs/")
    assert store.read("refs/heads/a") == A


@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "unlink"])
def test_a_full_disk_at_any_step_loses_no_ref(store, tmp_path, step):
    put(store, **{"refs/heads/a": A, "refs/heads/b": B})

    def full(now, path):
        if now == step and ("packed-refs" in path or "assay/locks" in path or path.endswith("heads/a")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with disk.injected(full), pytest.raises(GitError, match="cannot be changed: No space left"):
        store.pack("refs/")
    assert dict(store.iterate()) == {"refs/heads/a": A, "refs/heads/b": B}
