"""engine/git/reftransaction.py: all or nothing, expected values, clashes of names, logs."""

from __future__ import annotations

import os

import pytest

from assay.engine.errors import GitError, Locked, MissingObject, RefConflict
from assay.engine.git import reflocks
from assay.engine.git.objects import COMMIT, TAG
from assay.engine.git.packedrefs import HEADER
from assay.engine.git.refs import RefStore
from assay.engine.model import Oid, Signature

A, B, C = (Oid(bytes([number]) * 20) for number in (1, 2, 3))
WHO = Signature("Ann Ä", "ann@example.com", 1700000000, -90)
MANY = 25


class Objects:
    """B is an annotated tag of A; C is not there; everything else is a commit."""

    def read(self, oid):
        if oid == C:
            raise MissingObject("not there")
        return (TAG, b"object %b\ntype commit\ntag t\n\n" % A.hex().encode()) if oid == B else (COMMIT, b"")


@pytest.fixture
def git_dir(tmp_path):
    for folder in ("refs/heads", "refs/tags"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    return tmp_path


@pytest.fixture
def store(git_dir):
    return RefStore(str(git_dir), str(git_dir), Objects)


@pytest.fixture(autouse=True)
def nothing_left(git_dir):
    yield
    assert list(git_dir.rglob("*.lock")) == []
    assert not (git_dir / "assay/locks").exists() or os.listdir(git_dir / "assay/locks") == []


def put(store, **refs):
    with store.transaction() as change:
        for name, oid in refs.items():
            change.put(name, oid)


def pack(store, **refs):
    put(store, **refs)
    store.pack("refs/")


def names(store):
    return [name for name, _ in store.iterate()]


def test_create_makes_a_ref(store, git_dir):
    with store.transaction() as change:
        change.create("refs/heads/a/b", A)
    assert (git_dir / "refs/heads/a/b").read_text() == A.hex() + "\n"


@pytest.mark.parametrize("packed", [False, True])
def test_create_refuses_what_exists_loose_or_packed(store, packed):
    (pack if packed else put)(store, **{"refs/heads/a": A})
    with pytest.raises(RefConflict, match="refs/heads/a already exists"), store.transaction() as change:
        change.create("refs/heads/a", B)
    assert store.read("refs/heads/a") == A


@pytest.mark.parametrize("packed", [False, True])
def test_update_compares_the_old_value_loose_or_packed(store, packed):
    (pack if packed else put)(store, **{"refs/heads/a": A})
    with pytest.raises(RefConflict, match=f"is {A.hex()[:10]} and not {C.hex()[:10]}"), store.transaction() as change:
        change.update("refs/heads/a", B, C)
    with store.transaction() as change:
        change.update("refs/heads/a", B, A)
    assert store.read("refs/heads/a") == B


def test_update_from_nothing_wants_nothing(store):
    with store.transaction() as change:
        change.update("refs/heads/a", A, None)
    with pytest.raises(RefConflict), store.transaction() as change:
        change.update("refs/heads/a", B, None)


def test_update_of_what_is_gone_is_a_conflict(store):
    with pytest.raises(RefConflict, match="does not exist any more"), store.transaction() as change:
        change.update("refs/heads/a", B, A)


def test_put_sets_whatever_was_there(store):
    put(store, **{"refs/heads/a": A})
    put(store, **{"refs/heads/a": B})
    assert store.read("refs/heads/a") == B


def test_before_holds_the_old_values(store):
    put(store, **{"refs/heads/a": A})
    with store.transaction() as change:
        change.put("refs/heads/a", B)
        change.put("refs/heads/b", B)
    assert change.before == {"refs/heads/a": A, "refs/heads/b": None}


def test_one_conflict_stops_everything(store):
    put(store, **{"refs/heads/b": A})
    change = store.transaction()
    change.create("refs/heads/a", A)
    change.create("refs/heads/b", B)
    change.delete("refs/heads/c")
    with pytest.raises(RefConflict):
        change.prepare()
    assert list(store.iterate()) == [("refs/heads/b", A)]


def test_an_exception_inside_the_block_changes_nothing(store):
    def fail():
        raise KeyError

    with pytest.raises(KeyError), store.transaction() as change:
        change.create("refs/heads/a", A) or fail()
    assert names(store) == []


def test_a_prepared_change_can_be_given_up(store):
    change = store.transaction()
    change.create("refs/heads/deep/a", A)
    change.prepare()
    change.abort()
    assert names(store) == []
    assert not os.path.exists(store.path("refs/heads/deep"))


def test_an_ended_change_takes_no_more(store):
    with store.transaction() as change:
        change.create("refs/heads/a", A)
    for step in (change.prepare, lambda: change.put("refs/heads/b", A)):
        with pytest.raises(GitError, match="already made or given up"):
            step()


@pytest.mark.parametrize("where", ["loose", "packed", "both"])
def test_delete_leaves_no_older_value(store, where):
    put(store, **{"refs/heads/a": A, "refs/heads/ab": C})
    if where != "loose":
        store.pack("refs/")
    if where == "both":
        put(store, **{"refs/heads/a": B})
    with store.transaction() as change:
        change.delete("refs/heads/a")
    assert list(store.iterate()) == [("refs/heads/ab", C)]


def test_delete_can_expect_a_value(store):
    put(store, **{"refs/heads/a": A})
    with pytest.raises(RefConflict), store.transaction() as change:
        change.delete("refs/heads/a", B)
    with store.transaction() as change:
        change.delete("refs/heads/a", A)
    with store.transaction() as change:
        change.delete("refs/heads/a")
    with pytest.raises(RefConflict), store.transaction() as change:
        change.delete("refs/heads/a", A)


def test_head_cannot_be_deleted(store):
    with pytest.raises(GitError, match="HEAD cannot be deleted"):
        store.transaction().delete("HEAD")


def test_delete_removes_the_folders_it_empties_but_not_those_of_git(store, git_dir):
    put(store, **{"refs/exps/aa/bb/x": A})
    with store.transaction() as change:
        change.delete("refs/exps/aa/bb/x")
    assert not (git_dir / "refs/exps/aa").exists()
    assert (git_dir / "refs/exps").is_dir()


@pytest.mark.parametrize("packed", [False, True])
def test_a_ref_cannot_be_below_another(store, packed):
    (pack if packed else put)(store, **{"refs/heads/a": A})
    with pytest.raises(RefConflict, match="refs/heads/a/b/c cannot be made because there is a ref refs/heads/a"):
        put(store, **{"refs/heads/a/b/c": B})


@pytest.mark.parametrize("packed", [False, True])
def test_a_ref_cannot_be_above_another(store, packed):
    (pack if packed else put)(store, **{"refs/heads/a/b/c": A})
    with pytest.raises(RefConflict, match="refs/heads/a cannot be made because there are refs below it"):
        put(store, **{"refs/heads/a": B})


def test_two_new_refs_cannot_be_above_and_below(store):
    change = store.transaction()
    change.create("refs/heads/a/b", A)
    change.create("refs/heads/a", A)
    with pytest.raises(RefConflict, match="cannot both be refs"):
        change.prepare()


def test_empty_folders_are_not_in_the_way(store, git_dir):
    (git_dir / "refs/heads/a/b/c").mkdir(parents=True)
    put(store, **{"refs/heads/a": A})
    assert store.read("refs/heads/a") == A


def test_a_ref_that_is_being_made_below_is_in_the_way(store):
    below = store.transaction()
    below.create("refs/heads/a/b", A)
    below.prepare()
    with pytest.raises(RefConflict, match="refs below it"):
        put(store, **{"refs/heads/a": B})
    below.commit()
    assert names(store) == ["refs/heads/a/b"]


def test_a_ref_that_is_being_made_above_is_in_the_way(store):
    above = store.transaction()
    above.create("refs/heads/a", A)
    above.prepare()
    with pytest.raises(RefConflict, match="while somebody changes refs/heads/a"):
        put(store, **{"refs/heads/a/b": B})
    above.commit()
    assert names(store) == ["refs/heads/a"]


def test_many_new_refs_go_into_packed_refs_at_once(store, git_dir):
    put(store, **{f"refs/exps/aa/bb/{number}": A for number in range(MANY)})
    assert not (git_dir / "refs/exps/aa").exists()
    assert (git_dir / "packed-refs").read_bytes().startswith(HEADER)
    assert len(names(store)) == MANY


def test_among_many_those_with_a_file_stay_loose(store, git_dir):
    put(store, **{"refs/heads/5": A})
    put(store, **{f"refs/heads/{number}": B for number in range(MANY)})
    assert os.listdir(git_dir / "refs/heads") == ["5"]
    assert {oid for _, oid in store.iterate()} == {B}


@pytest.mark.parametrize("edited", [True, False])
def test_tags_are_peeled_where_they_are_packed(store, git_dir, edited):
    if not edited:
        (git_dir / "packed-refs").write_text(f"# pack-refs with: peeled \n{B.hex()} refs/tags/old\n")
    put(store, **{f"refs/tags/{number:02}": B for number in range(MANY)})
    text = (git_dir / "packed-refs").read_text()
    assert text.startswith(HEADER.decode())
    assert text.count(f"{B.hex()} refs/tags/") == text.count(f"^{A.hex()}\n") == MANY + (not edited)


def test_refs_that_may_be_tags_stay_loose_where_tags_cannot_be_read(git_dir):
    store = RefStore(str(git_dir), str(git_dir))
    put(store, **{f"refs/tags/{number}": B for number in range(MANY)})
    assert not (git_dir / "packed-refs").exists()
    assert len(os.listdir(git_dir / "refs/tags")) == MANY


def test_a_rewrite_that_meets_a_missing_object_promises_less(store, git_dir):
    (git_dir / "packed-refs").write_text(f"{C.hex()} refs/tags/lost\n")
    put(store, **{f"refs/heads/{number}": A for number in range(MANY)})
    assert (git_dir / "packed-refs").read_text().startswith("# pack-refs with: sorted \n")
    assert store.read("refs/tags/lost") == C


def test_packed_refs_that_is_a_symlink_stays_one(store, git_dir):
    (git_dir / "elsewhere").write_bytes(HEADER)
    os.symlink("elsewhere", git_dir / "packed-refs")
    pack(store, **{"refs/heads/a": A})
    assert os.readlink(git_dir / "packed-refs") == "elsewhere"
    assert b"refs/heads/a" in (git_dir / "elsewhere").read_bytes()


def test_a_change_through_head_changes_its_branch(store, git_dir):
    put(store, HEAD=A)
    assert store.read("refs/heads/main") == A
    assert store.symbolic("HEAD") == "refs/heads/main"


def test_delete_of_a_symbolic_ref_leaves_its_target(store):
    put(store, **{"refs/remotes/o/main": A})
    with store.transaction() as change:
        change.point("refs/remotes/o/HEAD", "refs/remotes/o/main")
    assert store.symbolic("refs/remotes/o/HEAD") == "refs/remotes/o/main"
    with store.transaction() as change:
        change.delete("refs/remotes/o/HEAD")
    assert names(store) == ["refs/remotes/o/main"]


def test_one_ref_cannot_be_changed_twice_at_once(store):
    change = store.transaction()
    change.put("refs/heads/main", A)
    with pytest.raises(GitError, match="cannot be changed twice"):
        change.put("refs/heads/main", B)
    change.put("HEAD", A)
    with pytest.raises(GitError, match="through a symbolic ref"):
        change.prepare()


def test_set_head_names_a_branch_or_detaches(store):
    store.set_head("refs/heads/unborn")
    assert (store.symbolic("HEAD"), store.read("HEAD")) == ("refs/heads/unborn", None)
    store.set_head(B)
    assert (store.symbolic("HEAD"), store.read("HEAD")) == (None, B)
    put(store, HEAD=C)
    assert (store.symbolic("HEAD"), store.read("HEAD")) == (None, C)


@pytest.mark.parametrize("name", ["refs/heads/a..b", "main", "refs/heads/a.lock", "FETCH_HEAD", "../x", "refs/heads/"])
def test_a_name_that_no_ref_can_have_is_refused(store, name):
    with pytest.raises(GitError, match="not a name that a ref can have"):
        store.transaction().put(name, A)
    with pytest.raises(GitError, match="not a name that a ref can have"):
        store.transaction().point("refs/heads/s", name)


@pytest.mark.parametrize("oid", [bytes(20), b"short"])
def test_what_is_no_id_is_refused(store, oid):
    with pytest.raises(GitError, match="not the id of an object"):
        store.transaction().put("refs/heads/a", Oid(oid))


def test_a_damaged_ref_can_be_set_again_but_not_created(store, git_dir):
    (git_dir / "refs/heads/a").write_text("")
    with pytest.raises(RefConflict), store.transaction() as change:
        change.create("refs/heads/a", A)
    with pytest.raises(RefConflict, match="is damaged and not"), store.transaction() as change:
        change.update("refs/heads/a", A, B)
    put(store, **{"refs/heads/a": A})
    assert store.read("refs/heads/a") == A


def test_a_lock_of_somebody_else_is_waited_for_then_named(store, git_dir, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.05)
    (git_dir / "refs/heads/a.lock").write_text("")
    with pytest.raises(Locked, match="refs/heads/a is locked by another program"):
        put(store, **{"refs/heads/a": A})
    assert (git_dir / "refs/heads/a.lock").exists()
    os.unlink(git_dir / "refs/heads/a.lock")


def test_a_lock_of_our_own_names_its_owner(git_dir, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.05)
    store = RefStore(str(git_dir), str(git_dir), command="assay run")
    first = store.transaction()
    first.put("refs/heads/a", A)
    first.prepare()
    with pytest.raises(Locked, match=f"refs/heads/a is locked by `assay run` \\(process {os.getpid()} on "):
        put(store, **{"refs/heads/a": B})
    first.abort()


def test_a_deletion_that_cannot_lock_packed_refs_changes_nothing(store, git_dir, monkeypatch):
    monkeypatch.setattr(reflocks, "PATIENCE", 0.05)
    pack(store, **{"refs/heads/a": A})
    put(store, **{"refs/heads/a": B})
    (git_dir / "packed-refs.lock").write_text("")
    with pytest.raises(Locked, match="packed-refs is locked"), store.transaction() as change:
        change.delete("refs/heads/a")
    assert store.read("refs/heads/a") == B
    os.unlink(git_dir / "packed-refs.lock")


def log(git_dir, name):
    path = git_dir / "logs" / name
    return path.read_text().splitlines() if path.exists() else []


def test_a_branch_and_the_head_on_it_get_a_line_in_their_logs(store, git_dir):
    with store.transaction("commit: one\ntwo", WHO) as change:
        change.put("HEAD", A)
    line = f"{'0' * 40} {A.hex()} Ann Ä <ann@example.com> 1700000000 -0130\tcommit: one two"
    assert log(git_dir, "refs/heads/main") == log(git_dir, "HEAD") == [line]


def test_a_change_of_nothing_is_not_logged(store, git_dir):
    for _ in range(2):
        with store.transaction("m", WHO) as change:
            change.put("refs/heads/a", A)
    assert len(log(git_dir, "refs/heads/a")) == 1
    assert log(git_dir, "HEAD") == []


def test_experiments_get_no_log(store, git_dir):
    with store.transaction("m", WHO) as change:
        change.put("refs/exps/aa/bb/x", A)
    assert not (git_dir / "logs").exists()


def test_a_log_that_exists_goes_on(store, git_dir):
    (git_dir / "logs/refs/exps").mkdir(parents=True)
    (git_dir / "logs/refs/exps/stash").write_text("")
    with store.transaction("m", WHO) as change:
        change.put("refs/exps/stash", A)
    assert len(log(git_dir, "refs/exps/stash")) == 1


@pytest.mark.parametrize(("policy", "logged"), [("never", False), ("usual", False), ("always", True)])
def test_the_policy_says_which_refs_get_a_log(git_dir, policy, logged):
    store = RefStore(str(git_dir), str(git_dir), Objects, policy)
    with store.transaction("m", WHO) as change:
        change.put("refs/tags/t", A)
    assert bool(log(git_dir, "refs/tags/t")) is logged


def test_without_a_message_there_is_no_log(store, git_dir):
    put(store, **{"refs/heads/a": A})
    assert not (git_dir / "logs").exists()


def test_switching_is_logged_with_both_commits(store, git_dir):
    put(store, **{"refs/heads/main": A, "refs/heads/side": B})
    store.set_head("refs/heads/side", "checkout: moving from main to side", WHO)
    (line,) = log(git_dir, "HEAD")
    assert line.startswith(f"{A.hex()} {B.hex()} ")


def test_deleting_a_branch_deletes_its_log(store, git_dir):
    with store.transaction("m", WHO) as change:
        change.put("refs/heads/a/b", A)
    with store.transaction("m", WHO) as change:
        change.delete("refs/heads/a/b")
    assert not (git_dir / "logs/refs/heads/a").exists()
    with store.transaction("m", WHO) as change:
        change.put("refs/heads/a", A)
    assert len(log(git_dir, "refs/heads/a")) == 1


def test_a_linked_worktree_logs_its_own_head(git_dir):
    own = git_dir / "worktrees/w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    with RefStore(str(own), str(git_dir)).transaction("m", WHO) as change:
        change.put("HEAD", A)
    assert len(log(git_dir, "refs/heads/side")) == len(log(own, "HEAD")) == 1
    assert log(git_dir, "HEAD") == []
